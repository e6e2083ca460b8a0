"""One-class models: each is fitted on one class and computes the similarity of an image to that class."""
