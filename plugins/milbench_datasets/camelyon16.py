"""Camelyon16: lymph nodes with and without metastases of breast cancer, annotated.

Source: B. Ehteshami Bejnordi et al., "Diagnostic assessment of deep learning algorithms for
detection of lymph node metastases in women with breast cancer", JAMA 318 (2017), 2199-2210,
https://doi.org/10.1001/jama.2017.14585; files of https://camelyon17.grand-challenge.org/Data.

The labels of the 270 training slides are their names, normal_001 to tumor_111; those of the 129
test slides stand in ``testing/reference.csv``. Two slides are left out, as the README of the data
set says: normal_086 was mislabelled and is tumor_111, and test_049 is another slide again. There is
one slide a case, so a slide is its own patient.

Training slides normal_001 to normal_100 and tumor_001 to tumor_070 are from Radboud, the others
from Utrecht (so too in the metadata of owkin/FLamby, fed_camelyon16). tumor_111 is from Radboud, as
it is normal_086 under another name; FLamby has it at Utrecht, by its number. The site of a test
slide is not published with the data.

Where the annotations are there, tiles get labels: see :mod:`milbench_datasets.layouts.asap`. In 21
slides not every tumour is drawn (README), so what no polygon holds is unknown in them.
"""

from __future__ import annotations

import csv
import io
import logging
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.camelyon16_lists import LISTS, read_parts
from milbench_datasets.layouts.asap import Annotations, read_annotations
from milbench_datasets.layouts.slide_files import LabelledSlide, find_slides, slide_bags
from milbench_datasets.layouts.text import read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench import LabelledBag

logger = logging.getLogger(__name__)

FOLDERS = ("CAMELYON16", "camelyon16")
NORMAL, TUMOUR, TEST = 160, 111, 130  # the highest numbers
REMOVED = ("normal_086", "test_049")
RADBOUD = {"normal": 100, "tumor": 70}  # the last ones from there
RENAMED = "tumor_111"  # normal_086 once, and so from Radboud
LABELS = {"normal": 0, "tumor": 1}
PARTLY_DRAWN = frozenset(
    {
        f"tumor_{number:03d}"
        for number in (
            *(10, 15, 18, 20, 25, 29, 33, 34, 44, 46),
            *(51, 54, 55, 56, 67, 79, 85, 92, 95, 110),
        )
    }
    | {"test_114"}
)


@dataclass(frozen=True)
class Camelyon16:
    """The slides, in the official parts or in those of a published list.

    Parameters
    ----------
    lists
        Name of the lists (a key of ``LISTS``), which give a validation part too; empty for the
        official parts.
    """

    lists: str = ""

    @property
    def name(self) -> str:
        """Return the name of the data set."""
        return f"camelyon16-{self.lists}" if self.lists else "camelyon16"

    def bags(self, data: Path) -> Iterator[LabelledBag]:
        """Yield training slides, then test slides, each in the order of their names.

        Returns
        -------
        Iterator of LabelledBag
            ``picture`` is a slide; ``annotations`` label its tiles where they are there.

        Raises
        ------
        MissingDataError
            If all slides, the reference of the test slides, or the lists are absent.
        DatasetError
            If a label file, a list or an annotation says something impossible.
        """
        folder = self._folder(data)
        slides = [*training_labels(), *reference_labels(folder / "testing" / "reference.csv")]
        if self.lists:
            parts = read_parts(self.lists, folder, {one.id: one.label for one in slides})
            slides = [replace(one, part=parts[one.id]) for one in slides if one.id in parts]
        drawings = Drawings(folder)
        for bag in slide_bags(slides, _files(folder), folder):
            yield replace(bag, annotations=drawings.of(bag.id, bag.label))

    def _folder(self, data: Path) -> Path:
        """Return the folder that has all that is needed beside the annotations."""
        wanted = ["testing/reference.csv", *(LISTS[self.lists] if self.lists else ())]
        for folder in (data / name for name in FOLDERS):
            if _files(folder) and all((folder / name).is_file() for name in wanted):
                return folder
        gaps = f"slides in training and testing, and {', '.join(wanted)}"
        raise absent(self.name, data, f"{gaps}, in {data / FOLDERS[0]} or {data / FOLDERS[1]}")


OFFICIAL, HNM, TRANSMIL = Camelyon16(), Camelyon16("hnm"), Camelyon16("transmil")


def training_labels() -> Iterator[LabelledSlide]:
    """Yield the 270 training slides: their names are their labels, and tell the site."""
    for kind, last in (("normal", NORMAL), ("tumor", TUMOUR)):
        for number in range(1, last + 1):
            name = f"{kind}_{number:03d}"
            if name not in REMOVED:
                is_there = number <= RADBOUD[kind] or name == RENAMED
                site = "radboud" if is_there else "utrecht"
                yield LabelledSlide(id=name, label=LABELS[kind], site=site, part="train")


def reference_labels(path: Path) -> list[LabelledSlide]:
    """Return the 129 test slides of ``reference.csv``: ``test_001,Tumor,...``, without a heading.

    Raises
    ------
    DatasetError
        Naming the line of an unknown slide or label, or of a slide that is there twice; or the
        first slide that is not there.
    """
    known = {f"test_{number:03d}" for number in range(1, TEST + 1)}
    found: dict[str, LabelledSlide] = {}
    for line, cells in enumerate(csv.reader(io.StringIO("\n".join(read_lines(path)))), start=1):
        name, label = [*(cell.strip() for cell in cells), "", ""][:2]
        name = name.removesuffix(".tif")
        if name not in known or label.lower() not in LABELS or name in found:
            raise DatasetError(
                f"{path}, line {line}: found {','.join(cells)!r}; expected each of test_001 to "
                f"test_{TEST} once, with Normal or Tumor"
            )
        found[name] = LabelledSlide(id=name, label=LABELS[label.lower()], part="test")
    if gaps := sorted(known - found.keys() - set(REMOVED)):
        raise DatasetError(f"{path}: {len(gaps)} slides are not in it, such as {gaps[0]}")
    return [found[name] for name in sorted(found) if name not in REMOVED]


class Drawings:
    """The annotations of all slides: XML files in folders, or in the archives they come in."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, Path] = {}
        self._archived: dict[str, tuple[Path, str]] = {}
        for part in ("training", "testing"):
            for path in (folder / part).glob("lesion_annotations/**/*.xml"):
                self._files[path.stem.lower()] = path
            archive = folder / part / "lesion_annotations.zip"
            if archive.is_file():
                self._archived |= _members(archive)
        if not self._files and not self._archived:
            logger.warning("%s: no lesion_annotations: tiles have no labels", folder)

    def of(self, name: str, label: int) -> Annotations | None:
        """Return what labels the tiles of a slide; None where there are no annotations at all.

        Of a slide with a tumour whose own file is absent, every tile is unknown.

        Raises
        ------
        DatasetError
            If its file is none of ASAP.
        """
        if not self._files and not self._archived:
            return None
        if not label:
            return Annotations()
        elsewhere = -1 if name in PARTLY_DRAWN else 0
        if name in self._files:
            path = self._files[name]
            return read_annotations(path.read_bytes(), path, elsewhere)
        if name in self._archived:
            archive, member = self._archived[name]
            with zipfile.ZipFile(archive) as opened:
                return read_annotations(opened.read(member), f"{archive}, {member}", elsewhere)
        return Annotations(elsewhere=-1)


def _members(archive: Path) -> dict[str, tuple[Path, str]]:
    """Return the XML files of an archive by their names; nothing is unpacked."""
    try:
        with zipfile.ZipFile(archive) as opened:
            names = [name for name in opened.namelist() if name.lower().endswith(".xml")]
    except zipfile.BadZipFile as error:
        raise DatasetError(f"{archive}: no ZIP archive ({error}); get it again") from error
    return {name.rsplit("/", 1)[-1][:-4].lower(): (archive, name) for name in names}


def _files(folder: Path) -> dict[str, Path]:
    """Return the slides at hand; masks and others lie elsewhere."""
    patterns = ("training/normal/*", "training/tumor/*", "testing/images/*")
    found = {n: p for pattern in patterns for n, p in find_slides(folder, pattern).items()}
    return {name: path for name, path in found.items() if name not in REMOVED}
