"""PSNR of the inpainting of held-out images during the training."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from mim_tf.measures.fills import biharmonic, push_pull

#: Images that are inpainted at most.
_MAX_IMAGES = 16


class HeldOutPSNR:
    """Computes the PSNR of a model's inpainting of held-out images, and those of two fills that have learnt nothing.

    Args:
        pixels: uint8 (N, S, S, 3), N >= 1, of which 16 are used, evenly spaced.
        masks: the mask set, float32 (n, S, S, 1), 1 = kept.

    Example:
        >>> HeldOutPSNR(pixels, mask_set(96, 12, 2))(model)
        {'val_psnr': 27.9, 'val_biharmonic': 27.1, 'val_push_pull': 25.7}
    """

    def __init__(self, pixels: NDArray[np.uint8], masks: NDArray[np.float32]) -> None:
        chosen = np.unique(np.linspace(0, len(pixels) - 1, _MAX_IMAGES).astype(int))
        self.images = pixels[chosen].astype(np.float32) / np.float32(255)
        fills = {"val_biharmonic": biharmonic, "val_push_pull": push_pull}
        self.fills = {name: self._psnr(make(pixels[chosen], masks)) for name, make in fills.items()}

    def __call__(self, model: keras.Model) -> dict[str, float]:
        """Returns the metrics of a model.

        Args:
            model: inpaints float32 (B, S, S, 3) in [0, 1] with the mask set.

        Returns:
            `val_psnr` of the model, `val_biharmonic` and `val_push_pull` of the fills, in dB, each the mean over the
            images; at most 60.
        """
        return {"val_psnr": self._psnr(np.asarray(model(self.images))), **self.fills}

    def _psnr(self, inpainted: NDArray[np.float32]) -> float:
        error = np.square(self.images.astype(np.float64) - inpainted).mean(axis=(1, 2, 3))
        return float(np.mean(-10.0 * np.log10(np.maximum(error, 1e-6))))
