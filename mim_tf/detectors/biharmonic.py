"""Baseline `biharmonic`: SSIM of the image and a biharmonic fill, in place of the GAN's inpainting."""

from __future__ import annotations

from mim_tf.detectors.fill import FillModel
from mim_tf.measures.fills import biharmonic


class BiharmonicModel(FillModel):
    """Similarity = SSIM of the image and the solution of the biharmonic equation at hidden pixels."""

    fill = staticmethod(biharmonic)
    summary = "SSIM of the image and a biharmonic fill; no trained parameters"
