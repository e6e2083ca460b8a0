"""Scores photographs with a bundle: numpy, Pillow and a TFLite runtime, nothing else."""
