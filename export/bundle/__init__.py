"""Writes a bundle: models, manifest, golden vectors, model card, checksums."""
