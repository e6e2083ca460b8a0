"""Keras models with their layers and losses."""
