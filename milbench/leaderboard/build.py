"""Build the leaderboard of a suite: the records of every data set become one ranked section."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from milbench.errors import ScoreError
from milbench.leaderboard.contrast import contrast
from milbench.leaderboard.level import levels_of
from milbench.leaderboard.others import beside, works_with_results
from milbench.leaderboard.overall import overall_of
from milbench.leaderboard.score import metrics_of, scores_of
from milbench.leaderboard.select import select
from milbench.leaderboard.several import several_of
from milbench.leaderboard.table import Leaderboard, Row, Section, Skipped, Tuned
from milbench.metrics.definitions import rankable, why_not
from milbench.stats.design import patients_by_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from milbench.leaderboard.board import Board, DatasetInfo, MethodInfo
    from milbench.leaderboard.contrast import Contrast
    from milbench.leaderboard.level import Level
    from milbench.leaderboard.select import Found, Record, Selection
    from milbench.leaderboard.table import Score
    from milbench.metrics import Predictions
    from milbench.stats.codes import Code

# Where and how runs were made; shown with the versions of the packages.
CIRCUMSTANCES = ("engine", "precision", "matmul", "device")


def build(board: Board, records: Iterable[Mapping[str, Any]]) -> Leaderboard:
    """Return the leaderboard that ``board`` asks for, from the records of its suite.

    A pure function: the order of the records has no effect. Only finished runs are scored, only
    methods with every planned run are tested, and nothing that is missing is left out.

    Raises
    ------
    ScoreError
        If the board names a metric that there is none of, or that has no meaning on one of its
        data sets.
    """
    for metric in (*board.secondary, *([board.metric] if board.metric is not None else [])):
        rankable(metric)
    for dataset in board.datasets:
        _check_metrics(board, dataset)
    stored = list(records)
    selections = [(dataset, select(board, dataset, stored)) for dataset in board.datasets]
    sections = [
        _section(board, level, found)
        for dataset, found in selections
        if _has_runs(found)
        for level in levels_of(board, dataset)
    ]
    return Leaderboard(
        suite=board.suite,
        sections=tuple(sections),
        skipped=tuple(_skipped(board, *pair) for pair in selections if not _has_runs(pair[1])),
        overall=overall_of(board, [section for section in sections if not section.level]),
        alpha=board.alpha,
        rope=board.rope,
        draws=board.draws,
        splits=board.splits,
        versions=tuple(_versions([r for _, found in selections for r in found.used])),
        study=board.study,
        works=works_with_results(board, sections),
        published=tuple(beside(board, sections)),
    )


def _check_metrics(board: Board, dataset: DatasetInfo) -> None:
    for metric in (board.metric or dataset.primary_metric, *board.secondary):
        fault = why_not(metric, is_multi_label=dataset.is_multi_label)
        if fault:
            raise ScoreError(f"{dataset.name}: {fault}")


def _has_runs(selection: Selection) -> bool:
    return any(found.done or found.failed or found.skipped for found in selection.methods.values())


def _skipped(board: Board, dataset: DatasetInfo, selection: Selection) -> Skipped:
    old = f" of its present settings ({selection.stale} of older ones)" if selection.stale else ""
    reason = f"no results{old} yet; run: milbench run --suite {board.suite}"
    reason = dataset.skipped_reason or reason
    return Skipped(dataset=dataset.name, encoder=dataset.encoder, reason=reason)


def _section(board: Board, level: Level, selection: Selection) -> Section:
    dataset = level.dataset
    predictions = _predictions(level, selection)
    complete = {
        name: rows for name, rows in predictions.items() if selection.methods[name].runs.is_complete
    }
    tests = contrast(board, level, complete)
    rows = [
        _row(level, method, selection.methods[method.label], predictions, tests)
        for method in board.methods
    ]
    seen = board.seen_before(dataset)
    rows = [_marked(row, "PRETRAINING_OVERLAP") if row.method in seen else row for row in rows]
    widest = max(predictions.values(), key=len, default=None)
    bags, patients, n_patients = _sizes(level, widest)
    return Section(
        dataset=dataset.name,
        encoder=dataset.encoder,
        cohort=dataset.cohort or dataset.name,
        metric=level.metric,
        is_exploratory=tests.is_exploratory,
        group_known=dataset.group_known,
        classes=level.classes,
        bags=bags,
        patients=patients,
        n_patients=n_patients,
        rows=tuple(sorted(rows, key=_order)),
        secondary=level.secondary,
        reference=level.reference,
        comparisons=tests.comparisons,
        stale=selection.stale,
        unplanned=selection.unplanned,
        notes=(
            *_own_views(board, dataset),
            *_seen_before(board, dataset),
            *_notes(level, complete, tests),
        ),
        precision=_precision(selection),
        features=selection.features,
        split=selection.split,
        level=level.name,
        tree=level.tree([row.method for row in rows if row.coarse_from == "head"]),
        several=several_of(widest),
    )


def _predictions(level: Level, selection: Selection) -> dict[str, Predictions]:
    found = {name: level.predictions(method) for name, method in selection.methods.items()}
    return {name: rows for name, rows in found.items() if rows is not None}


def _row(
    level: Level,
    method: MethodInfo,
    found: Found,
    predictions: Mapping[str, Predictions],
    tests: Contrast,
) -> Row:
    metrics = metrics_of(level.metric, level.secondary, level.published)
    bootstrap = tests.bootstraps.get(method.label)
    scores = scores_of(metrics, predictions.get(method.label), bootstrap, method.label)
    versus = tests.versus(method.label, level.reference)
    codes = {code for score in scores for code in score.codes}
    codes |= set(versus.codes) if versus is not None else set()
    codes |= set() if found.runs.is_complete else {"INCOMPLETE_GRID"}
    codes |= {"EXPLORATORY"} if tests.is_exploratory else set()
    codes |= {"PATIENT_LEAK"} if level.dataset.is_leaking else set()
    config, code = found.hashes
    return Row(
        method=method.label,
        control=method.control,
        rank=tests.ranks.get(method.label),
        is_top=method.label in tests.top(),
        scores=scores,
        versus=versus,
        runs=found.runs,
        reasons=found.reasons,
        cost=found.cost,
        codes=tuple(sorted(codes)),
        config=config,
        code=code,
        tuned=Tuned(trials=method.trials, kept=found.kept) if method.trials else None,
        coarse_from=level.source(found),
    )


def _marked(row: Row, code: Code) -> Row:
    return replace(row, codes=tuple(sorted({*row.codes, code})))


def _order(row: Row) -> tuple[bool, float, str]:
    """Sort by the primary value, best first; undefined values last, ties by name."""
    score: Score = row.primary
    if math.isnan(score.value):
        return True, 0.0, row.method
    return False, -score.value if score.greater_is_better else score.value, row.method


def _sizes(
    level: Level, widest: Predictions | None
) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return bags and patients of each class, and all patients, where most bags were tested."""
    if widest is None:
        nothing = (0,) * len(level.classes)
        return nothing, nothing, 0
    _, first = np.unique(widest.bag, return_index=True)
    bags = tuple(int(widest.has(number)[first].sum()) for number in range(widest.n_classes))
    return bags, patients_by_class(widest), len(np.unique(widest.patient))


def _notes(level: Level, complete: Mapping[str, Predictions], tests: Contrast) -> Iterator[str]:
    if level.dataset.skipped_reason:
        yield f"The last run left this data set out: {level.dataset.skipped_reason}"
    yield from level.dataset.notes
    rule = level.dataset.patient_rule
    if rule:
        yield f"Each patient counts once, by the {rule} of the probabilities of its bags."
    if tests.refusal:
        yield tests.refusal
    elif level.reference is not None and level.reference not in complete:
        yield f"The reference {level.reference} is incomplete here, so no method carries a mark."


def _own_views(board: Board, dataset: DatasetInfo) -> Iterator[str]:
    """Yield which methods see the bags in another way than the heading says."""
    views: dict[str, list[str]] = {}
    for method, view in board.own_views(dataset).items():
        views.setdefault(view, []).append(method)
    for view, methods in views.items():
        yield f"Seen through {view}: {', '.join(methods)}."


def _seen_before(board: Board, dataset: DatasetInfo) -> Iterator[str]:
    """Yield which encoders were trained on slides of the cohort."""
    for view, corpus in sorted(set(board.seen_before(dataset).values())):
        yield f"Pre-trained on {corpus}, which hold these patients: {view}."


def _precision(selection: Selection) -> str:
    """Return which numbers methods were trained in, unless all were trained in float32."""
    methods: dict[str, list[str]] = {}
    for name, found in selection.methods.items():
        for precision in sorted({r.get("precision", "float32") for r in found.done}):
            methods.setdefault(precision, []).append(name)
    if set(methods) <= {"float32"}:
        return ""
    if len(methods) == 1:
        return f"Trained in {next(iter(methods))}, not in float32."
    rows = (f"{precision}: {', '.join(methods[precision])}" for precision in sorted(methods))
    return f"Trained in different precisions. {'; '.join(rows)}."


def _versions(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    found: dict[str, set[str]] = {}
    for record in records:
        named = dict(record.get("versions", {}))
        named |= {name: record[name] for name in CIRCUMSTANCES if name in record}
        for name, version in named.items():
            found.setdefault(name, set()).add(str(version))
    for name in sorted(found, key=lambda name: (name != "milbench", name in CIRCUMSTANCES, name)):
        yield name, " and ".join(sorted(found[name]))
