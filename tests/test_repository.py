"""The repository keeps its own promises: one version, one test command, small files, layers."""

import ast
import configparser
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from statistics import median

import pytest

import milbench as package

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(path for top in ("milbench", "plugins") for path in (ROOT / top).rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
MEDIAN_FUNCTION = 8


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def makefile_test_command():
    return re.search(r"^TEST = (.+)$", text("Makefile"), re.MULTILINE)[1]


def plain_forms():
    """Return the README's two lines for machines without make, as lists of commands."""
    lines = re.findall(r"^python3 -m venv .+&& .+$", text("README.md"), re.MULTILINE)
    return [line.split(" && ") for line in lines]


@cache
def tracked():
    """Return the files under version control, or skip where there is no checkout."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no checkout: which files are tracked is known to git only")
    listed = subprocess.run(
        [git, "-C", ROOT, "-c", "safe.directory=*", "ls-files", "-z"],
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(ROOT / name for name in listed.stdout.split("\0") if name)


def functions(path):
    """Yield each function of a file with its count of lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, node.end_lineno - node.lineno + 1


# Facts that stand in several places


def test_version_is_the_same_everywhere():
    """Package, metadata and citation name one version, and the changelog knows it."""
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]

    assert package.__version__ == version
    assert re.search(r"^version: (.+)$", text("CITATION.cff"), re.MULTILINE)[1] == version
    assert f"\n## [{version}]" in text("CHANGELOG.md")


def test_licence_is_the_text_of_apache_2():
    """LICENSE has the SHA-256 of https://www.apache.org/licenses/LICENSE-2.0.txt."""
    expected = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"

    assert sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == expected
    assert tomllib.loads(text("pyproject.toml"))["project"]["license"] == "Apache-2.0"
    assert "\nlicense: Apache-2.0\n" in text("CITATION.cff")


def test_pre_commit_has_the_pinned_ruff():
    """A commit is checked by the ruff that CI checks it with."""
    pinned = re.search(r"^ruff==.+$", text("constraints.txt"), re.MULTILINE)[0]

    assert set(re.findall(r"ruff==[\d.]+", text(".pre-commit-config.yaml"))) == {pinned}


# One test command


@pytest.mark.parametrize(("place", "target"), [(0, "demo"), (1, "test")])
def test_plain_form_equals_the_make_target(place, target):
    """Each line of the README does what its make target does, one command after the other."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    planned = subprocess.run(
        [make, "--always-make", "--dry-run", "--no-print-directory", "-C", ROOT, target],
        capture_output=True,
        text=True,
        check=True,
    )
    commands = [
        line
        for line in planned.stdout.splitlines()
        if not line.startswith(("python3 -c", "touch"))  # the check of Python, the stamp
    ]

    # The Makefile exports the constraints in PIP_CONSTRAINT.
    assert [part.replace("-c constraints.txt ", "") for part in plain_forms()[place]] == commands
    assert re.search(rf"^make {target}$", text("README.md"), re.MULTILINE)
    assert re.search(
        r"^export PIP_CONSTRAINT := .*/constraints.txt$", text("Makefile"), re.MULTILINE
    )


def test_readme_runs_the_tests_as_the_makefile_does():
    """The last command of the README's second line is that of ``make test``."""
    assert plain_forms()[1][-1] == f".venv/bin/python {makefile_test_command()}"


def test_ci_ends_with_the_makefile_s_test_command():
    """``.ci/run`` reads the command from the Makefile and runs it last."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    lines = text(".ci/run").strip().splitlines()
    (reads,) = [line for line in lines if line.startswith("test_command=")]
    read = subprocess.run(
        [bash, "-c", f'{reads}; printf %s "$test_command"'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert read.stdout == makefile_test_command()
    assert lines[-1] == '"$bin/python" $test_command'


def test_tox_runs_the_makefile_s_test_command():
    """Tox tests the wheel by the same command, with room for more arguments."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")

    assert tox["testenv"]["package"] == "wheel"
    assert tox["testenv"]["commands"].strip() == f"python {makefile_test_command()} {{posargs}}"


# House rules that can be counted


def test_files_and_functions_are_short():
    """No file over 400 lines, no function over 60, its docstring included."""
    counted = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert not [path for path, lines in counted.items() if lines > LONGEST_FILE]

    sizes = [(path, node.name, lines) for path in CODE for node, lines in functions(path)]
    assert not [size for size in sizes if size[2] > LONGEST_FUNCTION]
    assert median(size[2] for size in sizes) <= MEDIAN_FUNCTION


def test_every_file_says_what_it_is_for():
    """A module begins with a docstring whose first paragraph is at most two lines."""
    said = {path: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in CODE}

    assert not [path for path, words in said.items() if not words]
    first = {path: list(takewhile(bool, words.splitlines())) for path, words in said.items()}
    assert not [path for path, lines in first.items() if len(lines) > 2]


def test_no_module_is_a_drawer():
    """Names that say nothing about their content are not used."""
    assert not {path.stem for path in CODE} & {"utils", "util", "helpers", "common", "misc"}


def test_layers_hold():
    """Imports point one way, and neither side of the plugin API reaches around it."""
    pytest.importorskip("importlinter", reason="import-linter comes with milbench[dev]")
    checked = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout


# What is under version control


def test_no_tracked_file_names_a_folder_of_the_machine_it_was_written_on():
    """Absolute paths of somebody's disk help nobody else."""
    path = re.compile(rb"(?<![\w.])/(?:work|root|opt|mnt)/\w")
    found = [file.name for file in tracked() if path.search(file.read_bytes())]

    assert not found


def test_nothing_a_run_writes_is_tracked():
    """Results, tables, features and data stay out; leaderboards/ holds its README only."""
    names = [file.relative_to(ROOT).as_posix() for file in tracked()]

    assert not [name for name in names if name.startswith(("results/", "data/", "cache/"))]
    assert not [name for name in names if name.endswith((".h5", ".npz", ".pt", ".mat", ".lock"))]
    assert [name for name in names if name.startswith("leaderboards/")] == [
        "leaderboards/README.md"
    ]
