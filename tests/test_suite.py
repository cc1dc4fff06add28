"""What a suite file may say, and how its faults are told."""

from pathlib import Path

import pytest

from milbench.check import argument_faults, faults
from milbench.errors import SuiteError
from milbench.registry import load_registry
from milbench.suite import load_suite
from milbench.suite_files import suite_files

GOOD = """
name = "mine"
datasets = ["digits-bags"]
[[methods]]
name = "abmil"
args = { hidden = [64], attention = 16 }
on.digits-bags.train = { lr = 1e-3 }
"""

BAD = """
name = "mine"
datasets = ["digits-bag"]
patience = 5
[splits]
repeats = "three"
fold = 5
[train]
lr = -1.0
[[methods]]
name = "abmill"
[[methods]]
name = "abmil"
args = { hiden = [64] }
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_a_right_file_has_no_faults(tmp_path):
    """A right file loads, and what it sets arrives with its type."""
    path = write(tmp_path, GOOD)

    assert faults(path, load_registry()) == []
    suite = load_suite(path)
    assert suite.methods[0].args == {"hidden": [64], "attention": 16}
    assert suite.methods[0].on["digits-bags"].train.given() == {"lr": 1e-3}


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("patience", "unknown key; did you mean 'patience'?"),
        ("splits.fold", "did you mean 'folds'?"),
        ("splits.repeats", "found 'three'"),
        ("train.lr", "greater than 0"),
        ("datasets[0]", "digits-bags"),
        ("methods[0].name", "abmil"),
        ("methods[1].args.hiden", "did you mean 'hidden'?"),
    ],
)
def test_every_fault_is_listed_at_once(tmp_path, place, says):
    """One reading names each fault with its place, what was found and the nearest right name."""
    lines = faults(write(tmp_path, BAD), load_registry())

    assert len(lines) == 7
    assert [line for line in lines if line.startswith(place) and says in line]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ('[[methods]]\nname = "abmil"\n', "appears 2 times; give each row its own label"),
        ('[report]\nreference = "clam"\n', "'clam' is no row of this suite; rows: abmil"),
        ("[splits]\nfolds = 1\n", "1 fold leaves nothing to train on"),
        ("[report]\nalpha = 1.5\n", "less than 0.5"),
    ],
)
def test_what_cannot_work_together_is_refused(tmp_path, change, says):
    """Values that are right alone and wrong together are told with the way out."""
    with pytest.raises(SuiteError, match="1 fault") as caught:
        load_suite(write(tmp_path, GOOD + change))

    assert says in str(caught.value)


def test_settings_on_a_data_set_that_is_not_in_the_suite_are_refused(tmp_path):
    """A misspelt data set in a method's overrides is no silent no-op."""
    text = GOOD.replace("on.digits-bags", "on.musk1")

    with pytest.raises(SuiteError, match="'musk1', which is no data set here"):
        load_suite(write(tmp_path, text))


def test_a_file_that_is_no_toml_names_the_line(tmp_path):
    """A syntax error is told with its line."""
    with pytest.raises(SuiteError, match=r"mine\.toml: not a TOML file: .*line 2"):
        load_suite(write(tmp_path, 'name = "mine"\ndatasets = [3 4]\n'))


def test_an_absent_file_is_told(tmp_path):
    """A path without a file ends with the way to list suites."""
    with pytest.raises(SuiteError, match="milbench list suites"):
        load_suite(tmp_path / "none.toml")


def test_a_digest_names_the_content(tmp_path):
    """Comments do not change a suite's digest; values do."""
    plain = load_suite(write(tmp_path, GOOD)).digest

    assert load_suite(write(tmp_path, "# a comment\n" + GOOD)).digest == plain
    assert load_suite(write(tmp_path, GOOD.replace("16", "32"))).digest != plain


@pytest.mark.parametrize("name", sorted(suite_files()))
def test_the_built_in_suites_have_no_faults(name):
    """Every suite that ships is right, and is called as its file is."""
    path = suite_files()[name]

    assert faults(path, load_registry()) == []
    assert load_suite(path).name == name


def test_a_constructor_that_takes_anything_has_no_argument_faults():
    """A method with ``**settings`` checks them itself."""

    class Open:
        def __init__(self, in_dim, n_classes, **settings):
            pass

    class Named:
        name = "open"

        def load(self):
            return Open

    assert argument_faults(Named(), {"anything": 1}) == []
