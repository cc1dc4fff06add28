"""Identifiers as the field writes them: file names that stand for slides, and TCGA barcodes."""

from __future__ import annotations

import re

# Of slides (OpenSlide's formats and pictures), then of features and tables.
ENDINGS = (
    *(".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".svslide"),
    *(".dcm", ".czi", ".qptiff", ".isyntax", ".qpdata", ".png", ".jpg", ".jpeg"),
    *(".pt", ".h5", ".hdf5", ".npy", ".npz", ".csv", ".safetensors"),
)
BARCODE = re.compile(r"TCGA-(\w{2})-\w{4}(?=$|[-_.])", re.IGNORECASE)


def slide_of(text: str) -> str:
    """Return the slide that a cell or a file name stands for.

    Folders before it and endings behind it are left out: ``/testing/test_001/``,
    ``features/normal_001.tif.npy`` and ``A.svs`` are ``test_001``, ``normal_001`` and ``A``. Only
    known endings go, because ids such as ``TCGA-..-DX1.041E15D5`` hold dots.
    """
    name = re.split(r"[/\\]", text.strip().rstrip("/\\"))[-1]
    while name.lower().endswith(ENDINGS):
        stem = name.rpartition(".")[0]
        if not stem:
            break
        name = stem
    return name


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
