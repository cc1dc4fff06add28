"""Drawn slides in which the texture of a tumour is the class, with masks of other slides.

A stand-in for UBC-OCEAN (https://www.kaggle.com/competitions/UBC-OCEAN, 2023), whose images may not
be passed on: it proves the chain from segmentation to classification, and nothing about tissue.
The generator ``ocean-toy-1``, in full, so that anybody can write it again:

1. There are 60 patients, twelve of each class in turn, with two slides each, and 16 more patients
   with one slide and its mask each. The second slide of every fourth patient is a core of a tissue
   microarray. All numbers of a slide are drawn from PCG64 with the seed 2023 and its number: 0 to
   119 for bags, 1000 and up for masked slides; a patient's stain from the seed and 2000 and up.
2. A slide has 320 x 256 pixels. Its glass is (240, 238, 242), with an ellipse of stroma, (222, 165,
   195), around its centre with radii of 0.46 of the sides.
3. Two regions of necrosis are drawn, and over them one to three tumours. Each is an ellipse with
   radii of 24 to 46 pixels, turned at random, its centre drawn in the middle 0.56 of the width and
   0.5 of the height.
4. A tumour is (158, 96, 165), plus 44 times the texture of the class. Necrosis is (205, 150, 120),
   plus 44 times the texture of a class drawn at random, so a method that takes it for tumour is
   misled. Textures are functions of u and v, pixels turned and shifted at random for each region:

   ====  ============================================================
   CC    1 where cos(2 pi u / 8) cos(2 pi v / 8) is above 0.3, else 0
   EC    cos(2 pi u / 8)
   HGSC  a fresh normal number for each square of 3 x 3 pixels
   LGSC  -1 where cos(2 pi u / 8) cos(2 pi v / 8) is above 0.3, else 0
   MC    cos(2 pi u / 18)
   ====  ============================================================

5. A core has 96 x 96 pixels: stroma with one tumour that covers it but for the corners, a circle of
   radius 44.
6. The stain of the patient, three normal numbers of deviation 6, is added to all, and to each pixel
   and colour a normal number of deviation 7. Values are rounded and cut off at 0 and 255.
7. A mask is true inside the ellipses of tumours.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench import LabelledBag, MaskedPicture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Drawing = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Places = NDArray[np.int64]
    Generator = np.random.Generator

CLASSES = ("CC", "EC", "HGSC", "LGSC", "MC")
PATIENTS = 60
SLIDES = 2
MASKED = 16
CORE_EVERY = 4  # patients

SLIDE, CORE = (320, 256), (96, 96)  # width and height
CORE_RADIUS = 44.0
GLASS, STROMA = (240.0, 238.0, 242.0), (222.0, 165.0, 195.0)
TUMOUR, NECROSIS = (158.0, 96.0, 165.0), (205.0, 150.0, 120.0)
CONTRAST, STAIN, NOISE = 44.0, 6.0, 7.0
FINE, BROAD, SQUARE = 8.0, 18.0, 3  # pixels
SPOT = 0.3
SEED = 2023
FIRST_MASKED, FIRST_STAIN = 1000, 2000


class Ellipse(NamedTuple):
    """Centre, radii and angle, in pixels and radians."""

    x: float
    y: float
    wide: float
    high: float
    angle: float = 0.0


class Slide(NamedTuple):
    """Pixels (H, W, 3) uint8, and where the tumour is, (H, W)."""

    pixels: NDArray[np.uint8]
    tumour: Mask


def bags(data: Path) -> Iterator[LabelledBag]:  # noqa: ARG001 - embedded: there is no folder
    """Yield the 120 slides, the same on every call.

    Returns
    -------
    Iterator of LabelledBag
        ``picture`` of shape (256, 320, 3), or (96, 96, 3) for a core; uint8.
    """
    for patient, turn in np.ndindex(PATIENTS, SLIDES):
        label = patient % len(CLASSES)
        is_core = turn == SLIDES - 1 and patient % CORE_EVERY == CORE_EVERY - 1
        slide = draw(patient * SLIDES + turn, patient, label, is_core=is_core)
        yield LabelledBag(
            id=f"patient-{patient:02d}-{'core' if is_core else 'slide'}-{turn}",
            label=label,
            picture=slide.pixels,
            patient=f"patient-{patient:02d}",
        )


def masks(data: Path) -> Iterator[MaskedPicture]:  # noqa: ARG001 - embedded: there is no folder
    """Yield the 16 masked slides of other patients, the same on every call."""
    for number in range(MASKED):
        slide = draw(FIRST_MASKED + number, PATIENTS + number, number % len(CLASSES))
        yield MaskedPicture(
            id=f"masked-{number:02d}",
            picture=slide.pixels,
            mask=slide.tumour,
            patient=f"masked-patient-{number:02d}",
        )


def draw(number: int, patient: int, label: int, *, is_core: bool = False) -> Slide:
    """Return slide ``number`` of a patient with a tumour of class ``label``."""
    generator = np.random.Generator(np.random.PCG64([SEED, number]))
    stains = np.random.Generator(np.random.PCG64([SEED, FIRST_STAIN + patient]))
    stain = stains.normal(scale=STAIN, size=3)
    pixels, tumour = (_core if is_core else _section)(label, generator)
    pixels += stain + generator.normal(scale=NOISE, size=pixels.shape)
    return Slide(pixels.round().clip(0, 255).astype(np.uint8), tumour)


def _section(label: int, generator: Generator) -> tuple[Drawing, Mask]:
    width, height = SLIDE
    pixels = _filled(SLIDE, GLASS)
    tissue = Ellipse(width / 2, height / 2, 0.46 * width, 0.46 * height)
    pixels[_inside(SLIDE, tissue)] = STROMA
    tumour = np.zeros((height, width), dtype=np.bool_)
    for _ in range(2):
        region = _inside(SLIDE, _placed(generator))
        _paint(pixels, region, NECROSIS, int(generator.integers(len(CLASSES))), generator)
    for _ in range(int(generator.integers(1, 4))):
        region = _inside(SLIDE, _placed(generator))
        _paint(pixels, region, TUMOUR, label, generator)
        tumour |= region
    return pixels, tumour


def _core(label: int, generator: Generator) -> tuple[Drawing, Mask]:
    width, height = CORE
    pixels = _filled(CORE, STROMA)
    tumour = _inside(CORE, Ellipse(width / 2, height / 2, CORE_RADIUS, CORE_RADIUS))
    _paint(pixels, tumour, TUMOUR, label, generator)
    return pixels, tumour


def _filled(size: tuple[int, int], colour: tuple[float, ...]) -> Drawing:
    return np.broadcast_to(np.array(colour), (size[1], size[0], 3)).copy()


def _placed(generator: Generator) -> Ellipse:
    width, height = SLIDE
    return Ellipse(
        x=width * generator.uniform(0.22, 0.78),
        y=height * generator.uniform(0.25, 0.75),
        wide=generator.uniform(24, 46),
        high=generator.uniform(24, 46),
        angle=generator.uniform(0, math.pi),
    )


def _inside(size: tuple[int, int], ellipse: Ellipse) -> Mask:
    """Return which pixels of a picture of ``size`` lie inside, (H, W)."""
    y, x = np.mgrid[: size[1], : size[0]]
    cosine, sine = math.cos(ellipse.angle), math.sin(ellipse.angle)
    along = (x - ellipse.x) * cosine + (y - ellipse.y) * sine
    across = (y - ellipse.y) * cosine - (x - ellipse.x) * sine
    inside: Mask = (along / ellipse.wide) ** 2 + (across / ellipse.high) ** 2 <= 1.0
    return inside


def _paint(
    pixels: Drawing, region: Mask, colour: tuple[float, ...], drawn: int, generator: Generator
) -> None:
    """Fill ``region`` of ``pixels`` with a colour and the texture of class ``drawn``."""
    y, x = np.nonzero(region)
    shade = CONTRAST * texture(drawn, (y, x), generator)  # (n,)
    pixels[y, x] = np.array(colour) + shade[:, None]


def texture(label: int, places: tuple[Places, Places], generator: Generator) -> Drawing:
    """Return the texture of a class, turned and shifted at random.

    Parameters
    ----------
    places
        Rows and columns, of any shape; the texture has that shape.
    """
    angle, shift_u, shift_v = generator.uniform(0, (math.pi, BROAD, BROAD))
    y, x = places
    u = x * math.cos(angle) + y * math.sin(angle) + shift_u
    v = y * math.cos(angle) - x * math.sin(angle) + shift_v
    name = CLASSES[label]
    if name == "HGSC":
        squares = generator.normal(size=(SLIDE[1] // SQUARE + 1, SLIDE[0] // SQUARE + 1))
        drawn = squares[y // SQUARE, x // SQUARE]
    elif name in ("EC", "MC"):
        drawn = np.cos(2 * math.pi * u / (FINE if name == "EC" else BROAD))
    else:
        product = np.cos(2 * math.pi * u / FINE) * np.cos(2 * math.pi * v / FINE)
        drawn = (1.0 if name == "CC" else -1.0) * (product > SPOT)
    return np.asarray(drawn, dtype=np.float64)
