"""Data folders, splits, duplicates, augmentation and training masks."""
