"""Data folders, splits, near-duplicates, augmentation and training masks."""
