"""Features are built once, kept, and built again when their sources changed."""

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from milbench import Dataset, Encoder, LabelledBag
from milbench.errors import MissingDataError
from milbench.features import cached_features, default_cache
from milbench.view import View

ENCODER = Encoder(name="precomputed", target="nowhere:nothing", summary="as given")
PRECOMPUTED = View(ENCODER)


class Reader:
    """A small real data set: one line of numbers a bag; counts how often it is read."""

    def __init__(self) -> None:
        self.readings = 0

    def __call__(self, data: Path) -> Iterator[LabelledBag]:
        self.readings += 1
        if not (data / "lines" / "bags.txt").exists():
            raise MissingDataError("lines: no bags.txt")
        for index, line in enumerate((data / "lines" / "bags.txt").read_text().splitlines()):
            x = np.array([line.split()], dtype=np.float32)
            yield LabelledBag(id=f"{index}", label=index % 2, x=x)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data" / "lines").mkdir(parents=True)
    (tmp_path / "data" / "lines" / "bags.txt").write_text("1 2\n3 4\n")
    return tmp_path / "data"


@pytest.fixture
def dataset() -> Dataset:
    return Dataset(
        name="lines",
        target=Reader(),
        summary="two bags",
        classes=("negative", "positive"),
        files=("lines/*.txt",),
    )


def readings(dataset: Dataset) -> int:
    return dataset.load().readings


def test_features_are_built_once(dataset: Dataset, data: Path, tmp_path: Path) -> None:
    """The second call opens what the first one wrote."""
    first = cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path / "cache")
    second = cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path / "cache")

    assert readings(dataset) == 1
    assert first.path == second.path
    assert first.path.parent == tmp_path / "cache" / "lines"
    assert second.array.tolist() == [[1, 2], [3, 4]]


def test_a_changed_file_is_read_again(
    dataset: Dataset, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """New content of a file is used, and the log names the old features."""
    old = cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path)
    (data / "lines" / "bags.txt").write_text("1 2\n3 5\n")
    os.utime(data / "lines" / "bags.txt", ns=(1, 1))
    new = cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path)

    assert new.array.tolist() == [[1, 2], [3, 5]]
    assert new.content_hash != old.content_hash
    assert str(old.path) in caplog.text


def test_a_new_file_is_noticed(dataset: Dataset, data: Path, tmp_path: Path) -> None:
    """A file that appears among the data set's files makes the features stale."""
    cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path)
    (data / "lines" / "more.txt").write_text("")
    cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path)

    assert readings(dataset) == 2


@pytest.mark.parametrize(
    "change", [{"version": "2"}, {"classes": ("positive", "negative")}, {"name": "other"}]
)
def test_a_changed_data_set_is_read_again(
    dataset: Dataset, data: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    """A new version, new classes or another name do not use the old features."""
    cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path)
    cached_features(replace(dataset, **change), PRECOMPUTED, data=data, cache=tmp_path)

    assert readings(dataset) == 2


def test_a_new_version_of_the_encoder_is_noticed(
    dataset: Dataset, data: Path, tmp_path: Path
) -> None:
    """The encoder's version is a source of the features."""
    cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path)
    cached_features(dataset, View(replace(ENCODER, version="2")), data=data, cache=tmp_path)

    assert readings(dataset) == 2


def test_two_plugins_never_share_features(dataset: Dataset, data: Path, tmp_path: Path) -> None:
    """Data sets of one name from two places of code are told apart."""

    class OtherReader(Reader):
        pass

    other = replace(dataset, target=OtherReader())
    cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path)
    cached_features(other, PRECOMPUTED, data=data, cache=tmp_path)

    assert readings(other) == 1


def test_damaged_features_are_built_again(
    dataset: Dataset, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A truncated file is replaced with a warning that names it, and never used."""
    path = cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path).path
    path.write_bytes(path.read_bytes()[:-100])
    again = cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path)

    assert readings(dataset) == 2
    assert again.array.tolist() == [[1, 2], [3, 4]]
    assert caplog.records[0].levelno == logging.WARNING
    assert f"{path}: truncated" in caplog.text


def test_features_under_a_wrong_name_are_not_used(
    dataset: Dataset, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A whole file that was built from other sources is replaced."""
    first = cached_features(dataset, PRECOMPUTED, data=data, cache=tmp_path)
    second = cached_features(replace(dataset, version="2"), PRECOMPUTED, data=data, cache=tmp_path)
    second.path.write_bytes(first.path.read_bytes())
    cached_features(replace(dataset, version="2"), PRECOMPUTED, data=data, cache=tmp_path)

    assert readings(dataset) == 3
    assert f"{second.path}: built from other sources" in caplog.text


def test_missing_files_leave_nothing(dataset: Dataset, tmp_path: Path) -> None:
    """A data set whose files are absent is skipped with its own reason."""
    with pytest.raises(MissingDataError, match=r"no bags\.txt"):
        cached_features(dataset, PRECOMPUTED, data=tmp_path / "none", cache=tmp_path / "cache")

    assert list((tmp_path / "cache").rglob("*.*")) == []


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """MILBENCH_CACHE goes before XDG_CACHE_HOME, which goes before ~/.cache."""
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("MILBENCH_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_cache() == Path("/home/someone/.cache/milbench")

    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert default_cache() == Path("/xdg/milbench")

    monkeypatch.setenv("MILBENCH_CACHE", "~/kept")
    assert default_cache() == Path("/home/someone/kept")
