"""BRACS: whole slides of breast lesions of seven types, in three groups.

Source: N. Brancati et al., "BRACS: A dataset for breast carcinoma subtyping in H&E histology
images", Database 2022, baac093, https://doi.org/10.1093/database/baac093; files of
https://www.bracs.icar.cnr.it: ``BRACS_WSI/<part>/Group_<group>/Type_<type>/BRACS_<n>.svs``, beside
some a ``.qpdata`` file of annotations, which is not read; and the spreadsheet ``BRACS.xlsx``, whose
sheet ``WSI_Information`` has the columns ``WSI Filename``, ``Patient Id``, ``WSI label``, ``Set``.

The 547 slides are of 189 patients, and only the spreadsheet says which. So it is needed, as it is
or saved as ``BRACS.csv``; the folders are compared with it. Published folds that were drawn slide
by slide put patients on both sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.layouts.label_table import Columns, read_table, unique
from milbench_datasets.layouts.slide_files import LabelledSlide, find_slides, slide_bags
from milbench_datasets.trees import BRACS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from milbench import LabelledBag

FOLDERS = ("BRACS", "bracs")
TABLES = ("BRACS.xlsx", "BRACS.csv")
SHEET = "WSI_Information"
PARTS = {
    "training": "train",
    "train": "train",
    "validation": "val",
    "val": "val",
    "testing": "test",
    "test": "test",
}
COLUMNS = Columns(
    {
        "id": ("WSI Filename",),
        "patient": ("Patient Id",),
        "label": ("WSI label",),
        "set": ("Set",),
    }
)


def bags(data: Path) -> Iterator[LabelledBag]:
    """Yield the slides in the order of the spreadsheet; pictures are slides.

    Raises
    ------
    MissingDataError
        If the spreadsheet, or every slide, is absent.
    DatasetError
        If the spreadsheet says something impossible, or something else than the folders.
    """
    for folder in (data / name for name in FOLDERS):
        table = next((folder / name for name in TABLES if (folder / name).is_file()), None)
        files = find_slides(folder, "**/Type_*/*")
        if table is not None and files:
            slides = list(labels(table))
            check_folders(slides, files, table)
            return slide_bags(slides, files, folder / "BRACS_WSI")
    places = f"{data / FOLDERS[0]} or {data / FOLDERS[1]}"
    raise absent("bracs", data, f"BRACS.xlsx, or the slides below BRACS_WSI, in {places}")


def labels(path: Path) -> Iterator[LabelledSlide]:
    """Yield the slides of the spreadsheet.

    Raises
    ------
    DatasetError
        Naming the line of an unknown type or set, or of a slide that is there twice.
    """
    types = {name: number for number, name in enumerate(BRACS.classes)}
    for name, row in unique(read_table(path, COLUMNS, SHEET)).items():
        part = PARTS.get(row["set"].lower())
        if part is None:
            row.fail(f"Set is {row['set']!r}; expected Training, Validation or Testing")
        yield LabelledSlide(
            id=name.removesuffix(".svs"),
            label=row.choice("label", types),
            patient=row["patient"],
            part=part,
        )


def check_folders(slides: list[LabelledSlide], files: Mapping[str, Path], table: Path) -> None:
    """Compare the spreadsheet with the folders that the slides lie in.

    Raises
    ------
    DatasetError
        Naming the first slide whose folder has another type or part.
    """
    for slide in slides:
        path = files.get(slide.id)
        if path is None:
            continue
        kind = path.parent.name.removeprefix("Type_")
        part = path.parents[2].name
        if kind != BRACS.classes[slide.label] or PARTS.get(part) != slide.part:
            raise DatasetError(
                f"{path}: lies among {part} {kind}, and {table.name} has it as {slide.part} "
                f"{BRACS.classes[slide.label]}; get the files again"
            )
