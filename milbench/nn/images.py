"""What aggregators that train on images share: their shape, and their pixels as numbers.

A method is built from the count of values of an instance, and reads (N, C, H, W) bytes, or rows of
as many values.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from milbench.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["as_pixels", "centre_crop", "image_shape"]

Shape = tuple[int, int, int]
WHITE = 255  # the largest value of a byte


def image_shape(
    in_dim: int, image: Sequence[int] | None = None, smallest: tuple[int, int] = (1, 1)
) -> Shape:
    """Return channels, rows and columns of an instance of ``in_dim`` values.

    Parameters
    ----------
    in_dim
        C * H * W.
    image
        C, H and W as a suite gives them. None is a square of three channels, else of one; no
        count of values is both, since three is no square.
    smallest
        Rows and columns that the network needs at least.

    Raises
    ------
    ShapeError
        If the values do not fit, or the image is too small.
    """
    shape = _square(in_dim) if image is None else tuple(image)
    if len(shape) != 3 or math.prod(shape) != in_dim or min(shape) < 1:  # noqa: PLR2004  # (C, H, W)
        found = "no square of 3 channels or of 1" if image is None else f"image = {tuple(shape)}"
        raise ShapeError(
            f"instances of {in_dim} values and {found}; set image to (channels, rows, columns) of "
            "your images"
        )
    channels, rows, columns = shape
    if rows < smallest[0] or columns < smallest[1]:
        raise ShapeError(
            f"images of {rows} x {columns} pixels; this network needs {smallest[0]} x "
            f"{smallest[1]} or more: enlarge them, or choose another method"
        )
    return channels, rows, columns


def _square(in_dim: int) -> tuple[int, ...]:
    for channels in (3, 1):
        side = math.isqrt(in_dim // channels)
        if channels * side * side == in_dim:
            return channels, side, side
    return ()


def as_pixels(x: Tensor, image: Shape) -> Tensor:
    """Return images as floats: bytes divided by 255, floats as they are.

    Parameters
    ----------
    x : (N, C, H, W) or (N, C * H * W), N >= 1
        Images, or rows of their values.
    image
        C, H and W.

    Returns
    -------
    (N, C, H, W)
        From 0 to 1 where bytes came.

    Raises
    ------
    ShapeError
        If ``x`` has another shape, or holds no image.
    """
    if x.shape[1:] not in (image, (math.prod(image),)) or x.shape[0] == 0:
        raise ShapeError(
            f"bag.x has shape {tuple(x.shape)}; expected (N, {image[0]}, {image[1]}, {image[2]}) "
            "with N >= 1: one bag of images, as the encoder 'pixels' gives them"
        )
    pixels = x if x.is_floating_point() else x / WHITE
    return pixels.reshape(-1, *image)  # (N, C, H, W)


def centre_crop(images: Tensor, rows: int, columns: int) -> Tensor:
    """Return the middle ``rows`` x ``columns`` of images (..., H, W); what is smaller stays whole.

    An odd remainder leaves one pixel more below and to the right.
    """
    height, width = images.shape[-2:]
    top, left = max(0, (height - rows) // 2), max(0, (width - columns) // 2)
    return images[..., top : top + rows, left : left + columns]
