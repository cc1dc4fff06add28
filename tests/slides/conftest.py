"""Pyramidal TIFFs with known pixels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

tifffile = pytest.importorskip("tifffile", reason="slides are written with tifffile")
pytest.importorskip("openslide", reason="slides are read with OpenSlide")

TILE = (16, 16)  # the smallest that TIFF allows


def write_pyramid(path: Path, pixels: np.ndarray, mpp: float | None = 0.5, levels: int = 2) -> Path:
    """Write ``pixels`` (H, W, 3) as a tiled TIFF in which each level has every other pixel."""
    stated = {} if mpp is None else {"resolution": (10_000 / mpp, 10_000 / mpp)}
    how = {"tile": TILE, "photometric": "rgb", "compression": "deflate", "metadata": None, **stated}
    if mpp is not None:
        how["resolutionunit"] = "CENTIMETER"
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, **how)
        for level in range(1, levels):
            step = 2**level
            coarse = dict(how)
            if mpp is not None:
                coarse["resolution"] = (10_000 / mpp / step, 10_000 / mpp / step)
            file.write(np.ascontiguousarray(pixels[::step, ::step]), subfiletype=1, **coarse)
    return path


@pytest.fixture
def pyramid(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a pyramid: ``pyramid(name, pixels, mpp=0.5, levels=2)``."""

    def write(name: str, pixels: np.ndarray, mpp: float | None = 0.5, levels: int = 2) -> Path:
        return write_pyramid(tmp_path / name, pixels, mpp, levels)

    return write


@pytest.fixture
def counted() -> np.ndarray:
    """Return pixels (64, 96, 3) that name their place: x, y, and 7."""
    y, x = np.indices((64, 96))
    return np.stack([x, y, np.full_like(x, 7)], axis=-1).astype(np.uint8)


@pytest.fixture(name="tifffile")
def writer():
    """Return tifffile."""
    return tifffile
