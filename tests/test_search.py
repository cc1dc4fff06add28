"""Spaces and the trials drawn from them: bounds, values, names, and how evenly they lie."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milbench import Aggregator, Choice, LogUniform, Recipe, Uniform
from milbench.check import search_faults
from milbench.errors import PluginError
from milbench.search import default_search, draw, search_of, why_untuned

shares = st.floats(0.0, 1.0, exclude_max=True)


class Network:
    def __init__(self, in_dim, n_classes, dropout=0.5, momentum=0.1):
        pass


class Estimator:
    def __init__(self, in_dim, n_classes, trees=10):
        pass

    def fit(self, train, valid, context):
        pass


def record(target=Network, **fields):
    return Aggregator(name="net", target=target, summary="-", **fields)


@pytest.mark.parametrize(
    ("space", "share", "value"),
    [
        (Uniform(2.0, 6.0), 0.25, 3.0),
        (LogUniform(1e-4, 1e-2), 0.5, 1e-3),
        (LogUniform(1.0, 16.0), 0.25, 2.0),
        (Choice(("a", "b", "c")), 0.34, "b"),
        (Choice(((64,), (128,))), 0.99, (128,)),
    ],
)
def test_a_space_has_a_value_at_each_share(space, share, value):
    """A quarter of the way from 2 to 6 is 3; half way from 1e-4 to 1e-2 in logarithms is 1e-3."""
    assert space.at(share) == value


@given(low=st.floats(1e-9, 1e3), factor=st.floats(1.001, 1e6), share=shares)
def test_no_number_lies_outside_its_bounds(low, factor, share):
    """Rounding to four figures never leaves the space."""
    high = low * factor

    assert low <= LogUniform(low, high).at(share) <= high
    assert -low <= Uniform(-low, high).at(share) <= high


@given(st.lists(st.integers(), min_size=1), shares)
def test_a_choice_gives_one_of_its_values(values, share):
    """Every share below 1 has a value."""
    assert Choice(tuple(values)).at(share) in values


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: LogUniform(0.0, 1.0), "positive finite bounds"),
        (lambda: LogUniform(1e-2, 1e-4), "low below high"),
        (lambda: LogUniform(1.0, math.inf), "finite"),
        (lambda: Uniform(1.0, 1.0), "low below high"),
        (lambda: Uniform(math.nan, 1.0), "finite bounds"),
        (lambda: Choice(()), "one or more values"),
        (lambda: Choice([1, 2]), "expected a tuple"),
        (lambda: record(search={"lr": (1e-4, 1e-3)}), "net: search.lr is"),
    ],
)
def test_a_space_that_holds_nothing_is_refused(make, says):
    """Bounds that do not ascend and empty choices are told when the record is made."""
    with pytest.raises(PluginError, match=says):
        make()


def test_the_first_trial_is_the_published_setting():
    """It changes nothing, so the tuned row can fall back on what the authors chose."""
    trials = draw({"lr": LogUniform(1e-4, 1e-2)}, 4, "musk1", "milbench/abmil").trials

    assert len(trials) == 4
    assert trials[0] == {}
    assert all(set(trial) == {"lr"} for trial in trials[1:])


def test_a_larger_budget_begins_with_the_trials_of_a_smaller_one():
    """A trial follows from its number, not from how many there are."""
    search = default_search(Recipe())

    few, many = (draw(search, count, "musk1", "milbench/abmil").trials for count in (5, 12))

    assert many[:5] == few


def test_trials_follow_from_names():
    """Another data set or method tries other points; the order of the keys changes nothing."""
    search = {"lr": LogUniform(1e-4, 1e-2), "dropout": Uniform(0.0, 0.5)}
    trials = draw(search, 3, "musk1", "milbench/abmil").trials

    assert draw(dict(reversed(search.items())), 3, "musk1", "milbench/abmil").trials == trials
    assert draw(search, 3, "musk2", "milbench/abmil").trials != trials
    assert draw(search, 3, "musk1", "milbench/mean").trials != trials


@pytest.mark.parametrize("dataset", ["musk1", "fox", "digits-bags", "tiger"])
def test_trials_fill_the_space(dataset):
    """Of 20 learning rates every fifth of the orders of magnitude gets 3 to 5.

    The points of the golden ratio's sequence leave no gap and no heap wherever it starts.
    """
    trials = draw({"lr": LogUniform(1e-5, 1.0)}, 21, dataset, "milbench/abmil").trials[1:]

    places = [int(math.log10(trial["lr"] / 1e-5)) for trial in trials]
    assert all(3 <= places.count(fifth) <= 5 for fifth in range(5))


@pytest.mark.parametrize(
    ("keys", "steps"),
    [
        ("a", [0.6180339887]),  # the golden ratio
        ("ab", [0.7548776662, 0.5698402909]),  # Roberts 2018: the plastic number
    ],
)
def test_steps_are_those_of_the_published_sequence(keys, steps):
    """Two trials that follow each other lie one step apart, around the end of the space."""
    search = dict.fromkeys(keys, Uniform(0.0, 1.0))
    _, first, second = draw(search, 3, "musk1", "milbench/abmil").trials

    for key, step in zip(keys, steps, strict=True):
        assert (second[key] - first[key]) % 1.0 == pytest.approx(step, abs=2e-4)


def test_settings_are_the_same_on_every_machine():
    """Four figures: a power that differs in its last digits makes no other trial."""
    trials = draw(default_search(Recipe(lr=3e-4)), 30, "musk1", "milbench/abmil").trials

    assert all(float(f"{trial['lr']:.3e}") == trial["lr"] for trial in trials[1:])
    assert json.loads(json.dumps(trials)) == list(trials)


def test_a_method_that_declares_none_is_tuned_around_its_recipe():
    """A tenth to ten times the learning rate; its own weight decay is among the values."""
    recipe = Recipe(lr=5e-4, weight_decay=5e-3)

    search = search_of(record(), recipe)

    assert search == {
        "lr": LogUniform(5e-5, 5e-3),
        "weight_decay": Choice((0.0, 1e-5, 1e-4, 1e-3, 5e-3)),
    }
    assert search_of(record(search={"dropout": Uniform(0, 1)}), recipe) == {
        "dropout": Uniform(0, 1)
    }


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (record(), ""),
        (record(search={"dropout": Uniform(0, 1)}), ""),
        (record(search={}), "it declares nothing to tune"),
        (record(Estimator), "it has a fit of its own"),
        (record(Estimator, search={"trees": Choice((10, 20))}), "it has a fit of its own"),
        (record("nowhere:Nothing"), ""),  # its runs fail with the reason
    ],
)
def test_what_has_no_tuned_row_says_why(made, why):
    """Estimators and methods with nothing to tune are left out with the reason."""
    assert why_untuned(made) == why


@pytest.mark.parametrize(
    ("search", "says"),
    [
        ({"dropuot": Uniform(0, 1)}, "search.dropuot: no setting of net; did you mean 'dropout'?"),
        ({"in_dim": Choice((3, 4))}, "search.in_dim: no setting of net"),
        ({"momentum": Uniform(0, 0.9)}, "search.momentum: a field of the recipe and a setting"),
        ({"lr": Uniform(0.0, 0.1)}, "search.lr: input should be greater than 0; found 0.0 in unif"),
        ({"epochs": Uniform(10, 20)}, "search.epochs: input should be a valid integer; found 15.0"),
        ({"optimizer": Choice(("adam", "adma"))}, "found 'adma' in one of adam, adma"),
        ({"dropout": Choice((0.1, math.nan))}, "search.dropout: expected plain values"),
        ({"dropout": Choice((0.1, object()))}, "search.dropout: expected plain values"),
    ],
)
def test_a_wrong_space_is_told(search, says):
    """One line names the key, what was found and what a setting may be."""
    (fault,) = search_faults(record(search=search))

    assert says in fault


@pytest.mark.parametrize(
    "search",
    [
        None,
        {"dropout": Uniform(0, 1), "lr": LogUniform(1e-5, 1e-1)},
        {"betas": Choice(((0.9, 0.999), (0.5, 0.9))), "epochs": Choice((10, 20))},
    ],
)
def test_a_right_space_has_no_faults(search):
    """Settings of the constructor and fields of the recipe may stand together."""
    assert search_faults(record(search=search)) == []


def test_every_recipe_of_the_default_can_be_built():
    """Each drawn setting of the default is a recipe."""
    trials = draw(default_search(Recipe()), 10, "musk1", "milbench/abmil").trials

    assert all(replace(Recipe(), **trial).lr > 0 for trial in trials)
