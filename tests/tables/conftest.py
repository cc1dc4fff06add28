"""A user's own data, small: a table of labels and a folder with a file of features a slide."""

import csv
from pathlib import Path

import numpy as np
import pytest

from milbench.own_data import OwnData
from milbench.tables.resolve import resolved

DIM = 4


class Clinic:
    """Slides of patients below a folder: two slides a patient, half of the patients positive.

    ``write`` puts them on the disk; tests change ``rows`` and ``features`` before or files after.
    """

    def __init__(self, folder: Path, patients: int = 12) -> None:
        rng = np.random.default_rng(0)
        self.folder = folder
        self.rows = [
            [f"{slide:03d}", f"p{slide // 2}", "ab"[slide // 2 % 2]]
            for slide in range(2 * patients)
        ]
        self.features = {
            row[0]: rng.normal("ab".index(row[2]), size=(2 + int(row[0]) % 3, DIM)).astype(
                np.float32
            )
            for row in self.rows
        }
        self.heading = ["slide_id", "case_id", "label"]

    def write(self, folder="features"):
        """Write the table and one folder of features."""
        with (self.folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([self.heading, *self.rows])
        (self.folder / folder).mkdir(exist_ok=True)
        for slide, x in self.features.items():
            np.save(self.folder / folder / f"{slide}.npy", x)
        return self

    def own(self, **said):
        """Return the data set as a suite names it, resolved."""
        given = {"name": "clinic", "bags": "labels.csv", "features": "features"} | said
        return resolved(OwnData(**given), self.folder)


@pytest.fixture
def clinic(tmp_path):
    """Return 24 slides of 12 patients, not yet written."""
    return Clinic(tmp_path)
