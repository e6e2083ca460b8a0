"""Scores photographs with a bundle. Needs only numpy, Pillow and a TFLite runtime."""
