"""The example that draws maps does what its page says."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "explain" / "where_is_the_nine.py"


def test_the_example_finds_nines_and_draws_them(tmp_path):
    """In three of four unseen pictures or more; chance is 1 in 16. Three drawings of 64 x 64."""
    pillow = pytest.importorskip("PIL.Image", reason="the example writes pictures by Pillow")
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    hits, count = map(int, re.search(r"in (\d+) of (\d+) unseen", done.stdout).groups())
    assert hits >= 0.75 * count
    drawn = {path.name: np.asarray(pillow.open(path)) for path in tmp_path.iterdir()}
    assert sorted(drawn) == ["attention.png", "gradcam.png", "picture.png"]
    assert {array.shape[:2] for array in drawn.values()} == {(64, 64)}
    assert (drawn["attention.png"] <= drawn["picture.png"]).all()
    assert drawn["gradcam.png"].max() == 255
