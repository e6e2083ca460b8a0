"""Converts a detector to TFLite files."""
