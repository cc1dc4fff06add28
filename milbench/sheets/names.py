"""What the field calls the columns of its tables, and the parts of its splits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Names in CLAM, TRIDENT and Patho-Bench, STAMP, slideflow and PathBench-MIL, torchmil, eva,
# MIL_BASELINE, MHIM-MIL, DSMIL, FLamby, TCGA's and PANDA's tables; see docs/own-data.md. Where a
# reader takes one of several, it takes the first.
KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "slide": (
        *("slide_id", "slide", "wsi_id", "wsi", "bag_name", "bag_id", "bag", "image_id"),
        *("filename", "file_name", "filenames", "slide_name", "slide_path", "path", "wsi_name"),
        *("image", "image_name", "file", "id"),
    ),
    "patient": (
        *("case_id", "patient_id", "patient", "case_submitter_id", "submitter_id", "case"),
        *("patient_name", "subject_id", "subject", "participant_id"),
    ),
    "label": ("label", "labels", "target", "class", "category", "subtype", "isup_grade", "y"),
    "site": ("site", "hospital", "center", "centre", "institution", "data_provider", "source"),
    "split": ("split", "split_info", "part", "partition", "subset"),
}
PARTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "tune"), "val"),
    **dict.fromkeys(("test", "testing", "te", "held-out"), "test"),
}


def plain(name: str) -> str:
    """Return a name as it is compared: in lower case, blanks and hyphens as underscores."""
    return re.sub(r"[\s-]+", "_", name.strip().casefold())
