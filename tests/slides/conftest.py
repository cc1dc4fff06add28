"""Pyramidal TIFFs with known pixels."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from milbench import Dataset, Encoder, LabelledBag, Slide, Tiler
from milbench.features import Making, cached_features
from milbench.view import View

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


# Three slides as a data set.

SIDE = 16
PIXELS = Encoder(name="pixels", target="milbench_encoders.pixels:Pixels", summary="as they are")
TISSUE = Tiler(name="tissue", target="milbench_tilers.tissue:Tissue", summary="squares of tissue")
# A mask of the same pixels as the tiles, with no smoothing, so that tiles are known by hand.
PLAIN = {"median": 1, "closing": 1, "piece": 0.0, "hole": 0.0}
ARGS = {"tile_px": SIDE, "mpp": 0.5, "mask_mpp": 8.0, "segmentation": PLAIN}
VIEW = View(PIXELS, TISSUE, ARGS)
WHITE, PINK = (255, 255, 255), (200, 60, 120)


def picture_of(rows: int, columns: int, tissue: set[tuple[int, int]]) -> np.ndarray:
    """Return squares of 16 x 16, pink where (row, column) is tissue; each square has its blue."""
    pixels = np.full((rows * SIDE, columns * SIDE, 3), WHITE, np.uint8)
    for number, (row, column) in enumerate(sorted(tissue)):
        y, x = row * SIDE, column * SIDE
        pixels[y : y + SIDE, x : x + SIDE] = (*PINK[:2], 100 + number)
    return pixels


@pytest.fixture
def slides(pyramid):
    """Return a data set of three slides with two, one and three tiles of tissue."""
    places = [{(0, 1), (2, 0)}, {(1, 1)}, {(0, 0), (0, 2), (1, 1)}]
    paths = [pyramid(f"s{n}.tiff", picture_of(3, 4, tissue)) for n, tissue in enumerate(places)]

    def read(data):
        for number, path in enumerate(paths):
            yield LabelledBag(id=path.stem, label=number % 2, picture=Slide(path))

    return Dataset(
        name="toy", target=read, summary="slides", classes=("no", "yes"), files=("*.tiff",)
    )


@pytest.fixture
def built():
    """Return a function that builds the features of a data set: ``built(dataset, tmp_path)``."""

    def build(dataset, tmp_path, view=VIEW, **making):
        return cached_features(
            dataset, view, data=tmp_path, cache=tmp_path / "cache", making=Making(**making)
        )

    return build


@pytest.fixture
def toy():
    """Return how the slides of :func:`slides` are drawn, cut and encoded."""
    return SimpleNamespace(
        side=SIDE, pixels=PIXELS, tissue=TISSUE, args=ARGS, view=VIEW, picture_of=picture_of
    )
