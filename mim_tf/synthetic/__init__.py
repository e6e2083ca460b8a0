"""Synthetic images: the sample set and the images of the golden vectors."""
