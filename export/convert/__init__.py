"""From a detector to TFLite files."""
