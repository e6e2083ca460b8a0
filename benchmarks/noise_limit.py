"""How well photographs could be inpainted at most if only their noise could not be predicted.

    python benchmarks/noise_limit.py --data DIR [--split val]

For the photographs of mpox at 96 px, prints with 95 % intervals by group, in dB:

* the PSNR of the photograph and a second JPEG copy of it (quality 75, 4:2:0, compressed at the size of the file),
* the PSNR that remains for an exact prediction of the photograph without its noise, whose standard deviation is
  estimated from differences of Laplacians (Immerkaer, CVIU 1996); fine texture counts as noise, and noise that is
  correlated over neighbouring pixels, such as that of JPEG, is missed,
* the PSNR of the photograph and of its version denoised by non-local means with that noise level.

An inpainting whose PSNR is far below these is limited by what it cannot know or has not learnt, not by noise.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import convolve
from skimage.restoration import denoise_nl_means

from mim_export.score.decode import decode
from mim_export.score.preprocess import resample
from mim_tf.data.folder import scan_folder
from mim_tf.data.splits import select
from mim_tf.evaluation.metrics import interval_text, mean_interval

SIZE, QUALITY = 96, 75


def copied(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image after another JPEG compression."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=QUALITY, subsampling=2)
    return np.asarray(Image.open(stream))


def noise_level(image: NDArray[np.floating]) -> float:
    """Standard deviation of the noise of an image (S, S, 3) in [0, 1]."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])[..., None]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(convolve(image, kernel)[1:-1, 1:-1]).mean())


def psnr(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """PSNR of two images in [0, 1], in dB; at most 60."""
    return float(-10 * np.log10(max(np.square(a - b).mean(), 1e-6)))


def main() -> None:
    """Prints the three figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--class", dest="label", default="mpox")
    arguments = parser.parse_args()
    photos = select(scan_folder(arguments.data), arguments.split, arguments.label)
    rows: dict[str, list[float]] = {"second JPEG copy": [], "noise level": [], "denoised": []}
    for photo in photos:
        image = decode(photo.path)
        small, again = (resample(version, SIZE) / 255.0 for version in (image, copied(image)))
        sigma = noise_level(small)
        denoised = denoise_nl_means(small, 5, 6, h=0.8 * sigma, sigma=sigma, channel_axis=-1)
        for values, value in zip(
            rows.values(), (psnr(small, again), -20 * np.log10(max(sigma, 1e-3)), psnr(small, denoised)), strict=True
        ):
            values.append(value)
    groups = np.array([photo.group for photo in photos])
    for name, values in rows.items():
        entry = mean_interval(np.array(values), groups)
        print(f"{name}: {entry['value']:.1f} {interval_text(entry)} dB")


if __name__ == "__main__":
    main()
