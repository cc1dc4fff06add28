"""``milbench doctor --clean`` removes what is stale or damaged, and nothing else."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from subprocess import CompletedProcess

import numpy as np
import pytest

from milbench import LabelledBag
from milbench.doctor import Folders, caches, clean
from milbench.features import About, Making, cached_features, open_features, write_features
from milbench.features.alone import alone
from milbench.features.cache import source_fingerprint
from milbench.records import Dataset, Encoder
from milbench.registry import load_registry
from milbench.view import View, settings_from

Doctor = Callable[..., CompletedProcess[str]]
TOY = About(dataset="digits-bags", classes=("no", "yes"), fingerprint="old")


def toy_bags(data: Path | None = None) -> Iterator[LabelledBag]:
    """Yield four bags of two instances."""
    for index in range(4):
        yield LabelledBag(id=f"{index}", label=index % 2, x=np.full((2, 3), index, np.float32))


def digits(encoder: str) -> tuple[Dataset, View]:
    """Return the built-in digits, seen through a built-in encoder."""
    registry = load_registry()
    return registry.record(Dataset, "digits-bags"), View(registry.record(Encoder, encoder))


def folders(tmp_path: Path) -> Folders:
    """Return the folders of a test."""
    return Folders(tmp_path / "data", tmp_path / "cache", tmp_path / "results")


def wasted(tmp_path: Path, **how: bool) -> list[clean.Waste]:
    """Return what would be removed."""
    return list(clean.wasted(folders(tmp_path), load_registry(), **how))


def stale(tmp_path: Path, name: str = "old") -> Path:
    """Write features of an old version of a built-in data set."""
    path = tmp_path / "cache" / "digits-bags" / f"{name}.h5"
    return write_features(path, toy_bags(), encode=None, about=TOY).path


def test_stale_features_go_when_the_user_agrees(milbench: Doctor, tmp_path: Path) -> None:
    """First listed, and removed with --yes only; current ones, unknown ones and results stay."""
    old = stale(tmp_path)
    new = cached_features(*digits("flat-pixels"), data=tmp_path / "data", cache=tmp_path / "cache")
    theirs = tmp_path / "cache" / "hospital" / "x.h5"
    write_features(theirs, toy_bags(), encode=None, about=replace(TOY, dataset="hospital"))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.json").write_text("torn")
    named = [f"--{name}={tmp_path / name}" for name in ("data", "cache", "results")]

    listed = milbench("doctor", "--clean", *named)
    assert "digits-bags/old.h5" in listed.stdout
    assert "--yes removes it" in listed.stderr
    assert old.exists()

    done = milbench("doctor", "--clean", "--yes", *named)
    assert done.returncode == 0, done.stderr
    assert not old.exists()
    assert new.path.exists()
    assert theirs.exists()
    assert (tmp_path / "results" / "a.json").read_text() == "torn"
    assert "nothing stale" in milbench("doctor", "--clean", *named).stdout


def test_damaged_features_go(tmp_path: Path) -> None:
    """Truncated ones are seen from outside, changed ones where everything is read."""
    features = cached_features(
        *digits("flat-pixels"), data=tmp_path / "data", cache=tmp_path / "cache"
    )
    with features.path.open("r+b") as file:
        file.seek(features.array.offset)  # type: ignore[attr-defined]  # of the memory map
        file.write(b"\x42\x42")
    assert wasted(tmp_path) == []
    (found,) = wasted(tmp_path, verify=True)

    assert clean.remove(found) == []
    assert not features.path.exists()


def test_features_of_weights_are_current(tmp_path: Path) -> None:
    """Their fingerprint holds the hash of the weights, which they know themselves."""
    dataset, view = digits("resnet18")
    fingerprint = source_fingerprint(dataset, view, tmp_path / "data", "abc")
    about = replace(TOY, encoder="resnet18", weights="abc", fingerprint=fingerprint)
    path = tmp_path / "cache" / "digits-bags" / "x.h5"
    write_features(path, toy_bags(), encode=None, about=about)

    assert wasted(tmp_path) == []
    known = caches.Known(load_registry(), tmp_path / "data")
    assert known.fault(open_features(path)) == ("", False)


def test_features_whose_files_are_elsewhere_stay(tmp_path: Path) -> None:
    """Without the data nobody can tell; the same folder with the files tells."""
    path = tmp_path / "cache" / "musk1" / "x.h5"
    write_features(path, toy_bags(), encode=None, about=replace(TOY, dataset="musk1"))
    assert wasted(tmp_path) == []

    pattern = load_registry().record(Dataset, "musk1").files[0]
    file = tmp_path / "data" / pattern.replace("*", "x")
    file.parent.mkdir(parents=True)
    file.write_text("other")
    assert [waste.files for waste in wasted(tmp_path)] == [(path,)]


@pytest.mark.parametrize(
    "settings",
    [{}, {"mpp": 0.5}, {"a": [1, "x, b=2"], "limit": None, "on": True, "s": {"k": "v"}, "t": "=)"}],
)
def test_settings_of_a_tiler_are_read_as_they_were_written(settings: dict[str, object]) -> None:
    """Any JSON, with commas and equal signs in it."""
    text = View(digits("pixels")[1].encoder, args=settings).settings

    assert settings_from(text) == settings


def test_what_is_built_right_now_stays(tmp_path: Path) -> None:
    """A process holds the lock of the store."""
    path = stale(tmp_path)
    (found,) = wasted(tmp_path)

    with alone(path):
        assert clean.remove(found) == [path]
    assert path.exists()


def test_files_of_interrupted_writing_go_when_they_are_old(tmp_path: Path) -> None:
    """One that changed a minute ago may be somebody's."""
    folder = tmp_path / "cache" / "hospital"
    folder.mkdir(parents=True)
    old, new = folder / ".x.h5.1.tmp", folder / ".y.h5.2.tmp"
    for path in (old, new):
        path.write_bytes(b"12345")
    os.utime(old, (time.time() - 7200,) * 2)
    (found,) = wasted(tmp_path)

    assert found.frees == 10
    assert clean.remove(found) == [new]
    assert [path.name for path in folder.iterdir()] == [new.name]


def interrupted(tmp_path: Path, dataset: Dataset, view: View) -> Path:
    """Build features until the third bag is encoded, and return the journal."""

    def stop(step: object) -> None:
        if step.number == 2:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_features(
            dataset,
            view,
            data=tmp_path / "data",
            cache=tmp_path / "cache",
            making=Making(observe=stop),
        )
    (journal,) = (tmp_path / "cache" / dataset.name).glob(".*.journal")
    return journal


def test_an_interrupted_building_stays_while_it_can_go_on(tmp_path: Path) -> None:
    """It is named with what continues it; that of an older version of the data set may go."""
    dataset, view = digits("flat-pixels")
    current = interrupted(tmp_path, dataset, view)
    known = caches.Known(load_registry(), tmp_path / "data")
    (found,) = caches.examine(known, tmp_path / "cache", verify=False)
    assert (found.level, wasted(tmp_path)) == ("note", [])
    assert "milbench encode digits-bags flat-pixels" in found.next_step

    rmtree(current)
    journal = interrupted(tmp_path, replace(dataset, version="0"), view)
    (waste,) = wasted(tmp_path)
    assert waste.files == (journal,)
    assert clean.remove(waste) == []
    assert not journal.exists()


def test_rows_that_others_have_too_free_nothing(tmp_path: Path) -> None:
    """Of two versions with one file of rows the old one goes, and the rows stay for the other."""
    dataset, view = digits("flat-pixels")
    places = {"data": tmp_path / "data", "cache": tmp_path / "cache"}
    old = cached_features(replace(dataset, version="0"), view, **places)
    new = cached_features(dataset, view, **places)
    assert new.is_linked
    (waste,) = wasted(tmp_path)

    assert (waste.files, waste.frees) == ((old.path,), 0)
    assert clean.remove(waste) == []
    assert open_features(new.path).content_hash == new.content_hash


def test_rows_without_their_store_go(tmp_path: Path) -> None:
    """A store of linked rows that was removed by hand leaves the name of its rows."""
    dataset, view = digits("flat-pixels")
    places = {"data": tmp_path / "data", "cache": tmp_path / "cache"}
    cached_features(replace(dataset, version="0"), view, **places).path.rename(tmp_path / "kept")
    (tmp_path / "kept").rename(tmp_path / "cache" / "digits-bags" / "flat-pixels-0.h5")
    new = cached_features(dataset, view, **places)
    (rows,) = new.path.parent.glob("*.rows")
    new.path.unlink()

    assert (rows,) in [waste.files for waste in wasted(tmp_path)]


def test_yes_alone_is_refused(milbench: Doctor) -> None:
    """Nothing is looked at."""
    assert milbench("doctor", "--yes").returncode == 2
