"""What docs/slides.md shows works, on slides written as it supposes."""

import inspect
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from milbench import Tiler
from milbench.features import cached_features
from milbench.records import Dataset, Encoder
from milbench.registry import Registry
from milbench.view import View
from milbench_tilers.tissue import Tissue

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "slides.md").read_text(encoding="utf-8")


def block(language, start):
    """Return the only block of code that begins with ``start``."""
    (found,) = re.findall(rf"```{language}\n({re.escape(start)}.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def clinic(pyramid, tmp_path):
    """Return a data folder with four slides in the layout of the page."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    pixels = np.full((512, 768, 3), 255, np.uint8)
    pixels[:, 256:] = (200, 60, 120)
    rows = ["slide,patient,class"]
    for number in range(4):
        pyramid(f"clinic/00{number}.svs", pixels)
        rows.append(f"00{number},p{number},{('benign', 'malignant')[number % 2]}")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path


def test_the_data_set_of_the_page_is_cut_and_encoded(install, site, monkeypatch, clinic, tmp_path):
    """Four slides of four tiles each, described by 51 numbers."""
    install("my-slides", block("python", "# my_slides.py"))
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "my_slides", raising=False)
    registry = Registry()
    dataset = registry.record(Dataset, "clinic")
    view = View(
        registry.record(Encoder, dataset.encoder),
        registry.record(Tiler, dataset.tiler),
        dataset.tiler_args,
    )

    features = cached_features(dataset, view, data=clinic, cache=tmp_path / "cache")

    assert features.table.ids == ("000", "001", "002", "003")
    assert features.array.shape == (16, 51)
    assert features.coords[:4].tolist() == [[256, 0], [512, 0], [256, 256], [512, 256]]


def test_the_settings_of_the_page_are_those_of_the_tiler():
    """All of them, with their defaults; and what the suite says is taken."""
    table = PAGE.partition("## Tissue and tiles")[2].partition("\n\nThe mask")[0]
    named = re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
    settings = inspect.signature(Tissue).parameters

    assert re.findall(r"`(\w+)`", " ".join(named)) == list(settings)
    assert settings["tile_px"].default == 256
    assert settings["mpp"].default == 0.5
    (asked,) = tomllib.loads(block("toml", "# in a suite"))["tilers"]
    Tissue(**asked["args"])
