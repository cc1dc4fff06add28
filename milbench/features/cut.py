"""Cut the pictures of a data set into instances, bag by bag, before they are encoded."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from milbench.errors import DatasetError, FeatureError, MissingDataError, SlideError
from milbench.pictures import Regions, Tiles, as_picture
from milbench.seeds import seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from milbench.bags import LabelledBag
    from milbench.pictures import MaskedPicture
    from milbench.records import Dataset, Tiler
    from milbench.view import View

LEVEL_0 = "level-0 pixels"  # the unit of coordinates that a tiler gives

GRID_SIDES = 2


def cutter_of(dataset: Dataset, view: View, data: Path) -> Cutter | None:
    """Return what cuts the bags of ``dataset``; None where they bring their instances.

    Raises
    ------
    FeatureError
        If the tiler does not take the settings.
    """
    if view.tiler is None:
        return None
    tile = _built(dataset.name, view.tiler, view.args)
    return Cutter(dataset, view.tiler, tile, data)


def _built(dataset: str, tiler: Tiler, args: Mapping[str, Any]) -> Any:
    """Return the tiler's callable; settings of a data set's own record are checked only here."""
    target = tiler.load()
    try:
        inspect.signature(target).bind(**args)
    except TypeError as error:
        raise FeatureError(f"{dataset}: tiler {tiler.name!r} {error}") from error
    return target(**args)


def _masked(dataset: Dataset, tiler: str, data: Path) -> Iterable[MaskedPicture]:
    read = dataset.load_masks()
    if read is None:
        raise FeatureError(
            f"{dataset.name}: tiler {tiler!r} is trained on masks, and this data set has none; "
            "choose another: milbench list tilers"
        )
    masked: Iterable[MaskedPicture] = read(data)
    return masked


class Cutter:
    """Replace the picture of a bag by the instances that a tiler cuts from it.

    The random numbers of a bag follow from the names of the data set and the bag, so that they do
    not depend on other bags. A tiler that needs masks is trained before its first bag, on pictures
    that share no id and no patient with any bag.

    Parameters
    ----------
    tile
        Maps a picture and a generator to :class:`milbench.Tiles`.
    data
        The folder of real data, which masks are read from.
    """

    def __init__(self, dataset: Dataset, tiler: Tiler, tile: Any, data: Path) -> None:
        self._dataset, self._tiler = dataset.name, tiler.name
        self.tile = tile
        self._trained_on: frozenset[str] = frozenset()
        self._train = partial(self._fit, dataset, data) if "masks" in tiler.needs else None

    def __call__(self, bag: LabelledBag) -> LabelledBag:
        """Return ``bag`` with images, coordinates and grid in place of the picture.

        Raises
        ------
        DatasetError
            If it has no picture, or one that is impossible; if a masked picture is this bag or of
            its patient.
        SlideError
            If its slide cannot be read.
        FeatureError
            If the tiler needs masks that there are none of, or gives no instances.
        """
        if self._train is not None:
            self._train()
            self._train = None
        self._check(bag)
        generator = np.random.default_rng(seed("tiles", self._dataset, bag.id))
        try:
            tiles = self.tile(as_picture(bag.picture), generator)
        except (SlideError, MissingDataError):
            raise
        except DatasetError as error:
            self._fail(bag, str(error))
        self._check_tiles(bag, tiles)
        drawn = bag.annotations
        is_array = not isinstance(tiles.images, Regions)
        return replace(
            bag,
            images=np.asarray(tiles.images) if is_array else tiles.images,
            coords=np.asarray(tiles.coords),
            grid=tiles.grid,
            instance_labels=None if drawn is None else drawn.labels(boxes_of(tiles)),
            annotations=None,
            picture=None,
        )

    def _fit(self, dataset: Dataset, data: Path) -> None:
        masked = tuple(_masked(dataset, self._tiler, data))
        self._trained_on = frozenset(n for one in masked for n in (one.id, one.patient) if n)
        try:
            self.tile.fit(masked)
        except SlideError as error:  # which would leave out the bag, and be met at the next again
            raise DatasetError(f"{dataset.name}, a masked picture: {error}") from error

    def _check(self, bag: LabelledBag) -> None:
        if bag.picture is None:
            given = "features" if bag.images is None else "images"
            self._fail(bag, f"gives {given}, which tiler {self._tiler!r} cannot cut; leave it out")
        if any(value is not None for value in (bag.x, bag.images, bag.coords, bag.grid)):
            self._fail(bag, "gives a picture and instances; its tiler gives these")
        if bag.instance_labels is not None:
            self._fail(
                bag,
                "gives a picture and instance_labels; the instances are not known yet, so give "
                "annotations",
            )
        shared = self._trained_on & {bag.id, bag.patient or bag.id}
        if shared:
            self._fail(
                bag,
                f"tiler {self._tiler!r} is trained on a mask of {min(shared)!r}, which is this bag "
                "or its patient; masked pictures must be no bags, of patients that have none",
            )

    def _check_tiles(self, bag: LabelledBag, tiles: Any) -> None:
        place = f"{self._dataset}, bag {bag.id!r}, tiler {self._tiler!r}"
        if not isinstance(tiles, Tiles):
            raise FeatureError(f"{place}: gives {type(tiles).__name__}; expected milbench.Tiles")
        count = len(tiles.images)
        if count == 0:
            raise FeatureError(f"{place}: no instances; the picture may be smaller than a tile")
        if tiles.grid is not None:
            is_pair = len(tiles.grid) == GRID_SIDES
            if not is_pair or tiles.grid[0] * tiles.grid[1] != count:
                raise FeatureError(f"{place}: a grid of {tiles.grid} for {count} instances")

    def _fail(self, bag: LabelledBag, fault: str) -> NoReturn:
        raise DatasetError(f"{self._dataset}, bag {bag.id!r}: {fault}")


def boxes_of(tiles: Tiles) -> np.ndarray:
    """Return left, top, width and height of each instance in level-0 pixels, (N, 4) int64."""
    given = tiles.images.boxes if isinstance(tiles.images, Regions) else tiles.boxes
    if given is not None:
        return np.array(given, dtype=np.int64).reshape(-1, 4)
    size = np.shape(tiles.images)[:1:-1]  # width and height: nothing was resampled
    corners = np.asarray(tiles.coords, dtype=np.int64)  # (N, 2)
    return np.hstack([corners, np.broadcast_to(size, corners.shape)])  # (N, 4)
