"""One-class models: each gives every image a similarity to the class that it was fitted on."""
