"""Size and speed of a bundle beside other models."""
