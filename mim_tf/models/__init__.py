"""Keras models and the layers and losses that they are built from."""
