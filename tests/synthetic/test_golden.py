"""`mim_tf.synthetic.golden`: decoded files against the picture that was encoded."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from mim_export.score.decode import decode
from mim_tf.synthetic import dataset
from mim_tf.synthetic.golden import display_p3, encoded_images, golden_images

UPRIGHT = dataset.render("mpox", [1100], size=64)[0][:45, :61]
GREY = np.asarray(Image.fromarray(UPRIGHT).convert("L"))


def decoded(name: str, folder: Path) -> np.ndarray:
    path = folder / name
    path.write_bytes(encoded_images()[name])
    return decode(path).astype(int)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientations_are_applied(orientation: int, tmp_path: Path) -> None:
    name = f"exif_{orientation}.jpg"
    found = decoded(name, tmp_path)
    assert found.shape == (45, 61, 3) and np.abs(found - UPRIGHT).max() <= 24  # JPEG of quality 95
    assert np.abs(found - UPRIGHT).mean() < 2
    with Image.open(tmp_path / name) as image:
        assert image.getexif()[0x0112] == orientation
        assert image.size == ((61, 45) if orientation < 5 else (45, 61))  # as stored


def test_grey_alpha_and_palette(tmp_path: Path) -> None:
    assert (decoded("grey.png", tmp_path) == GREY[..., None]).all()
    assert np.abs(decoded("grey.jpg", tmp_path) - GREY[..., None]).max() <= 24
    # 16 bits: the grey value times 256 plus 0 to 240 from left to right; divided by 257, with 0.5 rounded up.
    wide = GREY.astype(float) * 256 + np.arange(61) * 4
    assert (decoded("grey16.png", tmp_path) == np.floor(wide / 257 + 0.5)[..., None]).all()
    ramp = np.linspace(0, 255, 61).astype(np.uint8) / 255
    over_white = UPRIGHT * ramp[:, None] + 255 * (1 - ramp[:, None])
    assert np.abs(decoded("alpha.png", tmp_path) - over_white).max() <= 0.5
    grey_over_white = GREY * ramp + 255 * (1 - ramp)
    assert np.abs(decoded("grey_alpha.png", tmp_path) - grey_over_white[..., None]).max() <= 0.5
    assert (decoded("lossless.webp", tmp_path) == UPRIGHT).all()
    opaque = decoded("palette.png", tmp_path)
    assert len(np.unique(opaque.reshape(-1, 3), axis=0)) <= 32
    with Image.open(tmp_path / "palette.png") as image:
        transparent = np.asarray(image) == 0
    found = decoded("palette_alpha.png", tmp_path)
    assert transparent.any() and (found[transparent] == 255).all()
    assert (found[~transparent] == opaque[~transparent]).all()


def test_profiles_are_not_applied(tmp_path: Path) -> None:
    """LittleCMS accepts the profile, and applying it would change reds by more than JPEG does."""
    assert (decoded("display_p3.png", tmp_path) == UPRIGHT).all()
    assert np.abs(decoded("display_p3.jpg", tmp_path) - UPRIGHT).mean() < 2
    profile = ImageCms.ImageCmsProfile(io.BytesIO(display_p3()))
    assert ImageCms.getProfileDescription(profile).strip() == "Display P3"
    srgb = ImageCms.createProfile("sRGB")
    applied = ImageCms.profileToProfile(Image.fromarray(UPRIGHT), profile, srgb, outputMode="RGB")
    assert np.abs(np.asarray(applied).astype(int) - UPRIGHT)[..., 0].mean() > 8
    # The red of Display P3 is 1.225 of the red of sRGB in linear light.
    red = ImageCms.profileToProfile(Image.new("RGB", (1, 1), (200, 0, 0)), profile, srgb, outputMode="RGB")
    assert red.getpixel((0, 0))[0] == pytest.approx(217, abs=3)


def test_golden_images_have_the_sides_in_their_names() -> None:
    images = golden_images(64)
    assert len(images) == 17 and images["synthetic_blank_64x64"].std() == 0
    for name, pixels in images.items():
        height, width = map(int, name.rsplit("_", 1)[1].split("x"))
        assert pixels.shape == (height, width, 3)
    assert sum(height != width for height, width, _ in (pixels.shape for pixels in images.values())) >= 8
