"""HMIL's features: one ``<slide>.pt`` a slide, and ``DATA_SPLIT.csv`` beside them or above.

Source: ChengJin-git/HMIL, README.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.interchange.layout import Layout, slides_of

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "DATA_SPLIT.csv"


def find_features(folder: Path) -> Layout | None:
    """Return the slides of the one folder of ``.pt`` files, or None without ``DATA_SPLIT.csv``."""
    if not (folder / TABLE).is_file():
        return None
    below = sorted(path for path in folder.iterdir() if path.is_dir())
    place = next((place for place in (folder, *below) if any(place.glob("*.pt"))), None)
    if place is None:
        return None
    return Layout(producer="hmil", why=TABLE, slides=slides_of(place.glob("*.pt")))
