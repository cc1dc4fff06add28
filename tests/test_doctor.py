"""``milbench doctor`` finds what is missing, stale or damaged, and says what to type."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from milbench import LabelledBag
from milbench.doctor import caches, disk, own, packages, results
from milbench.doctor.finding import Finding, in_bytes
from milbench.features import About, cached_features, write_features
from milbench.records import Dataset, Encoder
from milbench.registry import load_registry
from milbench.suite import load_suite
from milbench.view import View, wanted

PLUGIN = """
from milbench import Dataset, DatasetError, LabelledBag, MissingDataError, hookimpl

def read(data):
    names = sorted(path.name for path in (data / "clinic").iterdir())
    if "labels.csv" not in names:
        raise MissingDataError("clinic: labels.csv is missing")
    if "wrong.csv" in names:
        raise DatasetError("clinic: wrong.csv, line 3: no number")
    yield LabelledBag(id="a", label=0, x=[[0.0]])

@hookimpl
def milbench_datasets():
    yield Dataset(name="clinic", target=read, summary="s", classes=("no", "yes"),
                  files=("clinic/*.csv",), how_to_get="ask the clinic")
"""
Doctor = Callable[..., CompletedProcess[str]]


def toy_bags() -> Iterator[LabelledBag]:
    for index in range(4):
        yield LabelledBag(id=f"{index}", label=index % 2, x=np.full((2, 3), index, np.float32))


def only(found: Iterator[Finding]) -> Finding:
    (one,) = found
    return one


# Versions


@pytest.mark.parametrize(
    ("version", "limits", "expected"),
    [
        # After PEP 440, https://peps.python.org/pep-0440/#version-specifiers
        ("2.13.0+cpu", ">=2.4", True),
        ("2.3.9", ">=2.4", False),
        ("2.4", ">=2.4.0", True),
        ("2.13.0", "==2.13.0", True),
        ("2.13.0+cu130", "==2.13.0", True),
        ("2.14.1", "==2.13.0", False),
        ("2.13.5", "==2.13.*", True),
        ("3.0", ">=2.4,<3", False),
        ("2.9", "!=2.9", False),
        ("1.4.5", "~=1.4.2", True),
        ("1.5.0", "~=1.4.2", False),
        ("10.0", ">9", True),
        ("2.0", "<=2", True),
        ("1.0", "", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, limits: str, expected: bool) -> None:
    """1.10 is later than 1.9, and a build's mark does not count."""
    assert packages.fits(version, limits) is expected


def test_requirements_are_those_of_the_metadata() -> None:
    """At least 2.4 of torch is required, and pooch by the extra data."""
    wanted = {(one.name, one.extra): one.limits for one in packages.requirements("milbench")}

    assert wanted["torch", ""] == ">=2.4"
    assert wanted["pooch", "data"] == ">=1.8"


def test_what_is_installed_here_is_in_order() -> None:
    """The tests run with everything that is required."""
    assert not [one for one in packages.examine() if one.level == "broken"]


def test_versions_beside_the_tested_ones_are_noted(tmp_path: Path) -> None:
    """A pin that is not kept is a note: it may work all the same."""
    path = tmp_path / "constraints.txt"
    path.write_text("numpy==0.1  # old\nabsent-package==1.0\n", encoding="utf-8")
    found = only(packages._pins(path))

    assert (found.level, found.name) == ("note", "constraints.txt")
    assert found.text == f"numpy {np.__version__}, tested with 0.1"


# Data sets, on the command line


def clinic(milbench: Doctor, folder: Path) -> tuple[int, dict[str, str]]:
    """Return the exit status and what is said of the plugin's data set."""
    places = ("--cache", folder / "cache", "--results", folder / "results")
    done = milbench("doctor", "--format", "json", "--data", str(folder), *map(str, places))
    found = json.loads(done.stdout)
    (one,) = [finding for finding in found if finding["name"] == "clinic"]
    return done.returncode, one


def test_a_data_set_is_absent_incomplete_broken_or_found(
    install: Callable[..., str], milbench: Doctor, tmp_path: Path
) -> None:
    """Only what is broken ends with status 1; each has its next step."""
    install("milbench-clinic", PLUGIN)
    status, found = clinic(milbench, tmp_path)
    assert (status, found["level"], found["next_step"]) == (0, "note", "ask the clinic")
    assert found["text"].startswith("absent from")

    (tmp_path / "clinic").mkdir()
    (tmp_path / "clinic" / "other.csv").write_text("1")
    status, found = clinic(milbench, tmp_path)
    assert (status, found["text"]) == (0, "incomplete: labels.csv is missing")

    (tmp_path / "clinic" / "labels.csv").write_text("1")
    status, found = clinic(milbench, tmp_path)
    assert (status, found["level"], found["text"]) == (0, "ok", "2 files, 2 bytes")

    (tmp_path / "clinic" / "wrong.csv").write_text("1")
    status, found = clinic(milbench, tmp_path)
    assert (status, found["level"]) == (1, "broken")
    assert "wrong.csv, line 3" in found["text"]


def test_a_broken_plugin_is_broken(
    install: Callable[..., str], milbench: Doctor, tmp_path: Path
) -> None:
    """It ends with status 1 and the command that shows the traceback."""
    install("milbench-bad", "raise RuntimeError('no')")
    done = milbench("doctor", "--data", str(tmp_path), "--cache", str(tmp_path))

    assert done.returncode == 1
    assert "milbench plugins -v" in done.stdout


# Caches


def examined(cache: Path, *, verify: bool = False) -> Finding:
    known = caches.Known(load_registry(), cache / "data")
    return only(caches.examine(known, cache, verify=verify))


def test_features_that_are_current_are_in_order(tmp_path: Path) -> None:
    """As a run would find them."""
    registry = load_registry()
    dataset = registry.record(Dataset, "digits-bags")
    view = View(registry.record(Encoder, dataset.encoder))
    cached_features(dataset, view, data=tmp_path / "data", cache=tmp_path)

    assert examined(tmp_path).level == "ok"


def test_features_of_another_version_are_stale(tmp_path: Path) -> None:
    """They are not used, and may go."""
    about = About(dataset="digits-bags", classes=("no", "yes"), fingerprint="old")
    write_features(tmp_path / "digits-bags" / "x.h5", toy_bags(), encode=None, about=about)
    found = examined(tmp_path)

    assert found.level == "note"
    assert "stale: files, version or code" in found.text


def test_features_of_an_unknown_data_set_are_not_called_stale(tmp_path: Path) -> None:
    """They may be a user's own."""
    about = About(dataset="hospital", classes=("no", "yes"), fingerprint="x")
    write_features(tmp_path / "hospital" / "x.h5", toy_bags(), encode=None, about=about)

    assert "no data set of a plugin: a user's own?" in examined(tmp_path).text


def test_damaged_features_are_broken(tmp_path: Path) -> None:
    """Truncated ones are seen from outside; a changed value only where everything is read."""
    path = tmp_path / "hospital" / "x.h5"
    about = About(dataset="hospital", classes=("no", "yes"), fingerprint="x")
    features = write_features(path, toy_bags(), encode=None, about=about)
    start = features.array.offset  # type: ignore[attr-defined]  # of the memory map
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\x42")
    assert examined(tmp_path).level == "note"
    found = examined(tmp_path, verify=True)
    assert (found.level, found.next_step) == ("broken", f"delete it and run again: rm {path}")

    path.write_bytes(path.read_bytes()[:-100])
    assert examined(tmp_path).level == "broken"


def test_leftovers_of_interrupted_writing_are_told(tmp_path: Path) -> None:
    """A killed process leaves a temporary name."""
    (tmp_path / "hospital").mkdir()
    (tmp_path / "hospital" / ".x.h5.1.tmp").write_bytes(b"12345")

    assert "1 files of interrupted writing, 5 bytes" in examined(tmp_path).text


# A user's own data

SUITE = """
name = "mine"
[[dataset]]
name = "mine"
bags = "bags.csv"
features = "features"
[[methods]]
name = "prior"
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Write a suite with its own data set of four slides, as ``run --bags`` leaves it."""
    folder = tmp_path / "results" / "mine"
    (folder / "features").mkdir(parents=True)
    rows = ["slide_id,patient_id,label"]
    for bag in toy_bags():
        np.save(folder / "features" / f"{bag.id}.npy", bag.x)
        rows.append(f"{bag.id},p{bag.id},{'yes' if bag.label else 'no'}")
    (folder / "bags.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "suite.toml").write_text(SUITE, encoding="utf-8")
    return folder


def looked_at(folder: Path) -> tuple[Finding, Finding | None]:
    """Return what is found of the own data set, and of its features where there are any."""
    results, cache = folder.parent, folder.parent.parent / "cache"
    suites = own.own_suites(load_registry(), results, cache)
    known = caches.Known(load_registry(), folder / "data", suites)
    kept = list(caches.examine(known, cache, verify=False))
    return only(own.examine(suites, folder / "data")), kept[0] if kept else None


def test_own_data_and_their_features_are_known(mine: Path) -> None:
    """Features are current; of a changed table they are stale; files that are gone are told."""
    (suite,) = own.own_suites(load_registry(), mine.parent, mine.parent.parent / "cache")
    (ground,) = wanted(load_suite(suite.path), suite.registry)
    cached_features(*ground, data=mine / "data", cache=mine.parent.parent / "cache")
    found, kept = looked_at(mine)
    assert kept is not None
    assert (found.level, kept.level) == ("ok", "ok")

    text = (mine / "bags.csv").read_text(encoding="utf-8")
    (mine / "bags.csv").write_text(text.replace("p3", "p9"), encoding="utf-8")
    _, kept = looked_at(mine)
    assert kept is not None
    assert "stale" in kept.text

    shutil.rmtree(mine / "features")
    found, _ = looked_at(mine)
    assert found.level in ("note", "broken")
    assert "suite.toml" in found.next_step


def test_a_broken_suite_of_own_data_is_broken(mine: Path) -> None:
    """The step shows all its faults."""
    (mine / "suite.toml").write_text(SUITE + "no = 1\n", encoding="utf-8")
    (suite,) = own.own_suites(load_registry(), mine.parent, mine)
    found = only(own.examine([suite], mine))

    assert found.level == "broken"
    assert found.next_step == f"see: milbench validate {mine / 'suite.toml'}"


# Results and disk


def test_damaged_results_are_broken(tmp_path: Path) -> None:
    """A record ends as it was written; the step deletes the damaged one."""
    folder = tmp_path / "classic" / "runs" / "musk1" / "abmil"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text('{"status":"done"}\n')
    assert only(results.examine(tmp_path, verify=False)).level == "ok"
    (folder / "b.json").write_text('{"status":"do')
    found = only(results.examine(tmp_path, verify=False))

    assert found.level == "broken"
    assert "2 runs" in found.text
    assert f"rm {folder / 'b.json'}" in found.next_step


def test_reading_all_results_finds_what_is_no_record(tmp_path: Path) -> None:
    """A file that ends well may still be another thing."""
    folder = tmp_path / "classic" / "runs"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text('{"status":"done"}\n')

    assert only(results.examine(tmp_path, verify=True)).level == "broken"


def test_a_file_where_a_folder_should_be_is_broken(tmp_path: Path) -> None:
    """And a folder that is not made yet is not."""
    (tmp_path / "cache").write_text("")
    found = list(disk.examine({"cache": tmp_path / "cache", "results": tmp_path / "new" / "er"}))

    assert [one.level for one in found] == ["broken", "ok"]
    assert "not made yet" in found[1].text


@pytest.mark.parametrize(
    ("size", "text"),
    [(999, "999 bytes"), (1000, "1 kB"), (1_500_000, "1.5 MB"), (73_900_000_000, "73.9 GB")],
)
def test_sizes_are_in_powers_of_ten(size: int, text: str) -> None:
    """As disks are sold."""
    assert in_bytes(size) == text
