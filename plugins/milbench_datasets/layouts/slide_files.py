"""From labelled slides to bags: find the file of each, and say what has none.

A reader of a data set makes :class:`LabelledSlide` from its label files; this module finds the
pictures. A slide that is labelled and whose file is absent becomes a bag all the same: where it is
read, the missing file is reported with the corrupt ones, and the rest goes on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from milbench import LabelledBag, Slide
from milbench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

logger = logging.getLogger(__name__)

# Of slides; thumbnails and annotations may lie beside one under its name.
SUFFIXES = frozenset({".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".bif"})
NAMED = 3  # slides that a message names


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledSlide:
    """One slide as the label files of its data set know it.

    Parameters
    ----------
    id
        The slide's name, without the ending of its file.
    label
        Position in the data set's classes, an int; a tuple of 0 and 1 where it has several labels.
    patient, site, part, meta
        As of :class:`milbench.LabelledBag`.
    mpp
        Micrometres per pixel, where the files of the data set are known not to state them.
    """

    id: str
    label: Any
    patient: str = ""
    site: str = ""
    part: str = ""
    mpp: float | None = None
    meta: Mapping[str, str] = field(default_factory=dict)

    def bag(self, path: Path) -> LabelledBag:
        """Return the bag whose picture is the slide at ``path``."""
        return LabelledBag(
            id=self.id,
            label=self.label,
            picture=Slide(path, self.mpp),
            patient=self.patient,
            site=self.site,
            part=self.part,
            meta=self.meta,
        )


def find_slides(folder: Path, pattern: str = "**/*") -> dict[str, Path]:
    """Return the slide files below ``folder`` by their names without ending, in order of names.

    Raises
    ------
    DatasetError
        If two files have one name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.glob(pattern)):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            first = found.setdefault(path.stem, path)
            if first is not path:
                raise DatasetError(f"slide {path.stem!r} is there twice: {first} and {path}")
    return found


def slide_bags(
    labelled: Iterable[LabelledSlide], files: Mapping[str, Path], expected: Path
) -> Iterator[LabelledBag]:
    """Yield the bag of every labelled slide, in the given order.

    Parameters
    ----------
    files
        The slides at hand, by id. Those without a label are left out, which is logged.
    expected
        A file that is absent is looked for here, so that the error names it.
    """
    slides = list(labelled)
    if without := sorted(files.keys() - {slide.id for slide in slides}):
        logger.warning("%s: no label, left out: %s", expected, named(without))
    for slide in slides:
        yield slide.bag(files.get(slide.id, expected / f"{slide.id}.(no file)"))


def named(names: list[str]) -> str:
    """Return the number of ``names``, and the first three of them."""
    more = ", ..." * (len(names) > NAMED)
    return f"{len(names)} slides ({', '.join(names[:NAMED])}{more})"
