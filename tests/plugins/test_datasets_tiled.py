"""From slides in their official layout to features: labels, patients, sites and parts arrive."""

from collections import Counter

import numpy as np
import pytest

from milbench.features import cached_features
from milbench.prepare import Places, prepare
from milbench.registry import load_registry
from milbench.suite import load_suite
from milbench.view import View

tifffile = pytest.importorskip("tifffile", reason="slides are written with tifffile")
pytest.importorskip("openslide", reason="slides are read with OpenSlide")

SIDE = 16  # pixels of a tile, the smallest that TIFF allows
PLAIN = {"median": 1, "closing": 1, "piece": 0.0, "hole": 0.0}  # a mask of the same squares
SEGMENTED = "segmentation"
TISSUE = {"tile_px": SIDE, "mpp": 0.5, "mask_mpp": 8.0, SEGMENTED: PLAIN}
WHITE, PINK = (255, 255, 255), (200, 60, 120)


def write_slide(path, tissue, mpp=0.5):
    """Write a slide of 3 x 4 squares, those of ``tissue`` (row, column) pink."""
    pixels = np.full((3 * SIDE, 4 * SIDE, 3), WHITE, np.uint8)
    for row, column in tissue:
        pixels[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE] = PINK
    per_cm = 10_000 / mpp
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        path,
        pixels,
        tile=(SIDE, SIDE),
        photometric="rgb",
        compression="deflate",
        metadata=None,
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER",
    )


def features(name, tmp_path, tiler="tissue", args=None):
    """Return the features of a data set whose files lie in ``tmp_path``."""
    registry = load_registry()
    dataset = registry.find("dataset", f"milbench/{name}").record
    view = View(
        registry.find("encoder", "milbench/colour-texture").record,
        registry.find("tiler", f"milbench/{tiler}").record,
        TISSUE if args is None else args,
    )
    return cached_features(dataset, view, data=tmp_path, cache=tmp_path / "cache")


def test_camelyon16_labels_tiles_of_slides(tmp_path, caplog):
    """Tiles in the drawn square are 1; slides whose files are absent are left out by name."""
    root = tmp_path / "CAMELYON16"
    write_slide(root / "training" / "normal" / "normal_001.tif", {(0, 0)})
    write_slide(root / "training" / "tumor" / "tumor_001.tif", {(0, 0), (0, 1), (2, 3)})
    write_slide(root / "testing" / "images" / "test_001.tif", {(1, 1), (1, 2)})
    tests = [f"test_{n:03d},{('Normal', 'Tumor')[n == 1]}" for n in range(1, 131)]
    (root / "testing" / "reference.csv").write_text("\n".join(tests), encoding="utf-8")
    corners = [(0, 0), (2 * SIDE, 0), (2 * SIDE, SIDE), (0, SIDE)]
    rows = "".join(f'<Coordinate Order="{n}" X="{x}" Y="{y}"/>' for n, (x, y) in enumerate(corners))
    drawing = (
        '<ASAP_Annotations><Annotations><Annotation Name="a" PartOfGroup="Tumor"><Coordinates>'
        f"{rows}</Coordinates></Annotation></Annotations></ASAP_Annotations>"
    )
    (root / "training" / "lesion_annotations").mkdir()
    (root / "training" / "lesion_annotations" / "tumor_001.xml").write_text(drawing, "utf-8")

    stored = features("camelyon16", tmp_path)

    assert stored.table.ids == ("normal_001", "tumor_001", "test_001")
    assert stored.table.parts == ("train", "train", "test")
    assert stored.table.sites == ("radboud", "radboud", "")
    assert stored.table.sizes.tolist() == [1, 3, 2]
    assert stored.instance_labels.tolist() == [0, 1, 1, 0, -1, -1]  # test_001 has no drawing
    assert len(stored.left_out) == 399 - 3
    assert {reason for _, reason in stored.left_out} == {"no such file"}


def test_panda_keeps_providers(tmp_path):
    """Two biopsies, at the resolution that their files state."""
    root = tmp_path / "panda"
    for name, mpp in (("0005", 0.5), ("0009", 0.25)):
        write_slide(root / "train_images" / f"{name}.tiff", {(0, 0), (1, 1)}, mpp)
    rows = (
        "image_id,data_provider,isup_grade,gleason_score\n0005,radboud,3,4+3\n0009,karolinska,0,\n"
    )
    (root / "train.csv").write_text(rows, encoding="utf-8")

    table = features("panda", tmp_path).table

    assert (table.ids, table.sites) == (("0005", "0009"), ("radboud", "karolinska"))
    assert table.labels.tolist() == [3, 0]
    assert table.sizes[0] == 2


def test_cores_of_ubc_ocean_are_twice_as_fine(tmp_path):
    """A tile of 16 pixels of 0.5 micrometres shows 16 pixels of a slide and 32 of a core."""
    root = tmp_path / "UBC-OCEAN"
    for name in ("4", "91"):
        write_slide(root / "train_images" / f"{name}.tif", {(0, 0), (0, 1), (1, 0), (1, 1)})
    text = "image_id,label,image_width,image_height,is_tma\n4,CC,1,1,False\n91,EC,1,1,True\n"
    (root / "train.csv").write_text(text, encoding="utf-8")

    assert features("ubc-ocean", tmp_path).table.sizes.tolist() == [4, 1]


def test_bracs_is_divided_by_patient(tmp_path):
    """Seven types of five patients each, two slides a patient: no fold has a patient twice."""
    rows = ["WSI Filename,Patient Id,RoI,WSI label,Set"]
    groups = {
        "N": "BT",
        "PB": "BT",
        "UDH": "BT",
        "FEA": "AT",
        "ADH": "AT",
        "DCIS": "MT",
        "IC": "MT",
    }
    for number, (kind, group) in enumerate((k, g) for k, g in groups.items() for _ in range(10)):
        name = f"BRACS_{number}"
        place = tmp_path / "BRACS" / "BRACS_WSI" / "train" / f"Group_{group}" / f"Type_{kind}"
        write_slide(place / f"{name}.svs", {(0, 0)})
        rows.append(f"{name},{number // 2},0,{kind},Training")
    (tmp_path / "BRACS" / "BRACS.csv").write_text("\n".join(rows), encoding="utf-8")
    path = tmp_path / "lesions.toml"
    settings = ", ".join(f"{key} = {value}" for key, value in TISSUE.items() if key != SEGMENTED)
    segmentation = ", ".join(f"{key} = {value}" for key, value in PLAIN.items())
    path.write_text(
        'name = "lesions"\ndatasets = ["bracs"]\n[[tilers]]\nname = "tissue"\n'
        f"args = {{ {settings}, {SEGMENTED} = {{ {segmentation} }} }}\n"
        "[splits]\nrepeats = 1\nfolds = 5\nvalidation = 0.0\n[[methods]]\nname = 'prior'\n",
        encoding="utf-8",
    )

    places = Places(tmp_path, tmp_path / "cache", tmp_path / "store")
    (ground,) = prepare(load_suite(path), load_registry(), places).grounds

    splits = ground.splits
    assert Counter(splits.groups) == {str(patient): 2 for patient in range(35)}
    for fold in range(5):
        roles = dict.fromkeys(splits.groups, "")
        for group, role in zip(splits.groups, splits.roles[0, fold], strict=True):
            assert roles[group] in ("", role)
            roles[group] = role


@pytest.mark.data
def test_a_real_slide_has_tiles_of_its_tissue(tmp_path, data_dir):
    """CMU-1-Small-Region, 2220 x 2967 at 0.499 micrometres: eight squares of 256 are drawn."""
    real = data_dir / "slides" / "cmu-1-small-region.svs"
    names = ("TCGA-05-4244-01Z-00-DX1.d4ff", "TCGA-NJ-A4YQ-01Z-00-DX1.5ddf")
    folder = tmp_path / "tcga-luad"
    folder.mkdir()
    for name in names:
        folder.joinpath(f"{name}.svs").symlink_to(real)
    folder.joinpath("labels_r3.txt").write_text("TCGA-05-4244-0\tEGFR\r", encoding="utf-8")

    stored = features(
        "tcga-luad-mutation-egfr", tmp_path, args={"tile_px": 256, "mpp": 0.5, "limit": 8}
    )

    assert (stored.table.ids, stored.table.labels.tolist()) == (names, [1, 0])
    assert stored.table.sites == ("05", "NJ")
    assert stored.table.sizes.tolist() == [8, 8]
    corners = stored.coords  # inside 2220 x 2967, at squares of 256
    assert (corners % 256 == 0).all()
    assert (corners.max(axis=0) <= [2220 - 256, 2967 - 256]).all()
