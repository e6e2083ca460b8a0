"""Checks that a bundle gives the same results on every runtime and in every language."""
