"""slideflow's features: ``<slide>.pt``, ``<slide>.index.npz`` with positions, ``bags_config.json``.

Source: jamesdolezal/slideflow, ``slideflow/model/features.py``. The files do not say in which unit
positions are, so it stays unknown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from milbench.errors import DatasetError
from milbench.interchange.layout import Layout, slides_of
from milbench.interchange.split_files import read_json

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "bags_config.json"
INDEX = ".index.npz"


def find_features(folder: Path) -> Layout | None:
    """Return the slides beside ``bags_config.json``, or None where it is not there.

    Raises
    ------
    DatasetError
        If some slides have positions and others have none.
    SplitError
        If the configuration is no JSON.
    """
    if not (folder / CONFIG).is_file():
        return None
    config = read_json(folder / CONFIG)
    slides = [
        replace(slide, coords=index if (index := folder / f"{slide.id}{INDEX}").is_file() else None)
        for slide in slides_of(folder.glob("*.pt"))
    ]
    without = [slide.id for slide in slides if slide.coords is None]
    if without and len(without) < len(slides):
        raise DatasetError(
            f"{folder}: no {without[0]}{INDEX} ({len(without)} such), and other slides have one; "
            "make the bags again"
        )
    extractor = config.get("extractor", {}) if isinstance(config, dict) else {}
    encoder = str(extractor.get("class", "")) if isinstance(extractor, dict) else str(extractor)
    return Layout(producer="slideflow", why=CONFIG, slides=tuple(slides), encoder=encoder)
