"""TCGA-LUAD: does an adenocarcinoma of the lung carry a mutation of one gene? One task a gene.

Source of the slides and mutations: The Cancer Genome Atlas, project TCGA-LUAD, from the GDC portal,
https://portal.gdc.cancer.gov/projects/TCGA-LUAD. As a task for whole slides: N. Coudray et al.,
"Classification and mutation prediction from non-small cell lung cancer histopathology images using
deep learning", Nature Medicine 24 (2018), 1559-1567, https://doi.org/10.1038/s41591-018-0177-5.

Labels come from either of two published tables:

- ``labels_r3.txt`` of DeepPATH: lines ``id<tab>gene``, one for each mutated gene of a patient, with
  carriage returns. A patient without a line has none of the ten genes mutated.
- ``LUAD-5-gene_TCGA.csv`` of prov-gigapath, plain or gzipped: one line a slide, a column a gene,
  True or False. Slides that are not in it are left out.

The first 12 characters of a slide's name are its patient, characters 6 and 7 the site that gave the
tissue. Only diagnostic slides (DX) are used: frozen ones look different and are of the same
patients. A patient may have several slides.

Departure: Coudray et al. predict ten genes by one network. The core has no task of several labels,
so each gene is a data set; their bags are the same and their splits are their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.layouts.label_table import Columns, read_table
from milbench_datasets.layouts.slide_files import LabelledSlide, find_slides, slide_bags
from milbench_datasets.layouts.text import find, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench import LabelledBag

FOLDER = "tcga-luad"
LINES = "labels_r3.txt"
TABLE = "LUAD-5-gene_TCGA.csv"
DIAGNOSTIC = re.compile(r"TCGA-\w{2}-\w{4}-\d{2}[A-Z]-\d{2}-DX")
PATIENT, SITE = 12, slice(5, 7)  # characters of a slide's name
MUTATED = {"true": 1, "false": 0, "1": 1, "0": 0}


@dataclass(frozen=True)
class Gene:
    """The task of one gene, such as EGFR."""

    name: str

    def bags(self, data: Path) -> Iterator[LabelledBag]:
        """Yield the diagnostic slides in the order of their names; pictures are slides.

        Raises
        ------
        MissingDataError
            If both tables, or every slide, are absent.
        DatasetError
            If a table says something impossible, or does not know the gene.
        """
        folder = data / FOLDER
        files = {name: path for name, path in find_slides(folder).items() if is_diagnostic(name)}
        lines, table = find(folder, LINES), find(folder, TABLE)
        if files and lines is not None:
            return slide_bags(self.of_patients(lines, sorted(files)), files, folder)
        if files and table is not None:
            return slide_bags(self.of_slides(table), files, folder)
        gaps = f"{LINES} or {TABLE}, and slides such as TCGA-05-4244-01Z-00-DX1.<uuid>.svs"
        raise absent(f"tcga-luad-mutation-{self.name.lower()}", data, f"{gaps}, in {folder}")

    def of_patients(self, path: Path, names: list[str]) -> Iterator[LabelledSlide]:
        """Yield the slides of ``names``: mutated where ``labels_r3.txt`` has the patient's gene.

        Raises
        ------
        DatasetError
            Naming a line that is no id and gene, or if no line has the gene.
        """
        mutated = {patient for patient, gene in read_genes(path) if gene == self.name}
        if not mutated:
            raise DatasetError(f"{path}: no line has the gene {self.name}")
        for name in names:
            yield _labelled(name, int(name[:PATIENT] in mutated))

    def of_slides(self, path: Path) -> Iterator[LabelledSlide]:
        """Yield the diagnostic slides of a table with a column for the gene.

        Raises
        ------
        DatasetError
            Naming the line of an unknown value, of a slide that is there twice, or of a patient
            whose slides disagree.
        """
        columns = Columns({"id": ("file_name",), self.name: (self.name,)})
        patients: dict[str, int] = {}
        seen: set[str] = set()
        for row in read_table(path, columns):
            name = row["id"].removesuffix(".svs")
            if not is_diagnostic(name):
                continue
            label = MUTATED.get(row[self.name].lower())
            if label is None:
                row.fail(f"{self.name} is {row[self.name]!r}; expected True or False")
            if name in seen:
                row.fail(f"slide {name!r} stands in a line before; keep one")
            slide = _labelled(name, label)
            if patients.setdefault(slide.patient, label) != label:
                row.fail(f"slides of patient {slide.patient} disagree about {self.name}")
            seen.add(name)
            yield slide


EGFR, KRAS, STK11, TP53 = (Gene(name) for name in ("EGFR", "KRAS", "STK11", "TP53"))


def is_diagnostic(name: str) -> bool:
    """Tell whether a slide's name is that of a diagnostic slide of TCGA."""
    return DIAGNOSTIC.match(name) is not None


def read_genes(path: Path) -> list[tuple[str, str]]:
    """Return patient and gene of each line of ``labels_r3.txt``.

    Raises
    ------
    DatasetError
        Naming a line that is no id and gene.
    """
    found = []
    for line, text in enumerate(read_lines(path), start=1):
        patient = re.match(r"TCGA-\w{2}-\w{4}", text)
        cells = text.split("\t")
        if patient is None or len(cells) != 2:  # noqa: PLR2004  # id and gene
            raise DatasetError(
                f"{path}, line {line}: found {text!r}, expected such as TCGA-05-4244-0<tab>EGFR"
            )
        found.append((patient[0], cells[1].strip()))
    return found


def _labelled(name: str, label: int) -> LabelledSlide:
    return LabelledSlide(id=name, label=label, patient=name[:PATIENT], site=name[SITE])
