"""Fits several methods with several seeds and tabulates them."""
