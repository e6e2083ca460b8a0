"""Measures size and speed of the models of a bundle and of other models."""
