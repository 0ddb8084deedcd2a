"""Decoding images, and making small ones of them."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling.errors import DatasetError

if TYPE_CHECKING:
    from PIL.Image import Image

ImageSource: TypeAlias = bytes | Path | NDArray[np.uint8]
"""An encoded image, the path of one, or its pixels, (height, width, 3) uint8."""

PIXEL_SIDE = 32
"""Height and width that images are scaled to for ``features="pixels"``."""

THUMBNAIL_SIDE = 64
_KEPT_FORMATS = ("JPEG", "PNG")
_JPEG_QUALITY = 85


def read_image(source: ImageSource, name: str) -> "Image":
    """Decode an image to RGB.

    Parameters
    ----------
    source : bytes, Path or array
        The image.
    name : str
        What the message calls it.

    Raises
    ------
    DatasetError
        If it is missing, no image, or damaged.
    MissingExtraError
        If Pillow is not installed (the extra ``embed``).
    """
    return _open(source, name).convert("RGB")


def read_content(source: ImageSource, name: str) -> bytes:
    """Return what identifies an image: the bytes of its file, or shape and pixels."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, Path):
        try:
            return source.read_bytes()
        except OSError as error:
            raise DatasetError(
                f"{name} ({source}) cannot be read ({error}). Check the path."
            ) from error
    return f"{source.shape} ".encode() + source.tobytes()


def read_pixels(
    images: Sequence[ImageSource], *, called: str = "Image"
) -> NDArray[np.float32]:
    """Return the pixels of images as rows, scaled to a common size.

    Parameters
    ----------
    images : sequence of (n_images,) images
        The images.
    called : str
        What an error calls an image, before its number.

    Returns
    -------
    (n_images, PIXEL_SIDE * PIXEL_SIDE * 3) float32 array
        Red, green and blue of each pixel, between 0 and 1.
    """
    side = (PIXEL_SIDE, PIXEL_SIDE)
    pixels = np.empty((len(images), PIXEL_SIDE * PIXEL_SIDE * 3), dtype=np.float32)
    for row, source in enumerate(images):
        image = read_image(source, f"{called} {row}")
        if image.size != side:
            image = image.resize(side)
        pixels[row] = np.asarray(image, dtype=np.float32).ravel()
    pixels /= 255.0
    return pixels


def make_thumbnail(source: ImageSource, name: str) -> bytes:
    """Return a small JPEG of an image, or the image itself if it is small already."""
    image = _open(source, name)
    is_small = max(image.size) <= THUMBNAIL_SIDE
    if isinstance(source, bytes) and is_small and image.format in _KEPT_FORMATS:
        return source
    image = image.convert("RGB")
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=_JPEG_QUALITY)
    return encoded.getvalue()


def _open(source: ImageSource, name: str) -> "Image":
    image_module: Any = require_extra("PIL.Image", "embed")
    if isinstance(source, np.ndarray):
        opened: Image = image_module.fromarray(source)
        return opened
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    where = f"{name} ({source})" if isinstance(source, Path) else name
    try:
        image: Image = image_module.open(file)
        image.load()
    # What Pillow raises of a damaged file depends on its format.
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as e:
        raise DatasetError(
            f"{where} cannot be decoded ({e}). Mend or remove this row."
        ) from e
    return image
