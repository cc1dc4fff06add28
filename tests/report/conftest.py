"""Leaderboards made by hand: every number in them is chosen, none is computed."""

from dataclasses import replace

import pytest

from milbench.leaderboard.table import (
    Across,
    Between,
    Cost,
    Leaderboard,
    Overall,
    Row,
    Runs,
    Score,
    Section,
    Skipped,
    Standing,
    Versus,
)
from milbench.stats.compare import Comparison
from milbench.stats.random_effects import random_effects

COST = Cost(fit_seconds=1.25, predict_seconds=0.5, peak_memory=300.0, parameters=1234.0)


def score(value: float, metric: str = "auroc", **more) -> Score:
    titles = {"auroc": "AUROC", "f1": "F1", "log-loss": "Log loss", "sensitivity": "Sensitivity"}
    return Score(
        metric=metric,
        title=titles[metric],
        greater_is_better=metric != "log-loss",
        value=value,
        **({"sd": 0.018} | more),
    )


def row(method: str, value: float, **more) -> Row:
    scores = (
        score(
            value,
            low=value - 0.03528,  # 1.96 standard errors of 0.018
            high=value + 0.03528,
            per_class=(value, value - 0.5),
            folds=((0, 0, value - 0.01), (0, 1, value + 0.01)),
        ),
        score(0.86, "f1", sd=0.029),
        score(0.2, "log-loss", sd=0.0041),
        score(0.7, "sensitivity", per_class=(0.9, 0.7)),
    )
    given = {
        "control": False,
        "rank": (1, 2),
        "is_top": False,
        "scores": scores,
        "versus": None,
        "runs": Runs(planned=25, done=25),
        "reasons": (),
        "cost": COST,
        "codes": (),
    }
    return Row(method=method, **(given | more))


def versus(difference: float, mark: str, **more) -> Versus:
    given = {
        "low": difference - 0.02,
        "high": difference + 0.02,
        "p_patient": 0.01,
        "p_t": 0.2,
        "is_better": difference > 0,
        "detectable": 0.025,
    }
    return Versus(difference=difference, mark=mark, **(given | more))


def comparison(a: str, b: str, difference: float, mark: str = "", **more) -> Comparison:
    given = {
        "low": difference - 0.03,
        "high": difference + 0.03,
        "p_patient": 0.004,
        "p_patient_holm": 0.024,
        "p_t": 0.0002,
        "p_t_holm": 0.0012,
        "t_low": difference - 0.05,
        "t_high": difference + 0.05,
        "codes": frozenset({"FEW_PATIENTS"}),
        "minimum_detectable": 0.0625,
        "se": 0.015,
    }
    return Comparison(a=a, b=b, metric="auroc", difference=difference, mark=mark, **(given | more))


def section(*rows: Row, **more) -> Section:
    given = {
        "dataset": "musk1",
        "encoder": "precomputed",
        "cohort": "musk",
        "metric": "auroc",
        "is_exploratory": False,
        "group_known": True,
        "classes": ("negative", "positive"),
        "bags": (45, 47),
        "patients": (45, 47),
        "n_patients": 92,
        "secondary": ("f1", "log-loss"),
        "reference": "abmil",
        "comparisons": (),
        "stale": 0,
        "unplanned": 0,
        "notes": (),
        "features": "1a2b",
        "split": "3c4d",
    }
    return Section(rows=rows, **(given | more))


def leaderboard(*sections: Section, **more) -> Leaderboard:
    given = {
        "suite": "classic",
        "skipped": (),
        "overall": None,
        "alpha": 0.05,
        "rope": 0.01,
        "draws": 10_000,
        "splits": "5 x 5 folds, by patient",
        "versions": (("milbench", "0.1.0"), ("torch", "2.13.0")),
    }
    return Leaderboard(sections=sections, **(given | more))


@pytest.fixture
def plain() -> Leaderboard:
    """One data set: a better method, the reference, a failing one, a control that is worse."""
    return leaderboard(
        section(
            row("dsmil", 0.94, is_top=True, rank=(1, 1), versus=versus(0.02, "double-dagger")),
            row("abmil", 0.92, rank=(2, 3)),
            row(
                "max",
                0.91,
                rank=None,
                runs=Runs(planned=25, done=23, failed=2),
                reasons=("2 failed: TrainingError: loss is NaN",),
                codes=("INCOMPLETE_GRID",),
            ),
            row("prior", 0.5, control=True, rank=(3, 3), versus=versus(-0.42, "dagger")),
        ),
        skipped=(Skipped(dataset="musk2", encoder="precomputed", reason="no file clean2.data"),),
    )


@pytest.fixture
def two(plain) -> Leaderboard:
    """Two data sets and the table over both; log loss ranks the second."""
    first = plain.sections[0]
    by_loss = tuple(
        replace(r, scores=(r.scores[2], r.scores[0], r.scores[1], r.scores[3])) for r in first.rows
    )
    second = replace(
        first, dataset="tiger", metric="log-loss", secondary=("auroc", "f1"), rows=by_loss
    )
    standings = (
        Standing(method="dsmil", control=False, values=(0.94, 0.2), mean_rank=1.5, tally=(1, 1, 0)),
        Standing(method="abmil", control=False, values=(0.92, 0.2), mean_rank=2.0),
        Standing(method="prior", control=True, values=(0.5, 0.2), mean_rank=2.5, tally=(0, 0, 2)),
        Standing(
            method="max",
            control=False,
            values=(float("nan"), float("nan")),
            mean_rank=float("nan"),
            missing=("musk1: 23/25", "tiger: 23/25"),
        ),
    )
    overall = Overall(
        datasets=("musk1", "tiger"),
        metrics=("auroc", "log-loss"),
        standings=standings,
        reference="abmil",
        note="Not tested: needs at least 6 cohorts, here 2.",
    )
    return replace(plain, sections=(first, second), overall=overall)


@pytest.fixture
def hostile(plain) -> Leaderboard:
    """Names that mean something to a terminal, to Markdown, to LaTeX or to CSV."""
    first = plain.sections[0]
    names = ("[red]x", r"a_b%c#d&e\f{}", 'a|b*c,d"e', "<b>$^~\x1b[31m")
    rows = tuple(replace(r, method=name) for r, name in zip(first.rows, names, strict=True))
    return replace(
        plain,
        sections=(replace(first, dataset="[bold]s_1", rows=rows, reference=names[1]),),
        skipped=(Skipped(dataset="x_y", encoder="e", reason="100% gone\n\\end{table}"),),
    )


@pytest.fixture
def empty() -> Leaderboard:
    """No data set has results."""
    return leaderboard(
        skipped=(Skipped(dataset="musk1", encoder="precomputed", reason="no files"),)
    )


@pytest.fixture
def compared() -> Leaderboard:
    """Four methods, all pairs tested.

    dsmil is told apart from abmil, its neighbour in the table, and from prior; from max, which is
    below abmil, it is not.
    """
    rows = (
        row("dsmil", 0.94, is_top=True, rank=(1, 2), versus=versus(0.02, "double-dagger")),
        row("abmil", 0.92, rank=(2, 3)),
        row("max", 0.91, is_top=True, rank=(1, 4), versus=versus(-0.01, "")),
        row("prior", 0.5, control=True, rank=(3, 4), versus=versus(-0.42, "dagger")),
    )
    pairs = (
        comparison("abmil", "dsmil", -0.02, "double-dagger"),
        comparison("abmil", "max", 0.01),
        comparison("dsmil", "max", 0.03),
        comparison("dsmil", "prior", 0.44, "dagger"),
        comparison("abmil", "prior", 0.42, "dagger"),
        comparison("max", "prior", 0.41),
    )
    return leaderboard(section(*rows, comparisons=pairs))


@pytest.fixture
def tested(two) -> Leaderboard:
    """Tests over six cohorts: of dsmil, abmil and prior, only the first and the last differ."""
    names = ("dsmil", "abmil", "prior")
    pairs = tuple(
        Between(
            a=a,
            b=b,
            median=0.02,
            low=0.01,
            high=0.03,
            p=0.03,
            p_holm=0.04,
            tally=(5, 1, 0),
            probability=(0.9, 0.1, 0.0),
            differs=(a, b) == ("dsmil", "prior"),
        )
        for a, b in (("dsmil", "abmil"), ("dsmil", "prior"), ("abmil", "prior"))
    )
    across = Across(
        cohorts=tuple("abcdef"),
        pairs=pairs,
        ranks={"dsmil": (1, 2), "abmil": (1, 3), "prior": (2, 3)},
        letters={"dsmil": "a", "abmil": "ab", "prior": "b"},
        mean_ranks={
            "dsmil": (1.25, 1.0, 1.75), "abmil": (2.0, 1.5, 2.5), "prior": (2.75, 2.25, 3.0),
        },
        points=dict.fromkeys(names, 1.0),
        win_rates={},
        friedman={},
    )  # fmt: skip
    forest = random_effects(["musk", "tiger", "fox"], [0.02, 0.05, 0.02], [0.01, 0.02, 0.03])
    overall = replace(two.overall, across=across, forests={"dsmil": forest})
    return replace(two, overall=overall)
