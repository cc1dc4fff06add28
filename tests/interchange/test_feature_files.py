"""Features of one slide are read from every container, exactly, and nothing in them is run."""

from __future__ import annotations

import json
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milbench.errors import FeatureFileError
from milbench.interchange.feature_files import FeatureFile, read_features
from milbench.interchange.slide_names import slide_id

if TYPE_CHECKING:
    from pathlib import Path

X = np.array([[0.5, -1.25, 3.0], [2.0, 0.0, -8.5]], dtype=np.float32)  # exact in bfloat16
COORDS = np.array([[0, 256], [512, 256]], dtype=np.int64)


def saved(path: Path, x: np.ndarray, name: str | None = None) -> Path:
    """Write ``x`` as the ending of ``path`` says, under ``name`` where the format has names."""
    if path.suffix == ".pt":
        tensor = torch.from_numpy(x)
        torch.save(tensor if name is None else {name: tensor}, path)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.create_dataset(name or "features", data=x, chunks=True)
    elif path.suffix == ".npz":
        np.savez(path, **{name or "features": x})
    elif path.suffix == ".npy":
        np.save(path, x)
    elif path.suffix == ".safetensors":
        kind = {"float16": "F16", "float32": "F32", "float64": "F64"}[x.dtype.name]
        entry = {"dtype": kind, "shape": x.shape, "data_offsets": [0, x.nbytes]}
        head = json.dumps({name or "features": entry}).encode()
        path.write_bytes(len(head).to_bytes(8, "little") + head + x.tobytes())
    else:
        np.savetxt(path, x, delimiter=",", fmt="%r")
    return path


def message(path: Path) -> str:
    """Return what reading ``path`` is refused with."""
    with pytest.raises(FeatureFileError) as caught:
        read_features(path)
    return str(caught.value)


def refusal(path: Path) -> str:
    """Return what reading ``path`` is refused with; empty where it is read."""
    try:
        assert read_features(path).x.ndim == 2
    except FeatureFileError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("ending", [".pt", ".h5", ".npz", ".npy", ".safetensors"])
@pytest.mark.parametrize("precision", [np.float16, np.float32, np.float64])
def test_precision_and_values_are_those_stored(tmp_path: Path, ending: str, precision: Any) -> None:
    x = X.astype(precision)

    found = read_features(saved(tmp_path / f"s{ending}", x))

    assert found.x.dtype == precision
    np.testing.assert_array_equal(found.x, x)
    assert found.coords is None


@pytest.mark.parametrize("key", ["features", "feats", "patch_embeddings", "embeddings"])
@pytest.mark.parametrize("ending", [".pt", ".h5", ".npz", ".safetensors"])
def test_every_key_of_the_field_is_known(tmp_path: Path, ending: str, key: str) -> None:
    found = read_features(saved(tmp_path / f"s{ending}", X, key))

    assert found.key == key
    np.testing.assert_array_equal(found.x, X)


@pytest.mark.parametrize("ending", [".pt", ".h5", ".npz", ".npy", ".safetensors"])
def test_a_leading_axis_of_one_is_left_out(tmp_path: Path, ending: str) -> None:
    """(1, N, D), as TRIDENT's slide encoders take it, is (N, D)."""
    found = read_features(saved(tmp_path / f"s{ending}", X[np.newaxis]))

    np.testing.assert_array_equal(found.x, X)


@pytest.mark.parametrize("shape", [(0, 3), (0,)])
@pytest.mark.parametrize("ending", [".pt", ".h5", ".npz", ".npy", ".safetensors"])
def test_a_slide_without_instances_is_empty_and_no_fault(
    tmp_path: Path, ending: str, shape: tuple[int, ...]
) -> None:
    """TRIDENT writes slides without tissue as (0, D) or (0,)."""
    found = read_features(saved(tmp_path / f"s{ending}", np.empty(shape, np.float32)))

    assert found.is_empty
    assert found.x.ndim == 2


def test_bfloat16_is_read_without_a_change_of_value(tmp_path: Path) -> None:
    """Every bfloat16 number is a float32 number."""
    torch.save(torch.from_numpy(X).bfloat16(), tmp_path / "s.pt")

    np.testing.assert_array_equal(read_features(tmp_path / "s.pt").x, X)


def test_bfloat16_of_safetensors_is_the_upper_half_of_float32(tmp_path: Path) -> None:
    bits = (X.view(np.uint32) >> 16).astype("<u2")
    entry = {"dtype": "BF16", "shape": X.shape, "data_offsets": [0, bits.nbytes]}
    head = json.dumps({"feats": entry}).encode()
    (tmp_path / "s.safetensors").write_bytes(
        len(head).to_bytes(8, "little") + head + bits.tobytes()
    )

    np.testing.assert_array_equal(read_features(tmp_path / "s.safetensors").x, X)


@pytest.mark.parametrize(
    "text",
    [
        "0.5,-1.25,3.0\n2.0,0.0,-8.5\n",
        "\ufefff1;f2;f3\r\n0.5;-1.25;3.0\r\n2.0;0.0;-8.5\r\n",
        "0,1,2\n0.5,-1.25,3.0\n2.0,0.0,-8.5\n",
        ",0,1,2\n0,0.5,-1.25,3.0\n1,2.0,0.0,-8.5\n",
        "a\tb\tc\n0.5\t-1.25\t3.0\n2.0\t0.0\t-8.5\n",
    ],
    ids=["plain", "bom-and-semicolons", "numbered-heading", "index-of-pandas", "tabs"],
)
def test_tables_of_numbers_with_and_without_heading(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.csv").write_text(text, encoding="utf-8", newline="")

    np.testing.assert_array_equal(read_features(tmp_path / "s.csv").x, X)


@pytest.mark.parametrize(
    ("attrs", "unit"),
    [({"unit": "um"}, "micrometres"), ({"patch_size_level0": 512}, "level-0 pixels"), ({}, "")],
)
def test_the_unit_of_coordinates_is_kept_and_not_guessed(
    tmp_path: Path, attrs: dict[str, Any], unit: str
) -> None:
    """STAMP states micrometres, TRIDENT the size of a patch in level-0 pixels."""
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["feats"] = X
        file["coords"] = COORDS
        file["coords"].attrs.update(attrs)

    found = read_features(tmp_path / "s.h5")

    assert found.coords_unit == unit
    np.testing.assert_array_equal(found.coords, COORDS)


def test_coordinates_of_another_length_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", features=X, coords=COORDS[:1])

    assert "coords of shape (1, 2), int64, for 2 instances" in message(tmp_path / "s.npz")


class Bomb:
    """What a harmful pickle looks like: opening it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self.path).touch, (self.path,)


def test_pickles_are_refused_and_not_run(tmp_path: Path) -> None:
    """A pickle in any container is named as the reason, and its code does not run."""
    sign = tmp_path / "ran"
    torch.save(Bomb(sign), tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Bomb(sign)))
    (tmp_path / "c.npy").write_bytes(pickle.dumps(Bomb(sign)))
    np.save(tmp_path / "d.npy", np.array([Bomb(sign)], dtype=object))
    np.savez(tmp_path / "e.npz", features=np.array([Bomb(sign)], dtype=object))

    for name in ("a.pt", "b.pt", "c.npy", "d.npy", "e.npz"):
        assert "pickled Python objects" in message(tmp_path / name)
    assert not sign.exists()


@pytest.mark.parametrize("name", ["../out.npy", "/etc/passwd.npy"])
def test_an_archive_with_names_that_lead_out_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "s.npz", "w") as archive:
        archive.writestr(name, b"")

    assert "refused" in message(tmp_path / "s.npz")


@pytest.mark.parametrize("ending", [".pt", ".h5", ".npz", ".npy", ".safetensors"])
@pytest.mark.parametrize("left", [0, 7, 100, 0.5])
def test_a_truncated_file_is_named(tmp_path: Path, ending: str, left: float) -> None:
    path = saved(tmp_path / f"s{ending}", np.ones((50, 20), np.float32))
    content = path.read_bytes()
    path.write_bytes(content[: left if isinstance(left, int) else int(len(content) * left)])

    assert message(path).startswith(f"{path}: truncated, or no {ending} file")


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@pytest.mark.parametrize("ending", [".pt", ".h5", ".npz", ".npy", ".safetensors", ".csv"])
def test_a_damaged_file_is_read_or_named_and_never_anything_else(
    tmp_path: Path, ending: str, data: st.DataObject
) -> None:
    """Bytes are changed anywhere in the file: no other error leaves the reader."""
    path = saved(tmp_path / f"s{ending}", X)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)

    assert str(path) in refusal(path) or refusal(path) == ""


def test_a_file_without_the_keys_lists_what_it_holds(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["imgs"] = X
        file["coords"] = COORDS

    assert "holds 'coords', 'imgs'; expected the features as one of 'features', 'feats'" in message(
        tmp_path / "s.h5"
    )


def test_two_arrays_that_may_be_the_features_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", features=X, feats=X)

    assert "holds 'features' and 'feats'" in message(tmp_path / "s.npz")


@pytest.mark.parametrize("shape", [(3,), (2, 2, 3), (1, 1, 2, 3)])
def test_other_shapes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "s.npy", np.zeros(shape, np.float32))

    assert f"features of shape {shape}; expected (N, D)" in message(tmp_path / "s.npy")


def test_an_empty_table_of_features_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("\n")

    assert "it is empty" in message(tmp_path / "s.csv")


def test_text_in_a_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("a,b\n1,2\n3,many\n")

    assert "many" in message(tmp_path / "s.csv")


def test_a_file_of_another_kind_names_the_kinds(tmp_path: Path) -> None:
    assert "expected one of .pt" in message(tmp_path / "s.pkl")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0017.svs", "0017"),
        ("a/b/0017.NDPI", "0017"),
        ("c:\\slides\\0017.h5", "0017"),
        ("0017.svs.pt", "0017"),
        (" TCGA-05-4244-01Z-00-DX1.d4ff ", "TCGA-05-4244-01Z-00-DX1.d4ff"),
    ],
)
def test_the_id_of_a_slide_is_its_name_without_folder_and_ending(name: str, expected: str) -> None:
    assert slide_id(name) == expected


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/../b.svs", "", ".svs", "a\n"])
def test_names_that_are_no_slides_are_refused(name: str) -> None:
    if name == "a\n":
        assert slide_id(name) == "a"  # white space around a name is left out
        return
    with pytest.raises(FeatureFileError):
        slide_id(name)


def test_a_feature_file_knows_where_it_came_from(tmp_path: Path) -> None:
    """What the file says about itself is kept beside the values."""
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["features"] = X
        file.attrs["encoder"] = "uni_v1"

    found = read_features(tmp_path / "s.h5")

    assert isinstance(found, FeatureFile)
    assert (found.path, found.attrs["encoder"]) == (tmp_path / "s.h5", "uni_v1")
