"""Baseline `blur`: SSIM of the image and a Gaussian blur of its kept pixels, in place of the GAN's inpainting."""

from __future__ import annotations

from mim_tf.detectors.fill import FillModel
from mim_tf.measures.fills import blur


class BlurModel(FillModel):
    """Similarity = SSIM of the image and its blur."""

    fill = staticmethod(blur)
    summary = "SSIM of the image and a Gaussian-blur inpainting; no trained parameters"
