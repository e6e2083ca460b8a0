"""From an image and its inpainting to numbers: SSIM, features, and the head that scores features."""
