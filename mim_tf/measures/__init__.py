"""Measures of an image and its inpainting: SSIM, deep features, and the head that scores the features."""
