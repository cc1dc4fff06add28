"""From a generated download of TCGA-LUAD to a leaderboard of ten genes at once."""

import json

import numpy as np
import pytest

tifffile = pytest.importorskip("tifffile", reason="slides are written with tifffile")
pytest.importorskip("openslide", reason="slides are read with OpenSlide")

SIDE = 16  # pixels of a tile, the smallest that TIFF allows
PATIENTS = 24
GENES = ("EGFR", "FAT1", "FAT4", "KEAP1", "KRAS", "LRP1B", "NF1", "SETBP1", "STK11", "TP53")

SUITE = """
name = "luad"
datasets = ["tcga-luad-mutation"]

[[tilers]]
name = "tissue"
args = {{ tile_px = {side}, mpp = 0.5, mask_mpp = 8.0, segmentation = {{ piece = 0.0, median = 1, closing = 1 }} }}

[splits]
repeats = 2
folds = 2
validation = 0.3

[train]
epochs = 2

[report]
reference = "prior"
draws = 200
metrics = ["subset-accuracy", "hamming-loss"]

[[methods]]
name = "prior"

[[methods]]
name = "bag-size"

[[methods]]
name = "gated-abmil"
args = {{ hidden = [16] }}

[[methods]]
name = "clam-sb"
"""  # noqa: E501  # an inline table has no line breaks


def write_slide(path, red):
    """Write a slide of 2 x 2 squares, all tissue; its red tells the first gene."""
    pixels = np.full((2 * SIDE, 2 * SIDE, 3), (red, 60, 120), np.uint8)
    per_cm = 10_000 / 0.5
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        path,
        pixels,
        tile=(SIDE, SIDE),
        compression="deflate",
        photometric="rgb",
        metadata=None,
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER",
    )


@pytest.fixture
def suite(tmp_path):
    """Write slides of 24 patients, two each, their mutations, and a suite."""
    folder, lines = tmp_path / "data" / "tcga-luad", []
    for patient in range(PATIENTS):
        genes = [
            gene for place, gene in enumerate(GENES) if (patient * 7 + place) % (2 + place % 2)
        ]
        name = f"TCGA-05-{patient:04d}"
        lines += [f"{name}-0\t{gene}\r" for gene in genes]
        for slide in (1, 2):
            path = folder / f"u{patient}-{slide}" / f"{name}-01Z-00-DX{slide}.aa.svs"
            write_slide(path, 200 if "EGFR" in genes else 150)
    folder.joinpath("labels_r3.txt").write_text("".join(lines), encoding="utf-8", newline="")
    path = tmp_path / "luad.toml"
    path.write_text(SUITE.format(side=SIDE), encoding="utf-8")
    return path


def test_ten_genes_are_learnt_and_ranked_together(suite, run, tmp_path):
    """Slides of a patient stay together; CLAM is skipped with its reason; ten values a method."""
    done = run(suite)

    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    assert "24 patients, 48 bags, each with any of the labels EGFR 24" in text
    assert "clam-sb is for one class a bag: it has loss of its own" in text
    folder = tmp_path / "leaderboards" / "luad"
    board = json.loads((folder / "leaderboard.json").read_text(encoding="utf-8"))
    (section,) = board["sections"]
    assert tuple(section["classes"]) == GENES
    rows = {row["method"]: row for row in section["rows"]}
    assert rows["prior"]["scores"][0]["value"] == 0.5
    assert len(rows["gated-abmil"]["scores"][0]["per_class"]) == 10
    assert rows["gated-abmil"]["versus"]["detectable"] > 0
