"""What the README and the tutorial show works as it stands there."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from milbench.check import faults
from milbench.cli import COMMANDS
from milbench.metrics import METRICS
from milbench.registry import load_registry
from milbench.stats.codes import MEANINGS
from milbench.suite import Method, Protocol, Report, Splits, Suite, Train, Tune
from milbench.suite_files import suite_files

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
STATISTICS = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
PAGES = sorted(
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "benchmarks/*.md",
        "leaderboards/*.md",
        "examples/**/*.md",
    )
    for path in ROOT.glob(pattern)
)
# One epoch shows that a suite works as well as twenty do.
QUICK = "[train]\nepochs = 1\npatience = 0\n"


def file_in(page, name):
    """Return the code block that follows the bold name of a file."""
    return re.search(rf"\*\*`{name}`\*\*[^`]*```\w+\n(.*?)```", page, re.DOTALL)[1]


def first_column(page, heading):
    """Return the names in the first column of the tables of a section, without their arguments."""
    section = page.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    return re.findall(r"^\| `(?:milbench )?([\w-]+)[^`]*` \|", section, re.MULTILINE)


def entry_points(page):
    """Return the lines of the plugin's pyproject that name its entry points."""
    found = file_in(page, "pyproject.toml").partition('[project.entry-points."milbench.v1"]\n')[2]
    return tuple(found.replace('"', "").split("\n")[:1])


@pytest.fixture
def run(milbench, tmp_path):
    """Return a function that runs a suite's text below ``tmp_path`` and returns its leaderboard."""

    def run_suite(suite, *options):
        file = tmp_path / "suite.toml"
        file.write_text(suite, encoding="utf-8")
        folders = [f"--{name}={tmp_path / name}" for name in ("results", "leaderboards", "cache")]
        done = milbench("run", "--suite", str(file), *folders, "--repeats=1", *options)
        assert done.returncode == 0, done.stderr
        (made,) = tmp_path.glob("leaderboards/*/leaderboard.json")
        return json.loads(made.read_text(encoding="utf-8"))

    return run_suite


def methods_of(leaderboard):
    """Return the methods of the only table, each with its count of finished runs."""
    (section,) = leaderboard["sections"]
    return {row["method"]: row["runs"]["done"] for row in section["rows"]}


def test_method_of_the_readme_reaches_a_leaderboard(install, run):
    """The two files, installed, and the suite beside them end in a table with the method."""
    install("my-mean", file_in(README, "my_mean.py"), entries=entry_points(README))
    suite = file_in(README, "mine.toml").replace("[report]", f"{QUICK}\n[report]")

    assert methods_of(run(suite)) == {"mean": 5, "my-mean": 5}


def test_suite_of_the_tutorial_has_no_faults(tmp_path):
    """The check behind ``milbench validate`` agrees with what the tutorial lets a user write."""
    file = tmp_path / "mine.toml"
    file.write_text(file_in(TUTORIAL, "mine.toml"), encoding="utf-8")

    assert faults(file, load_registry()) == []


def test_method_and_data_of_the_tutorial_reach_a_leaderboard(install, run, tmp_path):
    """Features in .npy files and labels in a CSV are read, and the method with its setting runs."""
    install("my-mil", file_in(TUTORIAL, "my_mil.py"), entries=entry_points(TUTORIAL))
    install("my-data", file_in(TUTORIAL, "my_data.py"), entries=("data = my_data",))
    write_clinic(tmp_path / "data" / "clinic")
    suite = (
        f'name = "clinic"\ndatasets = ["clinic"]\n{QUICK}[[methods]]\nname = "bag-size"\n'
        '[[methods]]\nname = "top-k"\nargs = { k = 2 }\n'
    )

    assert methods_of(run(suite, f"--data={tmp_path / 'data'}")) == {"bag-size": 5, "top-k": 5}


def write_clinic(folder):
    """Write 40 slides of 20 patients in the layout that the tutorial supposes."""
    rng = np.random.default_rng(0)
    folder.joinpath("features").mkdir(parents=True)
    rows = ["slide,patient,label"]
    for slide in range(40):
        patient = slide // 2
        rows.append(f"s{slide},p{patient},{patient % 2}")
        features = rng.normal(size=(3 + slide % 3, 5))
        np.save(folder / "features" / f"s{slide}.npy", features)
    folder.joinpath("labels.csv").write_text("\n".join(rows), encoding="utf-8")


def test_readme_lists_every_suite_and_every_command():
    """The tables of the README are complete and name nothing that does not exist."""
    assert sorted(first_column(README, "## Suites")) == sorted(suite_files())
    assert sorted(first_column(README, "## Commands")) == sorted(COMMANDS)


def test_statistics_page_lists_every_metric_and_every_code():
    """No number and no code reaches a table without its definition."""
    metrics = STATISTICS.partition("\n## The value\n")[2].partition("\n## ")[0]

    assert set(METRICS) <= set(re.findall(r"`([\w-]+)`", metrics))
    assert sorted(first_column(STATISTICS, "## Codes")) == sorted(MEANINGS)


def test_readme_fits_two_hundred_lines():
    """A first page is read only when it is short."""
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Every relative link of a page is a file or folder of the repository."""
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    relative = [link for link in links if "://" not in link]

    assert [link for link in relative if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("section", [Suite, Splits, Protocol, Train, Tune, Report, Method])
def test_every_key_of_a_suite_is_explained(section):
    """The page on suites has each key of each table of a suite file."""
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \|", page.partition("may say\n")[2], re.MULTILINE)
    explained = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    tables = {"splits", "protocol", "train", "report", "methods"}

    assert set(section.model_fields) <= explained | tables
