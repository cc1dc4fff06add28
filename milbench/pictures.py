"""Pictures that are cut into instances: what a tiler may ask of one, and what it gives back.

A slide of a hundred thousand pixels a side never fits the memory, so a tiler reads a
:class:`Picture` region by region. :class:`ArrayPicture` is one in memory; a reader of slide files
is another one. numpy and torch are not imported here before a picture is resized.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast, runtime_checkable

from milbench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

COLOURS = 3


class Box(NamedTuple):
    """A rectangle of a picture: its left top corner and its size, in level-0 pixels."""

    x: int
    y: int
    width: int
    height: int


@runtime_checkable
class Picture(Protocol):
    """A picture that is read region by region; level 0 is its full resolution."""

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in level-0 pixels."""

    def read(self, box: Box, size: tuple[int, int] | None = None) -> Pixels:
        """Return the pixels inside ``box``.

        Parameters
        ----------
        box
            Wholly inside the picture.
        size
            Width and height to resample to, with antialiasing; those of the box when None.

        Returns
        -------
        (h, w, 3)
            RGB, uint8.
        """

    def thumbnail(self, longest: int) -> Pixels:
        """Return the whole picture with ``longest`` pixels on its longer side, (h, w, 3)."""


class Tiles(NamedTuple):
    """The instances that a tiler cuts from one picture.

    Parameters
    ----------
    images : (N, C, h, w) uint8, or Regions
        One image an instance, all of one size; regions are read while the bag is encoded.
    coords : (N, 2)
        Left top corner of each, x before y, in level-0 pixels.
    grid
        Rows and columns, where the instances fill a rectangle row by row; None where they do not.
    """

    images: Pixels | Regions
    coords: np.ndarray
    grid: tuple[int, int] | None = None


class Regions:
    """Instances that stay in their picture until a slice of them is asked for.

    A tiler gives them as ``Tiles.images`` where the pixels of a bag would not fit the memory; they
    are read while the bag is encoded, by several threads at once.

    Parameters
    ----------
    picture
        Read from any thread.
    boxes
        One for each instance, in level-0 pixels, inside the picture.
    size
        Width and height of an instance in pixels.
    """

    def __init__(self, picture: Picture, boxes: Sequence[Box], size: tuple[int, int]) -> None:
        self.picture, self.boxes, self.size = picture, boxes, size

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Return (N, C, h, w)."""
        return len(self.boxes), COLOURS, self.size[1], self.size[0]

    @property
    def ndim(self) -> int:
        """Return 4, as an array of images has it."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Return uint8."""
        import numpy as np  # noqa: PLC0415  # records and hooks are read without it

        return np.dtype(np.uint8)

    def __len__(self) -> int:
        """Return N."""
        return len(self.boxes)

    def __getitem__(self, asked: slice) -> Pixels:
        """Read the instances of a slice, (n, C, h, w) uint8."""
        import numpy as np  # noqa: PLC0415  # records and hooks are read without it

        boxes = self.boxes[asked]
        images = np.empty((len(boxes), *self.shape[1:]), np.uint8)
        for image, box in zip(images, boxes, strict=True):
            image[:] = self.picture.read(box, self.size).transpose(2, 0, 1)
        return images


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedPicture:
    """A picture with a drawing of what to find in it, which a tiler is trained on.

    Parameters
    ----------
    id
        Unique among the masked pictures; the id of no bag.
    picture : (H, W, 3) uint8, or a Picture
        The picture.
    mask : (h, w) bool
        True where the tissue to find is, at any resolution.
    patient
        The unit of grouping; the patient of no bag. The picture's own id when empty.
    """

    id: str
    picture: Pixels | Picture
    mask: NDArray[np.bool_]
    patient: str = ""


class ArrayPicture:
    """A picture whose pixels are in memory.

    Parameters
    ----------
    pixels : (H, W, 3) uint8
        RGB.

    Raises
    ------
    DatasetError
        If ``pixels`` have another shape or type, or are empty.
    """

    def __init__(self, pixels: Pixels) -> None:
        shape: Any = getattr(pixels, "shape", None)
        kind = getattr(getattr(pixels, "dtype", None), "name", type(pixels).__name__)
        is_sound = shape is not None and len(shape) == COLOURS and shape[2] == COLOURS
        if kind != "uint8" or not is_sound or 0 in shape:
            raise DatasetError(
                f"a picture is {kind} of shape {shape}; expected uint8 of shape (H, W, 3)"
            )
        self._pixels = pixels

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in pixels."""
        height, width = self._pixels.shape[:2]
        return width, height

    def read(self, box: Box, size: tuple[int, int] | None = None) -> Pixels:
        """Return the pixels inside ``box``, (h, w, 3); see :meth:`Picture.read`.

        Raises
        ------
        DatasetError
            If the box is empty or leaves the picture.
        """
        x, y, width, height = box
        if x < 0 or y < 0 or min(width, height) < 1 or not self._holds(x + width, y + height):
            raise DatasetError(f"{box} leaves the picture of {self.size}; cut inside it")
        region = self._pixels[y : y + height, x : x + width]
        return region if size is None else resized(region, size)

    def thumbnail(self, longest: int) -> Pixels:
        """Return the whole picture with ``longest`` pixels on its longer side, (h, w, 3)."""
        return self.read(Box(0, 0, *self.size), shrunk(self.size, longest))

    def _holds(self, right: int, bottom: int) -> bool:
        return right <= self.size[0] and bottom <= self.size[1]


def as_picture(given: Any) -> Picture:
    """Return ``given`` where it is a picture, else the array (H, W, 3) as one.

    Raises
    ------
    DatasetError
        If it is neither.
    """
    return given if isinstance(given, Picture) else ArrayPicture(given)


def shrunk(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Return width and height of a picture of ``size`` when its longer side has ``longest``."""
    share = longest / max(size)
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resample ``pixels`` bilinearly, with antialiasing where they become fewer.

    Parameters
    ----------
    pixels : (H, W, C) uint8
        Any number of channels.
    size
        Width and height to give.

    Returns
    -------
    (h, w, C)
        uint8, rounded to the nearest.
    """
    import torch  # noqa: PLC0415  # records and hooks are read without it
    from torch.nn import functional as F  # noqa: PLC0415

    width, height = size
    if pixels.shape[:2] == (height, width):
        return pixels
    image = torch.tensor(pixels).permute(2, 0, 1).float()  # (C, H, W)
    given = F.interpolate(image[None], (height, width), mode="bilinear", antialias=True)[0]
    rounded = given.round().clamp(0, 255).byte()  # (C, h, w)
    return cast("Pixels", rounded.permute(1, 2, 0).contiguous().numpy())
