"""What a suite file may say, and how its faults are told."""

from pathlib import Path

import pytest

from milbench.check import argument_faults, faults
from milbench.errors import SuiteError
from milbench.jobs import rows, untuned
from milbench.registry import Registry, load_registry
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
        ("[train]\ntune = { trials = 1 }\n", "1 trial is the published setting alone"),
        ("[train]\ntune = { trials = -2 }\n", "train.tune.trials: input should be greater than"),
        ("[train]\ntune = 5\n", "train.tune: input should be an object; found 5"),
        ("[train]\ntune = {}\n", "train.tune.trials: is missing"),
        ("[train]\ntune = { trials = 2 }\n[splits]\nvalidation = 0.0\n", "nothing is chosen"),
        ('[report]\nreference = "abmil (tuned)"\n', "is no row of this suite; rows: abmil"),
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


def test_suites_from_before_given_splits_keep_their_digest(tmp_path):
    """What a suite could not say then is no part of its name as long as it does not say it."""
    suite = load_suite(write(tmp_path, 'name = "s"\ndatasets = ["a"]\n[[methods]]\nname = "b"\n'))

    assert suite.digest == "c7a019caddb8a114"  # of the code before


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


@pytest.mark.parametrize(
    ("metric", "says"),
    [("aurok", "no metric 'aurok'; there are: auroc"), ("consistency", "looks at two levels")],
)
def test_a_metric_that_cannot_be_shown_is_a_fault(metric, says, tmp_path):
    """Told before anything is trained, not when the table is made."""
    path = tmp_path / "one.toml"
    path.write_text(
        'name = "one"\ndatasets = ["digits-bags"]\n[report]\n'
        f'metrics = ["accuracy", "{metric}"]\n[[methods]]\nname = "mean"\n'
    )

    (fault,) = faults(path, load_registry())

    assert fault.startswith("report.metrics[1]: ")
    assert says in fault


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


TUNED = """
name = "mine"
datasets = ["digits-bags"]
[train]
tune = { trials = 8 }
[report]
reference = "abmil (tuned)"
[[methods]]
name = "abmil"
[[methods]]
name = "mean"
train = { tune = { trials = 3 }, lr = 1e-2 }
[[methods]]
name = "max"
train = { tune = { trials = 0 } }
[[methods]]
name = "prior"
"""


def test_a_method_s_budget_overrides_that_of_the_suite(tmp_path):
    """The nearer one wins, 0 is no tuned row, and a budget is no field of a recipe."""
    suite = load_suite(write(tmp_path, TUNED))

    assert [suite.trials(method) for method in suite.methods] == [8, 3, 0, 8]
    assert suite.methods[1].train.given() == {"lr": 1e-2}
    assert suite.train.given() == {}


def test_rows_are_the_published_ones_and_those_that_can_be_tuned(tmp_path):
    """A control that fits itself keeps its one row and says why; others have two."""
    suite, registry = load_suite(write(tmp_path, TUNED)), load_registry()

    assert [(row.label, row.trials) for row in rows(suite, registry)] == [
        ("abmil", 0),
        ("abmil (tuned)", 8),
        ("mean", 0),
        ("mean (tuned)", 3),
        ("max", 0),
        ("prior", 0),
    ]
    assert untuned(suite, registry) == {"prior": "it declares nothing to tune"}
    assert faults(tmp_path / "mine.toml", registry) == []


def test_a_budget_on_one_data_set_is_refused(tmp_path):
    """A row has one budget, so that its mean rank is not a mixture."""
    text = GOOD.replace("{ lr = 1e-3 }", "{ tune = { trials = 4 } }")

    with pytest.raises(SuiteError, match="has a tuning budget on 'digits-bags'; a row has one"):
        load_suite(write(tmp_path, text))


def test_a_tuned_reference_that_is_no_row_is_told(tmp_path):
    """A method that has no tuned row cannot be the reference by it."""
    path = write(tmp_path, TUNED.replace('"abmil (tuned)"', '"prior (tuned)"'))

    assert faults(path, load_registry()) == [
        "report.reference: there is no row 'prior (tuned)': it declares nothing to tune"
    ]


MISSPELT = """
from milbench import Aggregator, Uniform, hookimpl

class Model:
    def __init__(self, in_dim, n_classes, dropout=0.5):
        pass

@hookimpl
def milbench_aggregators():
    yield Aggregator(name="net", target=Model, summary="-", search={"dropuot": Uniform(0, 1)})
"""


@pytest.mark.parametrize("trials", [4, 0])
def test_a_wrong_search_space_is_a_fault_where_it_is_used(
    install, site, monkeypatch, tmp_path, trials
):
    """A misspelt key of a plugin stops a suite that tunes the method, and no other."""
    install("milbench-misspelt", MISSPELT)
    monkeypatch.syspath_prepend(site)
    text = f'name = "mine"\ndatasets = ["digits-bags"]\n[train]\ntune = {{ trials = {trials} }}\n'
    path = write(tmp_path, text + '[[methods]]\nname = "net"\n')

    found = faults(path, Registry())

    assert len(found) == (trials > 0)
    assert all("search.dropuot: no setting of net; did you mean 'dropout'?" in f for f in found)
