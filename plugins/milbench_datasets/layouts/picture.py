"""Read a picture file (PNG, BMP, TIFF, JPEG) as an array of colours."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def read_picture(path: Path, content: bytes | None = None) -> NDArray[np.uint8]:
    """Return the colours of a picture file: red, green and blue, of shape (H, W, 3), uint8.

    Parameters
    ----------
    content
        Of the file, where it lies in an archive; it is read from ``path`` when None.

    Raises
    ------
    DatasetError
        If the file is no picture, or Pillow, which reads it, is not installed.
    """
    try:
        pillow: Any = import_module("PIL.Image")
    except ImportError as error:
        raise DatasetError(
            f"{path}: pictures are read by Pillow, which is not installed: "
            "pip install 'milbench[data]'"
        ) from error
    try:
        with pillow.open(path if content is None else BytesIO(content)) as opened:
            return np.asarray(opened.convert("RGB"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: expected a picture, found something else: {error}") from error
