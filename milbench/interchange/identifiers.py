"""Identifiers as the field writes them: file names that stand for slides, and TCGA barcodes."""

from __future__ import annotations

import re

from milbench.interchange.slide_names import slide_id

BARCODE = re.compile(r"TCGA-(\w{2})-\w{4}(?=$|[-_.])", re.IGNORECASE)


def slide_of(text: str) -> str:
    """Return the slide that a cell of a table stands for; empty text for an empty cell.

    As :func:`milbench.interchange.slide_names.slide_id`; ``/testing/test_001/`` is ``test_001``.

    Raises
    ------
    FeatureFileError
        If it leads out of its folder.
    """
    named = text.strip().rstrip("/\\")
    return slide_id(named) if named else ""


def tcga_case(slide: str) -> str:
    """Return the case of a TCGA barcode, its first 12 characters, or empty text.

    Source: https://docs.gdc.cancer.gov/Encyclopedia/pages/TCGA_Barcode/
    """
    found = BARCODE.match(slide)
    return found.group().upper() if found else ""


def tcga_site(slide: str) -> str:
    """Return the tissue source site of a TCGA barcode, its characters 6 and 7, or empty text."""
    found = BARCODE.match(slide)
    return found.group(1).upper() if found else ""
