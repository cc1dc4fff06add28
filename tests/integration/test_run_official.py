"""The suite of every official set, as its page has it, runs on a small tree in the exact layout.

Pictures are plain and few, and methods are trained once a fold for one epoch, on the first of the
data sets; everything else is as documented.
"""

import json
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from milbench.tables.write_suite import suite_text
from milbench_datasets import trees
from milbench_datasets.ccrcc import Ccrcc, read_pools
from milbench_datasets.ccrcc_table import save

tifffile = pytest.importorskip("tifffile", reason="slides are written with tifffile")
pillow = pytest.importorskip("PIL.Image", reason="pictures are written by Pillow")
pytest.importorskip("openslide", reason="slides are read with OpenSlide")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "official-sets.md"
SUITES = {
    heading: tomllib.loads(re.search(r"```toml\n(.*?)```", section, re.DOTALL)[1])
    for heading, section in re.findall(
        r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
}


def slide(path, label):
    """Write a slide of 1024 x 512 pixels of 0.5 micrometres: tissue of the class, and glass."""
    pixels = np.full((512, 1024, 3), 255, np.uint8)
    pixels[:, :512] = (200 - 8 * label, 60 + 8 * label, 120)
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        path,
        pixels,
        tile=(256, 256),
        photometric="rgb",
        compression="deflate",
        metadata=None,
        resolution=(20_000, 20_000),
        resolutionunit="CENTIMETER",
    )


def picture(path, label, size=(512, 512)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pillow.new("RGB", size, (200 - 8 * label, 60 + 8 * label, 120)).save(path)


def table(path, heading, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")


def bach(data):
    """Two pictures of each kind for both parts; 384 of 400 are absent."""
    folder = data / "ICIAR2018_BACH_Challenge" / "Photos"
    kinds = {"n": ("Normal", 46), "b": ("Benign", 42), "is": ("InSitu", 40), "iv": ("Invasive", 41)}
    for label, (prefix, (kind, first)) in enumerate(kinds.items()):
        for number in (1, 2, first, first + 1):
            picture(folder / kind / f"{prefix}{number:03d}.tif", label)


def breakhis(data):
    root = data / "BreaKHis_v1" / "histology_slides" / "breast"
    kinds = {"B_A": ("benign", "adenosis"), "M_DC": ("malignant", "ductal_carcinoma")}
    for label, (kind, (group, name)) in enumerate(kinds.items()):
        for case in range(5):
            slide_name = f"14-{100 * label + case}"
            for zoom in (40, 400):
                file = f"SOB_{kind}-{slide_name}-{zoom}-001.png"
                folder = root / group / "SOB" / name / f"SOB_{kind}_{slide_name}" / f"{zoom}X"
                picture(folder / file, label, (700, 460))


def sheet_of_bracs(data, slides):
    """Write the sheet: six slides of each type, two of a patient."""
    rows = [f"{name},{patient},1,{kind},{part}" for name, kind, part, patient in slides]
    table(data / "BRACS" / "BRACS.csv", "WSI Filename,Patient Id,RoI,WSI label,Set", rows)


def slides_of_bracs(parts=("Training", "Validation", "Testing")):
    for label, kind in enumerate(trees.BRACS.classes):
        for n in range(5):
            yield f"BRACS_{10 * label + n}", kind, parts[n % len(parts)], f"{kind}{n}"


def bracs(data):
    groups = ("BT", "BT", "BT", "AT", "AT", "MT", "MT")
    slides = list(slides_of_bracs())
    sheet_of_bracs(data, [*slides, ("BRACS_99", "IC", "Testing", "absent")])
    folders = {"Training": "train", "Validation": "val", "Testing": "test"}
    for name, kind, part, _ in slides:
        label = trees.BRACS.classes.index(kind)
        place = f"{folders[part]}/Group_{groups[label]}/Type_{kind}/{name}.svs"
        slide(data / "BRACS" / "BRACS_WSI" / place, label)


def bracs_roi(data):
    slides = list(slides_of_bracs())
    sheet_of_bracs(data, slides)
    folders = {"Training": "train", "Validation": "val", "Testing": "test"}
    for name, kind, part, _ in slides:
        label = trees.BRACS.classes.index(kind)
        place = f"{folders[part]}/{label}_{kind}/{name}_{kind}_1.png"
        picture(data / "BRACS" / "BRACS_RoI" / "latest_version" / place, label, (128, 256))
    small = f"train/0_N/{slides[0][0]}_N_2.png"
    picture(data / "BRACS" / "BRACS_RoI" / "latest_version" / small, 0, (127, 256))


def camelyon16(data):
    """Twelve slides of 399; the reference has all of the test part."""
    root = data / "CAMELYON16"
    for n in range(1, 5):
        slide(root / "training" / "normal" / f"normal_{n:03d}.tif", 0)
        slide(root / "training" / "tumor" / f"tumor_{n:03d}.tif", 5)
        slide(root / "testing" / "images" / f"test_{n:03d}.tif", 5 * (n % 2))
    rows = [f"test_{n:03d},{('Normal', 'Tumor')[n % 2]},IDC,Macro" for n in range(1, 131)]
    table(root / "testing" / "reference.csv", rows[0], rows[1:])


def ccc(data):
    rng = np.random.default_rng(0)
    rows = []
    for n in range(30):
        (data / "ccc" / "features").mkdir(parents=True, exist_ok=True)
        np.save(data / "ccc" / "features" / f"{n:04d}.npy", rng.normal(n % 6, size=(3, 8)))
        rows.append(f"{n:04d},{trees.CCC.classes[n % 6]}")
    table(data / "ccc" / "labels.csv", "slide_id,label", rows)


def cptac_ccrcc(data):
    """Tiles of three patients, and bags that were drawn from them, few enough for a test."""
    folder = data / "cptac-ccrcc"
    rows = []
    for patient in range(3):
        for n in range(60):
            name = f"tiles/C3L-{patient:05d}/{n:04d}.png"
            picture(folder / name, 5 * (n < 20), (16, 16))
            rows.append(f"{name},C3L-{patient:05d}-21,C3L-{patient:05d},{int(n < 20)}")
    table(folder / "tiles.csv", "tile,slide,patient,tumour", rows)
    for count in (20, 10, 5, 1):
        drawn = Ccrcc(count, {"train": 4, "val": 4, "test": 4}).draw(
            read_pools(folder / "tiles.csv")
        )
        save(folder / f"bags-{count}.csv", drawn)


def cptac_ccrcc_zips(data):
    """Four bags an archive, unpacked."""
    for source in ("Train_500", "Validation_100", *(f"Test_40_{n}" for n in (20, 10, 5, 1))):
        folder = data / "cptac-ccrcc" / source
        for bag in range(4):
            for n in range(40):
                picture(folder / str(bag) / f"{n}.jpeg", 5 * (bag % 2 and n < 20), (16, 16))
        table(folder / "df.csv", "case,y_true", [f"{bag},{bag % 2}" for bag in range(4)])


def panda(data):
    root = data / "prostate-cancer-grade-assessment"
    rows = []
    for n in range(30):
        slide(root / "train_images" / f"{n:04x}.tiff", n % 6)
        rows.append(f"{n:04x},{('karolinska', 'radboud')[n // 6 % 2]},{n % 6},0+0")
    rows.append("ffff,radboud,0,negative")  # without a file
    table(root / "train.csv", "image_id,data_provider,isup_grade,gleason_score", rows)


def tcga_luad_mutation(data):
    """Two patients of each of six sites, of whom one has all genes mutated."""
    rows = []
    for n in range(24):
        patient = f"TCGA-{('05', '44', '49', '55', '75', 'NJ')[n // 4]}-{n:04d}"
        slide(data / "tcga-luad" / f"{patient}-01Z-00-DX1.d4ff.svs", 5 * (n % 2))
        rows += [f"{patient}-0\t{gene}" for gene in ("EGFR", "KRAS", "STK11", "TP53") if n % 2]
    path = data / "tcga-luad" / "labels_r3.txt"
    path.write_text("\r".join(rows), encoding="utf-8", newline="")


def ubc_ocean(data):
    root, rows = data / "UBC-OCEAN", []
    for n in range(27):
        name, label = str(n), n % 5
        picture(root / "train_images" / f"{name}.png", label, (256, 256))
        picture(root / "train_thumbnails" / f"{name}_thumbnail.png", label, (64, 64))
        rows.append(f"{name},{('CC', 'EC', 'HGSC', 'LGSC', 'MC')[label]},256,256,False")
    for name in ("25", "26"):
        mask = np.zeros((256, 256, 3), np.uint8)
        mask[:, :128, 0] = 255
        folder = data / "ubc-ovarian-cancer-competition-supplemental-masks"
        folder.mkdir(exist_ok=True)
        pillow.fromarray(mask).save(folder / f"{name}.png")
    table(root / "train.csv", "image_id,label,image_width,image_height,is_tma", rows)


# The tree, how many bags are tested, and what a note tells of the others.
TREES = {
    "bach": (bach, 8, "n003 (no such file)"),
    "breakhis": (breakhis, 20, "BreakHis has 7909 pictures of this kind, and 20 are here"),
    "bracs": (bracs, 35, "BRACS_99"),
    "bracs-roi": (bracs_roi, 7, "holds no square of 128"),
    "camelyon16": (camelyon16, 4, "and 367 more"),
    "ccc": (ccc, 30, ""),
    "cptac-ccrcc": (cptac_ccrcc, 4, ""),
    "cptac-ccrcc-zips": (cptac_ccrcc_zips, 4, ""),
    "panda": (panda, 30, "ffff (no such file)"),
    "tcga-luad-mutation": (tcga_luad_mutation, 24, "By site: folds test"),
    "ubc-ocean": (ubc_ocean, 25, ""),
}


def shortened(suite):
    """Return a documented suite with one data set, repeat and epoch, and few draws."""
    suite = suite | {"datasets": suite["datasets"][:1], "splits": suite["splits"] | {"repeats": 1}}
    suite |= {"report": suite.get("report", {}) | {"draws": 200}}
    return suite | {"train": suite.get("train", {}) | {"epochs": 1, "patience": 0}}


@pytest.mark.parametrize("heading", SUITES)
def test_the_documented_suite_runs(run, tmp_path, heading):
    """Every method on every data set to the end, and what is absent is told."""
    build, bags, told = TREES[heading]
    build(tmp_path / "data")
    path = tmp_path / "suite.toml"
    path.write_text(suite_text(shortened(SUITES[heading])), encoding="utf-8")

    done = run(path)

    assert done.returncode == 0, done.stdout + done.stderr
    name = SUITES[heading]["name"]
    board = json.loads(
        (tmp_path / "leaderboards" / name / "leaderboard.json").read_text(encoding="utf-8")
    )
    sections = [section for section in board["sections"] if not section["level"]]
    assert {one["dataset"] for one in sections} == {SUITES[heading]["datasets"][0]}
    for section in sections:
        assert sum(section["bags"]) == bags
        assert all(row["runs"]["done"] == row["runs"]["planned"] > 0 for row in section["rows"])
        assert told in " ".join(section["notes"])


@pytest.mark.parametrize("heading", SUITES)
def test_without_files_a_set_is_skipped_with_what_to_do(run, heading, tmp_path):
    """Status 0: nothing failed."""
    path = tmp_path / "suite.toml"
    path.write_text(suite_text(SUITES[heading]), encoding="utf-8")

    done = run(path)

    assert done.returncode == 0
    for dataset in SUITES[heading]["datasets"]:
        assert re.search(rf"skipped {dataset}: files are missing: .*next step: ", done.stderr)
