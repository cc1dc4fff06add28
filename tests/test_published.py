"""Published numbers: each has a source, and none is shown without how far to trust it."""

import csv
import json
from dataclasses import replace
from statistics import mean, stdev

import pytest

from milbench.cli import main
from milbench.cli.reproduce import _reproduced
from milbench.errors import TraceError
from milbench.leaderboard import build
from milbench.metrics import METRICS
from milbench.published import Published, read_published, short_citation
from milbench.registry import load_registry
from milbench.report import render, reproduced
from milbench.reproduce import find_published, ours_of, why_no_cell
from milbench.run import board_of
from milbench.store import Store
from milbench.suite import load_suite
from milbench.suite_files import suite_files

ENTRIES = read_published()


def test_every_entry_has_a_source_and_a_metric_that_is_known():
    """A citation with a link, where it was read, and a value between 0 and 1."""
    assert len(ENTRIES) > 40
    for entry in ENTRIES:
        assert "http" in entry.paper
        assert entry.seen
        assert entry.metric in METRICS
        assert 0.4 < entry.value <= 1


def test_what_was_not_looked_up_is_marked():
    """An entry from memory is called unverified, one that chose on test bags is called so."""
    for entry in ENTRIES:
        assert (entry.source == "memory") == ("unverified" in entry.caution)
        assert (entry.protocol == "oracle") == ("protocol oracle" in entry.caution)


def test_a_named_suite_has_the_cell():
    """Where an entry names a suite, method and data set are in it."""
    registry, files = load_registry(), suite_files()
    suites = {entry.suite for entry in ENTRIES if entry.suite}
    loaded = {name: load_suite(files[name]) for name in suites}
    for entry in ENTRIES:
        if entry.suite:
            assert why_no_cell(entry, loaded[entry.suite], registry) == ""
    assert "classic" in suites


@pytest.mark.data
def test_hipt_entries_are_the_means_of_its_result_files(data_dir):
    """Recomputed from the authors' files: mean and SD of the ten folds, to the printed digits."""
    file = data_dir / "anchors" / "hipt_per_fold.csv"
    if not file.is_file():
        pytest.skip(f"no published results: {file} is not there")
    models = {"abmil": "mil", "clam-sb": "clam_sb", "dsmil": "dsmil"}
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    entries = [entry for entry in ENTRIES if entry.name.endswith("-by-hipt")]
    assert len(entries) == 9
    for entry in entries:
        task = entry.dataset.replace("-", "_")
        wanted = ("results_cvpr2022_class", task, models[entry.method], "1.00")
        folds = [
            float(row["test_auc"])
            for row in rows
            if (row["set"], row["task"], row["model"], row["train_fraction"]) == wanted
        ]
        assert len(folds) == 10
        assert entry.value == pytest.approx(mean(folds), abs=6e-4)
        assert entry.spread == pytest.approx(stdev(folds), abs=6e-4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[work]]\nresults = [{ name = 'a' }]", "protocol is one of clean, oracle, unknown"),
        ("nothing = 1", "'work'"),
        ("[[work]", "published.toml"),
        (
            "[[work]]\nprotocol='clean'\nsource='primary'\ntypo=1\nresults=[{name='a'}]",
            "a: unknown key 'typo'",
        ),
        ("[[work]]\nprotocol='clean'\nsource='primary'\nresults=[{name='a'}]", "missing"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, text, says):
    """The file, the entry and the fault."""
    path = tmp_path / "published.toml"
    path.write_text(text)
    with pytest.raises(TraceError, match=r"published\.toml") as raised:
        read_published(path)
    assert says in str(raised.value)


def test_a_name_stands_for_one_entry(tmp_path):
    """Two of one name could not be told apart on the command line."""
    path = tmp_path / "published.toml"
    entry = "{name='a',dataset='d',method='m',metric='auroc',value=0.5}"
    path.write_text(
        "[[work]]\nprotocol='clean'\nsource='primary'\npaper='p'\nseen='s'\n"
        f"results=[{entry}, {entry}]"
    )
    with pytest.raises(TraceError, match="'a' appears 2 times"):
        read_published(path)


@pytest.mark.parametrize(
    ("paper", "short"),
    [
        ("Ilse, Tomczak and Welling, Attention, ICML 2018, https://arxiv.org/abs/1", "Ilse 2018"),
        ("no paper; https://github.com/a/b (2022)", "github.com 2022"),
        ("Nobody knows when", "Nobody"),
    ],
)
def test_short_citations(paper, short):
    """First author and year; the site where there is no paper."""
    assert short_citation(paper) == short


SUITE = """
name = "beside"
datasets = ["digits-bags"]
splits = { repeats = 1, folds = 3, validation = 0 }
report = { draws = 200 }
methods = [{ name = "prior" }, { name = "bag-size" }]
"""
THEIRS = Published(
    name="prior-digits",
    dataset="digits-bags",
    method="prior",
    metric="accuracy",
    value=0.75,
    spread=0.02,
    spread_kind="SD between folds",
    paper="Doe, A paper, 2001, https://example.org",
    protocol="oracle",
    source="memory",
    seen="the table",
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return the suite and the store of a real run of two controls."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / "beside.toml").write_text(SUITE)
    assert (
        main(
            ["run", "--suite", f"{folder}/beside.toml", "--executor", "inline", "--device", "cpu",
             "--cache", f"{folder}/cache", "--results", f"{folder}/results",
             "--leaderboards", f"{folder}/tables", "--data", f"{folder}/none"]
        )
        == 0
    )  # fmt: skip
    return load_suite(folder / "beside.toml"), Store(folder / "results" / "beside"), folder


def test_a_published_number_stands_beside_ours(stored):
    """With its source in one line below the table, and in the JSON; the metric is computed for it.

    The prior decides for one of two classes of equal size: half of all bags are right.
    """
    suite, store, _ = stored
    board = replace(board_of(suite, load_registry(), store), published=(THEIRS,))
    made = build(board, store.read_all())

    ours = made.published[0]
    assert (ours.entry, ours.value) == (THEIRS, 0.5)
    said = (
        "prior-digits, Accuracy 0.75 (+- 0.02, SD between folds) "
        "[Doe 2001, protocol oracle, unverified], here 0.500"
    )
    for form in ("terminal", "markdown"):
        assert said in render(made, form).replace("\\", "")
    assert json.loads(render(made, "json"))["published"][0]["value"] == 0.5
    assert "accuracy" not in made.sections[0].secondary


def test_ours_is_the_number_of_the_leaderboard(stored):
    """From the same records, whatever the other methods are."""
    suite, store, _ = stored
    board = board_of(suite, load_registry(), store)
    ours = ours_of(THEIRS, board, store.read_all())

    assert ours.score.value == 0.5
    assert (ours.row.runs.done, ours.row.runs.planned) == (3, 3)
    assert ours_of(THEIRS, board, []) is None


def ask(capsys, *arguments):
    status = main(["reproduce", *arguments])
    return status, capsys.readouterr()


def test_reproduce_without_data_says_what_is_missing(tmp_path, capsys):
    """Theirs is printed with its source, and how to get the data."""
    folders = [f"--{name}={tmp_path / name}" for name in ("data", "results", "cache")]
    status, said = ask(capsys, "abmil-musk1", *folders)

    assert status == 0
    assert "0.892" in said.out
    assert "from memory, unverified" in said.out
    assert "milbench fetch musk1" in said.out
    assert "ours " not in said.out


def test_reproduce_of_what_no_suite_has_says_so(capsys):
    """The protocols and where it was read are printed all the same."""
    status, said = ask(capsys, "transmil-camelyon16")

    assert status == 0
    assert "no suite is named for it" in said.out
    assert "it is not known whether anything was chosen on the reported bags" in said.out


def test_reproduce_runs_the_cell_of_a_suite(stored, tmp_path):
    """One method on one data set is trained, no other; ours, theirs, the difference follow."""
    suite, _, folder = stored
    places = {"results": tmp_path, "cache": folder / "cache", "data": folder / "none"}
    options = {**places, "repeats": None, "device": "cpu"}

    found, failed = _reproduced(THEIRS, suite, load_registry(), {**options, "stored": False})

    assert (failed, found.missing) == (0, "")
    assert {record["method"] for record in Store(tmp_path / "beside").records()} == {"prior"}
    assert found.difference == pytest.approx(0.5 - 0.75)
    lines = dict(reproduced.lines(found))
    assert lines["ours"] == "0.500; SD 0.000 between folds; runs 3/3"
    assert lines["ours - theirs"].startswith("-0.250; no test")
    assert lines["their protocol"].startswith("oracle: something was chosen")
    again, _ = _reproduced(THEIRS, suite, load_registry(), {**options, "stored": True})
    assert again == found


def test_a_wrong_name_ends_with_the_nearest(capsys):
    """Status 2, one message."""
    status, said = ask(capsys, "abmil-musk3")
    assert status == 2
    assert "abmil-musk1" in said.err
    with pytest.raises(TraceError, match="milbench list published"):
        find_published("nothing like it")


def test_they_are_listed(milbench):
    """Each with its protocol and source; published.toml is no suite."""
    listed = json.loads(milbench("list", "published", "--json").stdout)
    assert [entry["name"] for entry in listed] == [entry.name for entry in ENTRIES]
    assert "oracle" in milbench("list", "published").stdout
    assert "published" not in suite_files()
