"""Reads and edits TFLite files."""
