"""Labels, patients and sites of slides, under any of the column names that the field uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from milbench.errors import DatasetError
from milbench.interchange.identifiers import slide_of, tcga_case, tcga_site
from milbench.sheets.names import KNOWN
from milbench.sheets.sheet import Sheet, read_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What own data does not look for as well: it refuses two candidates, and here the first is taken.
SLIDE = (*KNOWN["slide"], "embeddings")
PATIENT = (*KNOWN["patient"], "bcr_patient_barcode", "group_id")
LABEL = (*KNOWN["label"], "oncotree_code", "oncotreecode", "tumor")
SITE = ("site", "hospital_corrected", *KNOWN["site"], "source_site")


@dataclass(frozen=True)
class Labels:
    """What is known of each slide.

    Parameters
    ----------
    label, patient, site
        By slide; a slide that is not in ``patient`` has an unknown one. ``label`` has every slide
        of the table, with empty text where no label is given.
    where
        What the messages name.
    """

    label: Mapping[str, str] = field(default_factory=dict)
    patient: Mapping[str, str] = field(default_factory=dict)
    site: Mapping[str, str] = field(default_factory=dict)
    where: str = ""

    def patient_of(self, slide: str) -> str:
        """Return the patient of a slide: the table's, else that of a TCGA barcode, else empty."""
        return self.patient.get(slide) or tcga_case(slide)

    def site_of(self, slide: str) -> str:
        """Return the site of a slide: the table's, else that of a TCGA barcode, else empty."""
        return self.site.get(slide) or tcga_site(slide)

    def joined(self, other: Labels) -> Labels:
        """Return what both say; where both say something of a slide, what this one says."""
        return Labels(
            {**other.label, **self.label},
            {**other.patient, **self.patient},
            {**other.site, **self.site},
            self.where or other.where,
        )

    def over(self, other: Labels) -> Labels:
        """Return these labels, with the patients and sites of ``other`` for slides without.

        The labels of ``other`` count only where these have none at all: two tables may call the
        same classes by different names.
        """
        both = self.joined(other)
        is_labelled = any(self.label.values())
        return Labels(
            self.label if is_labelled else both.label, both.patient, both.site, both.where
        )


class Columns(NamedTuple):
    """Columns that the user names; those of the field's usual names where None."""

    slide: str | None = None
    patient: str | None = None
    label: str | None = None
    site: str | None = None


def read_labels(path: Path, columns: Columns = Columns()) -> Labels:  # noqa: B008  # frozen
    """Return the labels in the table at ``path``; a table of patients has one slide each.

    Raises
    ------
    DatasetError
        If no column holds slides, several may hold the label, or a slide is there twice with
        different facts.
    """
    sheet = read_sheet(path).whole()
    slide = chosen(sheet, "slide", columns.slide, SLIDE)
    slide = slide or chosen(sheet, "patient", columns.patient, PATIENT)  # one line a patient
    if slide is None:
        raise DatasetError(
            f"{path}: no column of slides among {', '.join(sheet.columns)}; expected one of "
            f"{', '.join(SLIDE)}, or name it with --slide-column"
        )
    return _in_columns(
        sheet,
        slide,
        Columns(
            patient=chosen(sheet, "patient", columns.patient, PATIENT),
            label=_label_column(sheet, columns.label),
            site=chosen(sheet, "site", columns.site, SITE),
        ),
    )


def labels_beside(sheet: Sheet, slide: str) -> Labels:
    """Return what a table of splits says of its slides beside their parts; often nothing."""
    others = [sheet.first_of(names) for names in (PATIENT, LABEL, SITE)]
    patient, label, site = (None if name == slide else name for name in others)
    return _in_columns(sheet, slide, Columns(patient=patient, label=label, site=site))


def chosen(sheet: Sheet, what: str, named: str | None, usual: tuple[str, ...]) -> str | None:
    """Return the column that the user named, else the first of the usual names, else None.

    Raises
    ------
    DatasetError
        If the column that was named is not there.
    """
    if named is None:
        return sheet.first_of(usual)
    if named not in sheet.columns:
        raise DatasetError(
            f"{sheet.path}: no column {named!r} for the {what}; columns: {', '.join(sheet.columns)}"
        )
    return named


def _label_column(sheet: Sheet, named: str | None) -> str | None:
    if named is None:
        found = [sheet.by_plain_name[name] for name in LABEL if sheet.has(name)]
        if len(found) > 1:
            raise DatasetError(
                f"{sheet.path}: the label may be in {' or '.join(map(repr, found))}; "
                "say which with --label-column"
            )
    return chosen(sheet, "label", named, LABEL)


def _in_columns(sheet: Sheet, slide: str, columns: Columns) -> Labels:
    kept: dict[str, dict[str, str]] = {"label": {}, "patient": {}, "site": {}}
    slides = [slide_of(cell) for cell in sheet[slide]]
    for name, facts in kept.items():
        column = getattr(columns, name)
        cells = sheet[column] if column else ("",) * len(slides)
        for line, one, cell in zip(sheet.lines, slides, cells, strict=True):
            if facts.setdefault(one, cell) != cell:
                raise DatasetError(
                    f"{sheet.path}, line {line}: slide {one!r} has the {name} {cell!r}, and "
                    f"{facts[one]!r} above; keep one of the lines"
                )
    given = {name: {s: cell for s, cell in facts.items() if cell} for name, facts in kept.items()}
    return Labels(kept["label"], given["patient"], given["site"], str(sheet.path))
