"""Bags of 40 tiles of kidney tissue: trained on 20 tumour tiles a bag, tested on ever fewer.

After a Keras repository, https://github.com/bluewhale28/Multiple-Instance-Learning-MIL-with-Keras-
using-clear-cell-renal-cell-carcinoma-dataset (2022), whose tiles, slides and patients are not
published; the slides are those of CPTAC-CCRCC, https://doi.org/10.7937/k9/tcia.2018.oblamn27 (The
Cancer Imaging Archive). Its numbers are kept: 40 tiles a bag, 20 of them tumour in a positive bag
of the training and validation parts, and 20, 10, 5 or 1 in one of the test; half of the bags
positive; 500 bags to train, 100 to validate, 1000 to test.

The user brings tiles of 256 x 256 pixels and ``tiles.csv``: ``tile`` (a file beside the table),
``slide``, ``tumour`` (1 or 0) and ``patient``, which may be left out where slides are named as
CPTAC does: the first nine characters, such as C3L-00004, are the case. The generator ``ccrcc-1``,
in full, so that anybody can write it again:

1. A patient takes part who has 20 tumour tiles and 40 others or more.
2. Patients, in the order of their names, are shuffled by PCG64 with the seed 40. The first half
   trains, the next tenth validates, the rest tests; every part has one or more.
3. Bag n of a part, from 0, is of the part's patient n // 2 in turn, and positive where n is odd.
4. Its tiles are drawn without replacement from those of its patient, tumour tiles first, each kind
   from its tiles in the order of the table, and shuffled. The seed is the first eight bytes of the
   SHA-256 of ``ccrcc-1/<patient>/<n>/<tumour tiles>``, read from the left.

Departure: all tiles of a bag are of one patient, so that a bag has a patient to group by; the
repository does not say whether its bags mix patients, nor whether parts share them.

``ccrcc_table.save`` writes the bags to a table, slot by slot. Where ``bags-20.csv`` lies beside
``tiles.csv``, it is read in place of the draw, so that others get the same bags in the same order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import numpy as np

from milbench import LabelledBag
from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.ccrcc_table import SIZE, Drawn, load
from milbench_datasets.layouts.label_table import Columns, read_table, unique
from milbench_datasets.layouts.picture import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

GENERATOR = "ccrcc-1"
FOLDER = "cptac-ccrcc"
MOST = 20  # tumour tiles of a positive bag that trains
SEED = 40
TRAINED, VALIDATED = 0.5, 0.1  # shares of the patients
PARTS: Final[Mapping[str, int]] = {"train": 500, "val": 100, "test": 1000}  # bags
FEWEST = 3  # patients: one a part
CASE = re.compile(r"C3[LN]-\d{5}")
TUMOUR = {"1": 1, "0": 0, "true": 1, "false": 0}
TILES = Columns(
    {"tile": ("tile",), "slide": ("slide",), "tumour": ("tumour", "tumor")},
    optional={"patient": ("patient", "case")},
)


@dataclass(frozen=True, slots=True)
class Pool:
    """The tiles of one patient, as names of files, in the order of the table."""

    tumour: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        """Return the tiles of both kinds."""
        return [*self.tumour, *self.others]


@dataclass(frozen=True, slots=True)
class Ccrcc:
    """The data set whose positive test bags hold ``witnesses`` tumour tiles among 40.

    Parameters
    ----------
    bags_of
        Bags of each part.
    """

    witnesses: int
    bags_of: Mapping[str, int] = field(default_factory=lambda: PARTS)

    def bags(self, data: Path) -> Iterator[LabelledBag]:
        """Yield the bags of the training, validation and test part.

        Returns
        -------
        Iterator of LabelledBag
            ``images`` of shape (40, 3, 256, 256), uint8; ``instance_labels`` 1 for tumour.

        Raises
        ------
        MissingDataError
            If there is no table of tiles.
        DatasetError
            If a table says something impossible, there are too few patients, or a file is no
            picture.
        """
        folder = data / FOLDER
        if not (folder / "tiles.csv").is_file():
            gaps = f"tiles.csv, and the tiles it names, in {folder}"
            raise absent(f"cptac-ccrcc-{self.witnesses}", data, gaps)
        pools = read_pools(folder / "tiles.csv")
        stored = folder / f"bags-{self.witnesses}.csv"
        patients = {tile: name for name, pool in pools.items() for tile in pool.all}
        tumour = {tile for pool in pools.values() for tile in pool.tumour}
        for bag in load(stored, patients) if stored.is_file() else self.draw(pools):
            yield LabelledBag(
                id=bag.id,
                label=bag.label,
                images=np.stack([_pixels(folder / tile) for tile in bag.tiles]),
                instance_labels=np.array([int(tile in tumour) for tile in bag.tiles]),
                patient=patients[bag.tiles[0]],
                part=bag.part,
            )

    def draw(self, pools: Mapping[str, Pool]) -> Iterator[Drawn]:
        """Yield the bags of the generator above.

        Raises
        ------
        DatasetError
            If fewer than three patients have tiles enough.
        """
        for part, patients in deal(pools).items():
            most = self.witnesses if part == "test" else MOST
            for number in range(self.bags_of[part]):
                patient, label = patients[number // 2 % len(patients)], number % 2
                tiles = _tiles(pools[patient], most * label, f"{patient}/{number}/{most}")
                yield Drawn(f"{part}-{most}-of-{SIZE}-{number:04d}", part, label, tiles)


TWENTY, TEN, FIVE, ONE = (Ccrcc(count) for count in (20, 10, 5, 1))


def read_pools(path: Path) -> dict[str, Pool]:
    """Return the tiles of each patient.

    Raises
    ------
    DatasetError
        Naming the line of a tile that is there twice or leads out of the folder, of an unknown
        value, or of a slide whose patient is neither said nor told by its name.
    """
    pools: dict[str, Pool] = defaultdict(Pool)
    for tile, row in unique(read_table(path, TILES), "tile").items():
        is_tumour = TUMOUR.get(row["tumour"].lower())
        if is_tumour is None:
            row.fail(f"tumour is {row['tumour']!r}; expected 1 or 0")
        if tile.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", tile):
            row.fail(f"tile {tile!r} leads out of the folder; expected a file beside the table")
        case = CASE.match(row["slide"])
        if not row["patient"] and case is None:
            row.fail(f"no patient, and slide {row['slide']!r} is not named as CPTAC does")
        pool = pools[row["patient"] or (case[0] if case else "")]
        (pool.tumour if is_tumour else pool.others).append(tile)
    return dict(pools)


def deal(pools: Mapping[str, Pool]) -> dict[str, list[str]]:
    """Return the patients of each part, in the order in which bags take them.

    Raises
    ------
    DatasetError
        If fewer than three patients have tiles enough.
    """
    able = [
        name
        for name, pool in sorted(pools.items())
        if len(pool.tumour) >= MOST and len(pool.others) >= SIZE
    ]
    if len(able) < FEWEST:
        raise DatasetError(
            f"cptac-ccrcc: {len(able)} of {len(pools)} patients have {MOST} tumour tiles and "
            f"{SIZE} others; expected {FEWEST} patients or more, one a part"
        )
    order = np.random.Generator(np.random.PCG64(SEED)).permutation(len(able))
    trained = min(round(TRAINED * len(able)), len(able) - 2)
    validated = max(1, round(VALIDATED * len(able)))
    names = [able[place] for place in order]
    bounds = {"train": (0, trained), "val": (trained, trained + validated)}
    cut = {part: names[start:end] for part, (start, end) in bounds.items()}
    return cut | {"test": names[trained + validated :]}


def _tiles(pool: Pool, witnesses: int, name: str) -> tuple[str, ...]:
    """Return the tiles of one bag in the order of their slots; ``name`` decides the draw."""
    digest = sha256(f"{GENERATOR}/{name}".encode()).digest()
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))
    tumour = generator.choice(len(pool.tumour), witnesses, replace=False)
    others = generator.choice(len(pool.others), SIZE - witnesses, replace=False)
    tiles = [*(pool.tumour[i] for i in tumour), *(pool.others[i] for i in others)]
    return tuple(tiles[i] for i in generator.permutation(SIZE))


def _pixels(path: Path) -> np.ndarray:
    """Return one tile (3, h, w)."""
    if not path.is_file():
        raise DatasetError(f"{path}: no such file, and tiles.csv names it; add it")
    return read_picture(path).transpose(2, 0, 1)
