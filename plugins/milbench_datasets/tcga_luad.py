"""TCGA-LUAD: which genes of an adenocarcinoma of the lung are mutated? One gene, or all at once.

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

One gene is a data set of two classes. Several genes together are one of several labels, as Coudray
et al. predict ten by one network with a sigmoid for each; here slides are bags, and splits are
drawn, where they had tiles in fixed parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench_datasets.absent import absent
from milbench_datasets.layouts.label_table import Columns, Row, read_table
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


# The genes of labels_r3.txt; and those that prov-gigapath learns together, in its order
# (finetune/task_configs/mutation_5_gene.yaml).
TEN = ("EGFR", "FAT1", "FAT4", "KEAP1", "KRAS", "LRP1B", "NF1", "SETBP1", "STK11", "TP53")
FIVE = ("EGFR", "FAT1", "KRAS", "LRP1B", "TP53")


@dataclass(frozen=True)
class Genes:
    """The task of one gene, such as EGFR, or of several at once.

    Parameters
    ----------
    name
        Of the data set.
    genes
        One makes bags of two classes; several make as many labels.
    """

    name: str
    genes: tuple[str, ...]

    def bags(self, data: Path) -> Iterator[LabelledBag]:
        """Yield the diagnostic slides in the order of their names; pictures are slides.

        Raises
        ------
        MissingDataError
            If both tables, or every slide, are absent.
        DatasetError
            If a table says something impossible, or does not know a gene.
        """
        folder = data / FOLDER
        files = {name: path for name, path in find_slides(folder).items() if is_diagnostic(name)}
        lines, table = find(folder, LINES), find(folder, TABLE)
        if files and lines is not None:
            return slide_bags(self.of_patients(lines, sorted(files)), files, folder)
        if files and table is not None:
            return slide_bags(self.of_slides(table), files, folder)
        gaps = f"{LINES} or {TABLE}, and slides such as TCGA-05-4244-01Z-00-DX1.<uuid>.svs"
        raise absent(self.name, data, f"{gaps}, in {folder}")

    def of_patients(self, path: Path, names: list[str]) -> Iterator[LabelledSlide]:
        """Yield the slides of ``names``: mutated where ``labels_r3.txt`` has the patient's gene.

        Raises
        ------
        DatasetError
            Naming a line that is no id and gene, or if no line has a gene.
        """
        mutated: dict[str, set[str]] = {gene: set() for gene in self.genes}
        for patient, gene in read_genes(path):
            mutated.get(gene, set()).add(patient)
        for gene in self.genes:
            if not mutated[gene]:
                raise DatasetError(f"{path}: no line has the gene {gene}")
        for name in names:
            yield _labelled(name, [int(name[:PATIENT] in mutated[gene]) for gene in self.genes])

    def of_slides(self, path: Path) -> Iterator[LabelledSlide]:
        """Yield the diagnostic slides of a table with a column for each gene.

        Raises
        ------
        DatasetError
            Naming the line of an unknown value, of a slide that is there twice, or of a patient
            whose slides disagree.
        """
        columns = Columns({"id": ("file_name",), **{gene: (gene,) for gene in self.genes}})
        patients: dict[str, list[int]] = {}
        seen: set[str] = set()
        for row in read_table(path, columns):
            name = row["id"].removesuffix(".svs")
            if not is_diagnostic(name):
                continue
            labels = [_mutated(row, gene) for gene in self.genes]
            if name in seen:
                row.fail(f"slide {name!r} stands in a line before; keep one")
            slide = _labelled(name, labels)
            first = patients.setdefault(slide.patient, labels)
            for gene, one, other in zip(self.genes, first, labels, strict=True):
                if one != other:
                    row.fail(f"slides of patient {slide.patient} disagree about {gene}")
            seen.add(name)
            yield slide


def _one(gene: str) -> Genes:
    return Genes(f"tcga-luad-mutation-{gene.lower()}", (gene,))


EGFR, KRAS, STK11, TP53 = (_one(gene) for gene in ("EGFR", "KRAS", "STK11", "TP53"))
ALL_TEN = Genes("tcga-luad-mutation", TEN)
ALL_FIVE = Genes("tcga-luad-mutation-5-gene", FIVE)


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


def _mutated(row: Row, gene: str) -> int:
    label = MUTATED.get(row[gene].lower())
    if label is None:
        row.fail(f"{gene} is {row[gene]!r}; expected True or False")
    return label


def _labelled(name: str, labels: list[int]) -> LabelledSlide:
    label = tuple(labels) if len(labels) > 1 else labels[0]
    return LabelledSlide(id=name, label=label, patient=name[:PATIENT], site=name[SITE])
