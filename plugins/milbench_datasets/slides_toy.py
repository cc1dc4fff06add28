"""Drawn slides, written as pyramidal TIFF, in which the texture of a lesion is the class.

They prove the chain from a slide file to a leaderboard, and nothing about tissue. The generator
``slides-toy-1``, in full, so that anybody can write it again:

1. There are 48 patients of one slide each, 16 of each class in turn. All numbers of a slide are
   drawn from PCG64 with the seed 2026 and the slide's number.
2. A slide has 1024 x 1024 pixels of 0.5 micrometres on level 0. Its glass is (243, 242, 244).
3. Three pieces of tissue, (226, 168, 198), are ellipses with radii of 150 to 210 pixels, turned at
   random; their centres are drawn in three of the four quarters, 200 to 312 pixels from the
   nearest two sides. To tissue and glass, each square of 4 x 4 pixels adds a normal number of
   deviation 6 and 2, the same for all colours.
4. Each piece has a lesion, an ellipse with half of its radii and its centre and angle: (150, 96,
   170) in place of the colour of tissue. That of the first piece has 12 times the texture of the
   class on it, where u and v are pixels turned and shifted at random:

   =======  ===============================================================
   plain    nothing
   stripes  cos(2 pi u / 16)
   spots    1 where cos(2 pi u / 16) cos(2 pi v / 16) is above 0.3, else 0
   =======  ===============================================================

5. The stain of the slide, three normal numbers of deviation 5, is added to tissue. Values are
   rounded and cut off at 0 and 255.
6. Levels 1 and 2 are the means of 2 x 2 pixels of the level before, rounded half to even.

``slides-cmu`` is these slides with a scanned one beside them: CMU-1-Small-Region of OpenSlide's
test data (CC0). Nobody drew into it, so it is ``plain``; its patient is its own.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench import LabelledBag, MissingDataError, Slide
from milbench_datasets.drawn_slide import DrawnSlide

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Drawing = NDArray[np.float64]

CLASSES = ("plain", "stripes", "spots")
PATIENTS = 48
SEED = 2026

SIDE = 1024  # pixels
GLASS, TISSUE, LESION = (243.0, 242.0, 244.0), (226.0, 168.0, 198.0), (150.0, 96.0, 170.0)
PIECES = 3
NEAR, FAR = 200.0, 312.0
RADII = (150.0, 210.0)
SQUARE, TISSUE_NOISE, GLASS_NOISE, STAIN, CONTRAST = 4, 6.0, 2.0, 5.0, 12.0
PERIOD, SPOT = 16.0, 0.3

CMU = "slides/cmu-1-small-region.svs"
CMU_ID = "cmu-1-small-region"


class Ellipse(NamedTuple):
    """Centre, radii and angle, in pixels and radians."""

    x: float
    y: float
    wide: float
    high: float
    angle: float


def bags(data: Path) -> Iterator[LabelledBag]:  # noqa: ARG001 - embedded: there is no folder
    """Yield the 48 slides, each drawn when it is read and removed when it is closed.

    Raises
    ------
    MissingDataError
        If the libraries that write and read them are not installed.
    """
    yield from _drawn("slides-toy")


def bags_with_cmu(data: Path) -> Iterator[LabelledBag]:
    """Yield the 48 drawn slides and the scanned one.

    Raises
    ------
    MissingDataError
        If the scanned slide is not there, or the libraries are not installed.
    """
    path = data / CMU
    if not path.exists():
        raise MissingDataError(
            f"slides-cmu: {path} is not there; run: milbench fetch slides-cmu --data {data}"
        )
    yield from _drawn("slides-cmu")
    yield LabelledBag(id=CMU_ID, label=CLASSES.index("plain"), picture=Slide(path))


def _drawn(name: str) -> Iterator[LabelledBag]:
    missing = [library for library in ("openslide", "tifffile") if find_spec(library) is None]
    if missing:
        raise MissingDataError(
            f"{name}: needs {' and '.join(missing)}; run: pip install 'milbench[slides]'"
        )
    for number in range(PATIENTS):
        yield LabelledBag(
            id=f"slide-{number:02d}",
            label=number % len(CLASSES),
            picture=DrawnSlide(f"slide-{number:02d}", draw, number),
            patient=f"patient-{number:02d}",
        )


def draw(number: int) -> NDArray[np.uint8]:
    """Return level 0 of slide ``number``, (1024, 1024, 3)."""
    generator = np.random.Generator(np.random.PCG64([SEED, number]))
    stain = generator.normal(scale=STAIN, size=3)
    pixels = np.array(GLASS) + _noise(generator, GLASS_NOISE)
    tissue = np.array(TISSUE) + _noise(generator, TISSUE_NOISE) + stain
    for turn, quarter in enumerate(generator.permutation(4)[:PIECES].tolist()):
        piece = _placed(quarter, generator)
        lesion = piece._replace(wide=piece.wide / 2, high=piece.high / 2)
        inside = _inside(piece)
        pixels[inside] = tissue[inside]
        y, x = np.nonzero(_inside(lesion))
        label = number % len(CLASSES) if turn == 0 else CLASSES.index("plain")
        shade = CONTRAST * texture(label, (y, x), generator)  # (n,)
        pixels[y, x] += np.array(LESION) - np.array(TISSUE) + shade[:, None]
    return pixels.round().clip(0, 255).astype(np.uint8)


def texture(
    label: int, places: tuple[NDArray[np.int64], NDArray[np.int64]], generator: np.random.Generator
) -> Drawing:
    """Return the texture of a class, turned and shifted at random, (n,).

    Parameters
    ----------
    places
        Rows and columns, (n,) each.
    """
    y, x = places
    angle, shift_u, shift_v = generator.uniform(0, (math.pi, PERIOD, PERIOD))
    u = x * math.cos(angle) + y * math.sin(angle) + shift_u
    v = y * math.cos(angle) - x * math.sin(angle) + shift_v
    across, along = (np.cos(2 * math.pi * axis / PERIOD) for axis in (u, v))
    drawn = (np.zeros(len(y)), across, across * along > SPOT)[label]
    return np.asarray(drawn, dtype=np.float64)


def _noise(generator: np.random.Generator, deviation: float) -> Drawing:
    """Return noise of squares, (1024, 1024, 1)."""
    squares = generator.normal(scale=deviation, size=(SIDE // SQUARE, SIDE // SQUARE))
    return squares.repeat(SQUARE, axis=0).repeat(SQUARE, axis=1)[..., None]


def _placed(quarter: int, generator: np.random.Generator) -> Ellipse:
    """Return a piece in a quarter of the slide: 0 and 1 above, 2 and 3 below."""
    x, y = generator.uniform(NEAR, FAR, size=2)
    wide, high = generator.uniform(*RADII, size=2)
    right, below = quarter % 2, quarter // 2
    return Ellipse(
        x=SIDE - x if right else x,
        y=SIDE - y if below else y,
        wide=wide,
        high=high,
        angle=generator.uniform(0, math.pi),
    )


def _inside(ellipse: Ellipse) -> NDArray[np.bool_]:
    """Return which pixels of a slide lie inside, (1024, 1024)."""
    y, x = np.ogrid[:SIDE, :SIDE]
    cosine, sine = math.cos(ellipse.angle), math.sin(ellipse.angle)
    along = (x - ellipse.x) * cosine + (y - ellipse.y) * sine
    across = (y - ellipse.y) * cosine - (x - ellipse.x) * sine
    inside: NDArray[np.bool_] = (along / ellipse.wide) ** 2 + (across / ellipse.high) ** 2 <= 1.0
    return inside
