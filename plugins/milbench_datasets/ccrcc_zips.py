"""Bags of 40 kidney tiles in the archives of the Keras repository, for who has them.

https://github.com/bluewhale28/Multiple-Instance-Learning-MIL-with-Keras-using-clear-cell-renal-
cell-carcinoma-dataset (2022) trains on archives that it does not publish; its notebooks show how
they are laid out. ``Train_500.zip``, ``Validation_100.zip`` and ``Test_40_<n>.zip``, n of 20, 10, 5
or 1, each hold one folder of their own name: a folder for each bag, whose name is a number, with 40
JPEG tiles of 256 x 256 pixels; and ``df.csv``, where ``case`` is that number and ``y_true`` 0
(normal) or 1 (tumour). They are read here as they are, or unpacked to folders of these names.

The archives do not say what a tile shows, so instances have no labels, nor of which slide or
patient a bag is: bags of the training part may be of patients that are tested.

Departures: slots are in the order of the numbers in the names of the tiles, because the notebooks
take the order in which a file system lists them, which nobody else has; and of its three training
sets the smallest is read, as ``cptac-ccrcc-20`` has as many bags.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np

from milbench import LabelledBag
from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.ccrcc_table import SIZE
from milbench_datasets.layouts.picture import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = "cptac-ccrcc"
TABLE = "df.csv"
LABELS: Final[Mapping[str, int]] = {"0": 0, "1": 1}
ENDINGS = ("jpeg", "jpg")


@dataclass(frozen=True, slots=True)
class Zips:
    """The data set whose positive test bags hold ``witnesses`` tumour tiles among 40."""

    witnesses: int

    @property
    def name(self) -> str:
        """Return the name of the data set."""
        return f"cptac-ccrcc-zips-{self.witnesses}"

    @property
    def sources(self) -> dict[str, str]:
        """Return the name of the archive of each part."""
        test = f"Test_{SIZE}_{self.witnesses}"
        return {"train": "Train_500", "val": "Validation_100", "test": test}

    def bags(self, data: Path) -> Iterator[LabelledBag]:
        """Yield the bags of each part, in the order of their numbers.

        Returns
        -------
        Iterator of LabelledBag
            ``images`` of shape (40, 3, 256, 256), uint8.

        Raises
        ------
        MissingDataError
            If an archive is absent.
        DatasetError
            If one is damaged, its table and its folders differ, or a bag has not 40 tiles.
        """
        folder = data / FOLDER
        if gaps := [one for one in self.sources.values() if not _is_there(folder, one)]:
            named = ", ".join(f"{gap}.zip" for gap in gaps)
            raise absent(self.name, data, f"{named} in {folder}")
        for part, source in self.sources.items():
            with closing(Archive(folder, source)) as archive:
                for case, label in archive.labels.items():
                    images = archive.tiles(case)
                    yield LabelledBag(id=f"{source}-{case}", label=label, images=images, part=part)


TWENTY, TEN, FIVE, ONE = (Zips(count) for count in (20, 10, 5, 1))


class Archive:
    """One archive, or the folder that it was unpacked to; a zip is read without unpacking.

    Raises
    ------
    DatasetError
        If it is damaged, or its table and its folders differ.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._root, self._zip = folder / name, folder / f"{name}.zip"
        self._opened = self._open() if self._zip.is_file() else None
        self._names: dict[int, list[str]] = defaultdict(list)
        for member in self._members():
            *_, case, tile = ["", *member.split("/")]
            if case.isdecimal() and tile.rpartition(".")[2].lower() in ENDINGS:
                self._names[int(case)].append(member)
        self.labels = self._labels()
        if wrong := sorted(self.labels.keys() ^ self._names.keys()):
            where = "no tiles" if wrong[0] in self.labels else f"no line in {TABLE}"
            self._fail(f"bag {wrong[0]} has {where} ({len(wrong)} such)")

    @property
    def place(self) -> Path:
        """Return what is read."""
        return self._root if self._opened is None else self._zip

    def close(self) -> None:
        """Close the archive."""
        if self._opened is not None:
            self._opened.close()

    def tiles(self, case: int) -> np.ndarray:
        """Return the tiles of a bag, (40, 3, h, w) uint8.

        Raises
        ------
        DatasetError
            If there are not 40 of one size, or one is no picture.
        """
        names = sorted(self._names[case], key=_numbers)
        if len(names) != SIZE:
            self._fail(f"bag {case} has {len(names)} tiles; expected {SIZE}")
        images = [self._picture(name) for name in names]
        if len({image.shape for image in images}) > 1:
            self._fail(f"bag {case} has tiles of several sizes")
        return np.stack(images).transpose(0, 3, 1, 2)

    def _members(self) -> list[str]:
        """Return the path of every file, below the archive's own folder or with it."""
        if self._opened is not None:
            return self._opened.namelist()
        paths = (path for path in self._root.rglob("*") if path.is_file())
        return [path.relative_to(self._root).as_posix() for path in paths]

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self._zip)
        except zipfile.BadZipFile as error:
            raise DatasetError(f"{self._zip}: no ZIP archive ({error}); get it again") from error

    def _read(self, member: str) -> bytes:
        if self._opened is None:
            return (self._root / member).read_bytes()
        try:
            return self._opened.read(member)
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            self._fail(f"{member} is damaged ({error}); get it again")

    def _labels(self) -> dict[int, int]:
        tables = [name for name in self._members() if name.rpartition("/")[2] == TABLE]
        if len(tables) != 1:
            self._fail(f"{len(tables)} files are called {TABLE}; expected one")
        text = self._read(tables[0]).decode("utf-8-sig", errors="replace")
        found: dict[int, int] = {}
        for line, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
            case, label = (str(row.get(name, "")).strip() for name in ("case", "y_true"))
            if not case.isdecimal() or label not in LABELS or int(case) in found:
                self._fail(
                    f"{TABLE}, line {line}: case {case!r}, y_true {label!r}; expected a number "
                    "once, and 0 or 1"
                )
            found[int(case)] = LABELS[label]
        return dict(sorted(found.items()))

    def _picture(self, member: str) -> np.ndarray:
        return read_picture(self.place / member, self._read(member))

    def _fail(self, fault: str) -> NoReturn:
        raise DatasetError(f"{self.place}: {fault}")


def _is_there(folder: Path, name: str) -> bool:
    return (folder / f"{name}.zip").is_file() or (folder / name / TABLE).is_file()


def _numbers(name: str) -> list[tuple[int, str]]:
    """Return a key by which tile 2 comes before tile 10."""
    return [(int(part or 0), rest) for rest, part in re.findall(r"(\D*)(\d*)", name)]
