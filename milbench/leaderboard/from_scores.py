"""A leaderboard from scores by fold that somebody else computed: only what is valid for them.

Without predictions there are no patients: no interval over patients and no patient-level test, so
no dagger. The corrected resampled t-test needs to know how large test folds were, and then may
claim alone (STATISTICS 1.4, one repeat of k folds). Values of whole data sets are compared over
cohorts as always.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from milbench.leaderboard.board import Board, MethodInfo
from milbench.leaderboard.contrast import Contrast
from milbench.leaderboard.overall import overall_of
from milbench.leaderboard.table import Cost, Leaderboard, Row, Runs, Score, Section
from milbench.metrics.definitions import rankable
from milbench.stats.compare import Comparison
from milbench.stats.corrected_t import corrected_ttest
from milbench.stats.holm import holm
from milbench.stats.ranks import rank_intervals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milbench.leaderboard.score_table import Place, ScoreTable
    from milbench.metrics.definitions import Metric
    from milbench.metrics.rows import Floats
    from milbench.stats.corrected_t import TTest

NAN = float("nan")
UNKNOWN_COST = Cost(fit_seconds=NAN, predict_seconds=NAN, peak_memory=NAN, parameters=NAN)
ALPHA, ROPE, DRAWS = 0.05, 0.01, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreStudy:
    """What must be known of a table of scores before it is compared.

    Parameters
    ----------
    metric
        A name of :data:`milbench.metrics.METRICS`.
    test_share
        n_test / n_train of a fold; ``kfold`` for 1 / (k - 1); None where it is not known: then no
        pair is tested on one data set.
    reference
        Method that marks are against; None for no marks.
    """

    metric: str = "auroc"
    test_share: float | Literal["kfold"] | None = None
    reference: str | None = None


def build_from_scores(table: ScoreTable, study: ScoreStudy) -> Leaderboard:
    """Return the leaderboard of a table of scores, marked as such.

    Raises
    ------
    ScoreError
        If there is no such metric.
    StatisticsError
        If the test share is not positive.
    """
    metric = rankable(study.metric)
    methods = list(dict.fromkeys(name for of in table.scores.values() for name in of))
    board = Board(
        suite=table.source,
        datasets=(),
        methods=tuple(MethodInfo(label=name) for name in methods),
        cells=(),
        reference=study.reference if study.reference in methods else None,
        alpha=ALPHA,
        rope=ROPE,
        draws=DRAWS,
    )
    sections = [_section(table, dataset, metric, study) for dataset in table.scores]
    complete = [_with_all(section, methods) for section in sections]
    return Leaderboard(
        suite=table.source,
        sections=tuple(sections),
        skipped=(),
        overall=overall_of(board, complete),
        alpha=ALPHA,
        rope=ROPE,
        draws=DRAWS,
        splits="",
        versions=(),
        scores_from=table.source,
    )


@dataclass(frozen=True, slots=True)
class _Runs:
    """The scores of one method on one data set, and the runs that any method has there."""

    method: str
    values: Mapping[Place, float]
    planned: tuple[Place, ...]

    @property
    def is_complete(self) -> bool:
        return len(self.values) == len(self.planned)

    @property
    def folds(self) -> Floats:
        """Return one value a fold of a repeat, averaged over seeds, (repeats * folds,)."""
        by_fold: dict[tuple[str, str], list[float]] = {}
        for repeat, fold, seed in sorted(self.values):
            by_fold.setdefault((repeat, fold), []).append(self.values[repeat, fold, seed])
        return np.array([np.mean(values) for values in by_fold.values()])

    @property
    def spread(self) -> float:
        """Return the SD between repeats, else between folds, else between seeds."""
        for axis in range(3):
            groups: dict[str, list[float]] = {}
            for place, value in self.values.items():
                groups.setdefault(place[axis], []).append(value)
            if len(groups) > 1:
                return float(np.std([np.mean(v) for v in groups.values()], ddof=1))
        return NAN


def _section(table: ScoreTable, dataset: str, metric: Metric, study: ScoreStudy) -> Section:
    scores = table.scores[dataset]
    planned = tuple(sorted({place for of in scores.values() for place in of}))
    runs = {name: _Runs(name, values, planned) for name, values in scores.items()}
    complete = {name: found for name, found in runs.items() if found.is_complete}
    share, why = _share(study.test_share, planned)
    pairs = () if share is None else _compared(complete, metric.name, share)
    better = metric.greater_is_better
    ranks = rank_intervals(tuple(complete), pairs, greater_is_better=better) if pairs else {}
    tests = Contrast(metric.name, False, {}, pairs, ranks)
    top = _top(complete, tests)
    rows = [
        _row(found, metric, tests, study.reference, is_top=n in top) for n, found in runs.items()
    ]
    return Section(
        dataset=dataset,
        encoder=table.source,
        cohort=table.cohorts[dataset],
        metric=metric.name,
        is_exploratory=False,
        group_known=True,
        classes=(),
        bags=(),
        patients=(),
        n_patients=0,
        rows=tuple(sorted(rows, key=lambda row: _order(row, greater_is_better=better))),
        secondary=(),
        reference=study.reference if study.reference in runs else None,
        comparisons=pairs,
        stale=0,
        unplanned=0,
        notes=(why,) if why else (),
        features="",
        split="",
    )


def _share(
    asked: float | Literal["kfold"] | None, planned: Sequence[Place]
) -> tuple[float | None, str]:
    """Return n_test / n_train of a fold, or why nothing is tested."""
    folds = len({fold for _, fold, _ in planned})
    if folds < 2:  # noqa: PLR2004  # one test set
        return None, (
            "Nothing is tested here: one split, whatever the number of seeds "
            "(SEED_ONLY_REPLICATION)."
        )
    if asked is None:
        return (
            None,
            "Nothing is tested here: how large test folds were is not known (--test-share).",
        )
    return (1.0 / (folds - 1) if asked == "kfold" else asked), ""


def _compared(complete: Mapping[str, _Runs], metric: str, share: float) -> tuple[Comparison, ...]:
    """Return T on every pair, with Holm's correction, and a star where it calls them different."""
    pairs = list(combinations(complete, 2))
    tests = [
        corrected_ttest(
            (complete[a].folds - complete[b].folds)[None], test_share=share, alpha=ALPHA
        )
        for a, b in pairs
    ]
    corrected = holm([test.p for test in tests])
    return tuple(
        _comparison(pair, metric, test, float(p))
        for pair, test, p in zip(pairs, tests, corrected, strict=True)
    )


def _comparison(pair: tuple[str, str], metric: str, test: TTest, p_holm: float) -> Comparison:
    differs = p_holm < ALPHA and "TOO_FEW_FOLDS" not in test.codes
    return Comparison(
        a=pair[0],
        b=pair[1],
        metric=metric,
        difference=test.mean,
        low=NAN,
        high=NAN,
        p_patient=NAN,
        p_patient_holm=NAN,
        p_t=test.p,
        p_t_holm=p_holm,
        t_low=test.low,
        t_high=test.high,
        mark="star" if differs else "",
        codes=test.codes | {"SCORES_ONLY"},
        minimum_detectable=test.minimum_detectable,
    )


def _top(complete: Mapping[str, _Runs], tests: Contrast) -> set[str]:
    """Return the best method and each one that is not significantly worse; none without tests."""
    if not tests.comparisons:
        return set()
    sign = 1 if tests.greater_is_better else -1
    best = max(complete, key=lambda name: sign * float(complete[name].folds.mean()))
    found = {name: tests.versus(name, best) for name in complete}
    return {name for name, v in found.items() if v is None or not v.mark or v.is_better}


def _row(
    runs: _Runs, metric: Metric, tests: Contrast, reference: str | None, *, is_top: bool
) -> Row:
    folds = runs.folds
    score = Score(
        metric=metric.name,
        title=metric.title,
        greater_is_better=metric.greater_is_better,
        value=float(folds.mean()),
        sd=runs.spread,
        codes=("SCORES_ONLY",),
    )
    codes = {"SCORES_ONLY"} | (set() if runs.is_complete else {"INCOMPLETE_GRID"})
    codes |= (
        {"TOO_FEW_FOLDS"} if any("TOO_FEW_FOLDS" in p.codes for p in tests.comparisons) else set()
    )
    if len({fold for _, fold, _ in runs.planned}) == 1:
        codes |= {"SEED_ONLY_REPLICATION"}
    return Row(
        method=runs.method,
        control=False,
        rank=tests.ranks.get(runs.method),
        is_top=is_top,
        scores=(score,),
        versus=tests.versus(runs.method, reference),
        runs=Runs(planned=len(runs.planned), done=len(runs.values)),
        reasons=(),
        cost=UNKNOWN_COST,
        codes=tuple(sorted(codes)),
    )


def _order(row: Row, *, greater_is_better: bool) -> tuple[float, str]:
    return -row.primary.value if greater_is_better else row.primary.value, row.method


def _with_all(section: Section, methods: Sequence[str]) -> Section:
    """Return the section with an empty row for each method that the file lacks there."""
    there = {row.method: row for row in section.rows}
    first = section.rows[0]
    nothing = replace(
        first, scores=(replace(first.primary, value=NAN, sd=NAN),), runs=Runs(planned=1, done=0)
    )
    rows = tuple(there.get(name, replace(nothing, method=name)) for name in methods)
    return replace(section, rows=rows)
