"""Decodes photographs to upright RGB, in strips of rows.

The scorers in C, Kotlin, Swift and TypeScript implement the same definition, which `export/README.md` specifies. Only
Pillow's own copy of a photograph is held as a whole, so that a small file cannot ask for gigabytes. Needs only numpy
and Pillow.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from .containers import Container, Spliced, check_png_data, orientation, read_container
from .errors import MimError, TooLargeError
from .preprocess import AreaAverage

#: Largest number of pixels of a photograph on any target. This decoder reads fewer, as a protection against
#: decompression bombs: an image is read within 5 seconds and 1 GB, or rejected before it is decoded.
MAX_PIXELS = 250_000_000
#: Largest number of pixels of a JPEG of one scan: Pillow holds an image in 4 bytes for each pixel.
MAX_JPEG_PIXELS = 220_000_000
#: The same for a PNG, which takes four times as long for each pixel.
MAX_PNG_PIXELS = 100_000_000
#: The same for WebP, since libwebp and Pillow hold four copies of the image in 4 bytes for each pixel.
MAX_WEBP_PIXELS = 52_000_000
#: The same for a JPEG of several scans, since libjpeg holds all coefficients beside the image.
MAX_PROGRESSIVE_PIXELS = 69_000_000
#: Maximum of pixels times scans of a JPEG: each scan takes as long as decoding a simple file.
_MAX_SCANNED = 1_000_000_000
#: The same for a PNG of 16 bits and several samples, which is decoded twice.
MAX_DEEP_PIXELS = 30_000_000
#: Largest number of rows, for each of which Pillow needs memory and time. JPEG and WebP cannot have more.
_MAX_ROWS = 1_000_000
#: Pixels that are converted at a time: few enough for the cache of a processor.
_STRIP = 200_000
#: EXIF orientations whose upright image has the stored rows as columns; whose upright rows, then, are in the opposite
#: order; and whose upright columns are.
_TRANSPOSED, _UPSIDE_DOWN, _RIGHT_TO_LEFT = (5, 6, 7, 8), (3, 4, 7, 8), (2, 3, 6, 7)
#: Opens a file, given its path.
OpenFile = Callable[[str | os.PathLike[str]], BinaryIO]
_REMEDY = "replace the file by a JPEG, PNG or WebP photograph"
_PLUGINS: dict[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}


class Photograph:
    """An open photograph, which is decoded when its rows are read.

    Args:
        path: a JPEG, PNG or WebP file.
        open_file: opens it; errors of it are those of the file. By default, `path` is opened on this machine.

    Attributes:
        width: of the upright image, in pixels.
        height: of the upright image, in pixels.

    Raises:
        TooLargeError: the image has more pixels than are read of its format.
        MimError: the file is missing or not an image.

    Example:
        >>> with Photograph("photo.jpg") as photo:
        ...     (small,) = photo.resampled([96])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        open_file: OpenFile | None = None,
    ) -> None:
        self.path = path
        self._images: list[ImageFile.ImageFile] = []
        with _one_line(path):
            self._file = (open_file or open_regular)(path)
            try:
                self._container = read_container(self._file)
                if not self._container.width or not self._container.height:
                    raise ValueError("it has no pixels")
                limit = _most_pixels(self._container)
                if self._container.width * self._container.height > limit:
                    raise TooLargeError(f"has more than {limit:,} pixels", path)
                if self._container.height > _MAX_ROWS:
                    raise TooLargeError(f"has more than {_MAX_ROWS:,} rows", path)
            except BaseException:
                self._file.close()
                raise
            self._orientation = orientation(self._container.exif)
        stored = self._container.width, self._container.height
        self.width, self.height = stored[::-1] if self._orientation in _TRANSPOSED else stored

    def __enter__(self) -> Photograph:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file and releases the pixels."""
        self._file.close()
        self._images.clear()

    def pixels(self) -> NDArray[np.uint8]:
        """Decodes the upright image, uint8 (height, width, 3).

        Raises:
            TooLargeError: there is not enough memory.
            MimError: the file is truncated or damaged.
        """
        with _one_line(self.path):
            upright = np.empty((self.height, self.width, 3), np.uint8)
        stored, row = self._as_stored(upright), 0
        for strip in self._strips(0, 0, self._container.width, self._container.height):
            stored[row : row + len(strip)] = strip
            row += len(strip)
        return upright

    def resampled(self, sizes: Sequence[int], height: int | None = None) -> list[NDArray[np.uint8]]:
        """Resamples the centre square, without holding the upright image as an array.

        Args:
            sizes: side S of each result in pixels.
            height: the image ends after so many rows, and the rest is cut off; None = all rows.

        Returns:
            What `resample` returns for the decoded photograph, uint8 (S, S, 3), for each size.

        Raises:
            TooLargeError: there is not enough memory.
            MimError: the file is truncated or damaged.
        """
        height = self.height if height is None else height
        side = min(self.width, height)
        left, top = (self.width - side) // 2, (height - side) // 2
        # The stored image is resampled, and the result turned: turning large images takes longer than decoding them.
        # The square is that of the upright image, which has another offset from the opposite side if the rest is odd.
        if self._orientation in _UPSIDE_DOWN:
            top = self.height - top - side
        if self._orientation in _RIGHT_TO_LEFT:
            left = self.width - left - side
        if self._orientation in _TRANSPOSED:
            left, top = top, left
        averages = [AreaAverage(side, side, size) for size in sizes]
        for strip in self._strips(left, top, left + side, top + side):
            for average in averages:
                average.add(strip)
        results = []
        for average in averages:
            stored = average.result()
            upright = np.empty_like(stored)
            self._as_stored(upright)[:] = stored
            results.append(upright)
        return results

    def _open(self) -> ImageFile.ImageFile:
        """Opens the parts that hold pixels. `Image.open` would warn of large images, for the whole process."""
        return _PLUGINS[self._container.format](io.BufferedReader(Spliced(self._file, self._container.pieces)))

    def _load(self) -> None:
        """Decodes the image; a PNG of 16 bits and several samples twice, since Pillow drops the low bytes."""
        if self._container.format == "PNG":
            check_png_data(self._file, self._container)
        if not self._images:
            self._images.append(self._open())
        image = self._images[0]
        if image.size != (self._container.width, self._container.height):
            raise ValueError("its size is contradictory")
        if self._container.depth == 16 and self._container.colour == 4:
            image.tile = [_with_layout(image.tile[0], "RGBA")]
        image.load()
        if self._container.depth == 16 and self._container.colour in (2, 6):
            low = self._open()
            low.tile = [_with_layout(low.tile[0], f"{low.mode};16L")]
            low.load()
            self._images.append(low)

    def _strips(self, left: int, top: int, right: int, bottom: int) -> Iterator[NDArray[np.uint8]]:
        """Yields a part of the stored image from the top, in strips of rows, each uint8 (rows, right - left, 3)."""
        with _one_line(self.path):
            self._load()
        step = max(1, _STRIP // (right - left))
        for row in range(top, bottom, step):
            box = (left, row, right, min(row + step, bottom))
            with _one_line(self.path):
                strip = _rgb([image.crop(box) for image in self._images], self._container)
            yield strip

    def _as_stored(self, upright: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns a view of an upright image, uint8 (rows, columns, 3), with the pixels in the order of the file."""
        stored = upright[::-1] if self._orientation in _UPSIDE_DOWN else upright
        stored = stored[:, ::-1] if self._orientation in _RIGHT_TO_LEFT else stored
        return stored.transpose(1, 0, 2) if self._orientation in _TRANSPOSED else stored


def decode(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Decodes a photograph to upright RGB.

    The EXIF orientation is applied. Transparent pixels are composited over white. Greyscale, palette and CMYK images
    are converted to RGB. 16-bit samples are scaled by 1/257 with rounding, so that 65535 becomes 255.

    Args:
        path: a JPEG, PNG or WebP file.

    Returns:
        uint8 (height, width, 3).

    Raises:
        TooLargeError: the image has more pixels than are read of its format.
        MimError: the file is missing, truncated or not an image.

    Example:
        `decode("photo.jpg").shape` is (4032, 3024, 3) for a portrait photograph of a 12 MP phone, whatever the
        orientation of the stored pixels.
    """
    with Photograph(path) as photo:
        return photo.pixels()


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Opens a regular file. A pipe or a device is refused before it is opened, since it would be waited for.

    Args:
        path: the file.

    Raises:
        MimError: it is another kind of file.
        OSError: it is missing or cannot be read.
    """
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise MimError(f"{kind}, not an image", "name an image file", path)
    return open(path, "rb")


@contextmanager
def _one_line(path: str | os.PathLike[str]) -> Iterator[None]:
    """Converts whatever goes wrong with a file to an error of one line."""
    try:
        yield
    except MimError:
        raise
    except (FileNotFoundError, NotADirectoryError):
        raise MimError("no such file", "check the spelling of the path", path) from None
    except PermissionError:
        raise MimError("may not be read", "allow the current user to read it", path) from None
    except MemoryError:
        raise TooLargeError("not enough memory to decode it", path) from None
    except Exception as error:  # Pillow's plugins raise OSError, SyntaxError, ValueError, struct.error, ...
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).split("\n")[0]
        reason = reason.strip(" '\"") or type(error).__name__
        raise MimError(f"not a readable image ({reason[:80]})", _REMEDY, path) from None


def _most_pixels(container: Container) -> int:
    """Returns the largest number of pixels that an image of this kind may have."""
    if container.format == "WEBP":
        return MAX_WEBP_PIXELS
    if container.scans > 1:
        return min(MAX_PROGRESSIVE_PIXELS, _MAX_SCANNED // container.scans)
    if container.depth == 16 and container.colour != 0:
        return MAX_DEEP_PIXELS
    return MAX_PNG_PIXELS if container.format == "PNG" else MAX_JPEG_PIXELS


def _with_layout(tile: Any, layout: str) -> Any:
    """Returns a tile of Pillow that is unpacked with another layout of samples. Tiles are named tuples since 11.1."""
    values = (*tile[:3], layout)
    return type(tile)(*values) if hasattr(tile, "_fields") else values


def _rgb(images: list[Image.Image], container: Container) -> NDArray[np.uint8]:
    """Converts a strip to RGB, uint8 (rows, columns, 3)."""
    image = images[0]
    if container.format == "PNG":
        return _png_rgb(images, container)
    if "A" in image.getbands():
        rgba = np.asarray(image.convert("RGBA"))
        return _over_white(rgba[:, :, :3], rgba[:, :, 3:])
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _png_rgb(images: list[Image.Image], container: Container) -> NDArray[np.uint8]:
    """Converts a strip of a PNG. Pillow compares the transparent colour after scaling, which would miss some."""
    depth, colour, entry = container.depth, container.colour, container.transparency
    if colour == 3:
        image = images[0]
        image.putpalette(_palette(container).tobytes())
        return np.asarray(image.convert("RGB"))
    samples: NDArray[Any]
    if depth == 16:
        samples = _sixteen_bits(images, colour)
        eight = ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)
    else:
        image = images[0].convert("L") if images[0].mode == "1" else images[0]
        samples = eight = np.asarray(image).reshape(image.height, image.width, -1)
    if colour in (4, 6):
        return _over_white(np.broadcast_to(eight[:, :, :-1], (*eight.shape[:2], 3)), eight[:, :, -1:])
    rgb = np.repeat(eight, 3, axis=2) if colour == 0 else eight
    if len(entry) >= 2 * samples.shape[2]:
        most = (1 << depth) - 1
        level = np.frombuffer(entry[: 2 * samples.shape[2]], ">u2") & most
        if depth < 8:  # Pillow scales the samples to 8 bits
            level = level * (255 // most)
        rgb = np.where((samples == level).all(axis=2, keepdims=True), np.uint8(255), rgb)
    return rgb


def _palette(container: Container) -> NDArray[np.uint8]:
    """Returns the colours of a palette over white, uint8 (256, 3)."""
    ramp = Image.new("P", (256, 1))
    ramp.putdata(range(256))
    ramp.putpalette(container.palette)
    colours = np.asarray(ramp.convert("RGB"))[0]
    alpha = np.full((256, 1), 255, np.uint8)
    entries = np.frombuffer(container.transparency[:256], np.uint8)
    alpha[: len(entries), 0] = entries
    return _over_white(colours, alpha)


def _sixteen_bits(images: list[Image.Image], colour: int) -> NDArray[np.uint16]:
    """Returns the samples of a strip of 16 bits, uint16 (rows, columns, samples)."""
    if colour == 0:
        return np.asarray(images[0]).astype(np.uint16)[:, :, None]
    if colour == 4:  # high and low byte of grey and alpha, read as if they were four samples
        return np.ascontiguousarray(np.asarray(images[0])).view(">u2").astype(np.uint16)
    high, low = (np.asarray(image).astype(np.uint16) for image in images)
    return np.asarray(high * 256 + low, np.uint16)


def _over_white(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composites colours over white: (c a + 255 (255 - a) + 127) div 255, which is below 2^16 before the division."""
    wide = alpha[..., 0].astype(np.uint16)
    white = 255 * (255 - wide) + 127
    result = np.empty(colour.shape, np.uint8)
    for channel in range(3):  # one after the other, which takes less than half the time
        total = wide * colour[..., channel]
        total += white
        total //= 255
        result[..., channel] = total
    return result
