"""The main path: a suite becomes jobs, what is done is left out, the rest runs and is stored."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from milbench.errors import SuiteError
from milbench.execute import drain, executor_by_name
from milbench.features import Encoding, Making
from milbench.jobs import Ground, Job, Run, expand, rows, settings_digest
from milbench.leaderboard.board import Board, Cell, DatasetInfo, MethodInfo, Study
from milbench.overlap import seen_before
from milbench.prepare import Places, Prepared, prepare
from milbench.published import read_published
from milbench.records import Aggregator
from milbench.registry import load_registry
from milbench.store import Store, done_keys, read_record
from milbench.train.choice import Engine, portions, why_alone
from milbench.view import sections, view_of
from milbench.works import works_of

# What trains is imported when there is something to train: it loads torch, which a finished suite
# and a leaderboard do without.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from milbench.features import Step
    from milbench.jobs import Row
    from milbench.records import Dataset
    from milbench.registry import Registry
    from milbench.store import Record
    from milbench.suite import Suite
    from milbench.train.matmul import Asked, Matmul
    from milbench.train.work import Finished, Task
    from milbench.view import View


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where and how a suite runs; nothing here changes a result by more than rounding.

    Parameters
    ----------
    data, cache, results
        Folders: the users' data sets, the cached features, the result files.
    device
        ``cpu``, ``cuda`` or ``cuda:N``.
    executor, workers
        ``inline`` or ``processes``, and how many of these; all usable cores when None.
    fresh
        Train again what is already done.
    repeats
        Only the first so many repeats of the suite; all when None.
    matmul
        What multiplies large float32 matrices on a CPU: ``auto``, ``default`` or ``onednn``; they
        differ by rounding. See :mod:`milbench.train.matmul`.
    engine
        ``auto`` trains runs side by side where that is faster; ``stacked`` also few and short
        runs; ``sequential`` never.
    """

    data: Path
    cache: Path
    results: Path
    device: str = "cpu"
    executor: str = "inline"
    workers: int | None = None
    fresh: bool = False
    repeats: int | None = None
    matmul: Asked = "auto"
    engine: Engine = "auto"


@dataclass(frozen=True)
class Plan:
    """What a suite asks for and what of it is still to be done.

    ``records`` are those of the store where nothing is to be done, so that they are read once.
    """

    suite: Suite
    prepared: Prepared
    jobs: list[Job]
    done: frozenset[str]
    store: Store
    settings: Settings
    records: tuple[Record, ...] = ()

    @property
    def todo(self) -> list[Run]:
        """Return the runs that have no finished result."""
        return [run for job in self.jobs for run in job.runs if run.key not in self.done]


def plan(
    suite: Suite,
    registry: Registry,
    settings: Settings,
    observe: Callable[[Step], None] | None = None,
) -> Plan:
    """Return what is to be done for ``suite``: its data made ready, its jobs, what is done.

    Parameters
    ----------
    observe
        Told how far the building of features is.

    Raises
    ------
    StoreError
        If a stored result is damaged.
    """
    store = Store(settings.results / suite.name)
    places = Places(settings.data, settings.cache, store.root)
    records = () if settings.fresh else store.read_all()
    done = done_keys(records)

    def planned(*, verify: bool) -> Plan:
        encoding = Encoding(device=settings.device)
        making = Making(verify=verify, observe=observe, encoding=encoding)
        prepared = prepare(suite, registry, places, making)
        jobs = expand(suite, registry, prepared.grounds, settings.repeats)
        return Plan(suite, prepared, jobs, done, store, settings)

    # Features that nothing is trained on need not be read, however large they are.
    found = planned(verify=False)
    return planned(verify=True) if found.todo else replace(found, records=records)


def run(plan: Plan, registry: Registry, observe: Callable[[Finished], None]) -> Counter[str]:
    """Run what ``plan`` has to do and return how many runs were done, skipped and failed.

    Each result is stored before it is reported to ``observe`` and to the plugins' hooks. An
    interrupt ends the workers and loses nothing that was finished.
    """
    plan.store.note_datasets(plan.prepared.states)
    counts: Counter[str] = Counter()
    for finished in execute(plan):
        counts[finished.status] += 1
        observe(finished)
        _tell(registry, finished)
    counts["failed"] += _planned_on_broken(plan, registry)
    registry.suite_finished(plan.suite.name, plan.store.root)
    return counts


def execute(plan: Plan) -> Iterator[Finished]:
    """Yield each run of ``plan`` as it is finished and stored."""
    if not plan.todo:
        return
    from milbench.train.work import Apart, store_failure, work  # noqa: PLC0415  # loads torch

    executor = executor_by_name(plan.settings.executor, plan.settings.workers)
    todo = _Todo(tasks(plan))
    for answer in drain(executor, work, todo):
        if answer.error is not None:
            yield from store_failure(answer.task, answer.error)
        elif isinstance(answer.result, Apart):
            todo.extend(_apart(answer.task, answer.result.reason))
        else:
            yield from answer.result or []


class _Todo(deque["Task"]):
    """Tasks that are still to be submitted; going over them removes them."""

    def __iter__(self) -> Iterator[Task]:
        return self

    def __next__(self) -> Task:
        if not self:
            raise StopIteration
        return self.popleft()


def tasks(plan: Plan) -> Iterator[Task]:
    """Yield the work of ``plan``: runs that may be stacked share a task, others have their own."""
    grounds = {(g.dataset.name, g.view): g for g in plan.prepared.grounds}
    # What is planned counts, not what is left: a resumed suite trains by the same engine.
    planned = Counter(run.stack for job in plan.jobs for run in job.runs)
    cells = Counter(run.cell.digest for job in plan.jobs for run in job.runs)
    groups: dict[tuple[str | int, ...], list[Run]] = {}
    for run in plan.todo:
        groups.setdefault(run.stack, []).append(run)
    for stack, runs in groups.items():
        cell = runs[0].cell
        ground = grounds[cell.dataset, cell.view]
        task = _task(tuple(runs), ground, plan)
        trials = len(cell.trials())
        count = planned[stack] * trials
        steps = cells[cell.digest] * trials * cell.recipe.epochs * len(ground.splits.bag_ids)
        record = load_registry().record(Aggregator, cell.aggregator)
        reason = why_alone(record, plan.settings.engine, count, steps)
        reason = reason or _unstackable(cell.precision)
        if reason:
            yield from _apart(task, reason)
            continue
        # Runs on the same training bags lie side by side: one call moves their weights.
        ordered = sorted(runs, key=lambda run: (run.repeat, run.fold, run.seed))
        for portion in portions(len(ordered), trials):
            yield replace(task, runs=tuple(ordered[portion]), planned=count)


def _unstackable(precision: str) -> str:
    if precision == "float32":
        return ""
    return f"stacks are trained in float32, this method in {precision}"


def _apart(task: Task, reason: str) -> Iterator[Task]:
    for run in task.runs:
        yield replace(task, runs=(run,), alone=reason)


def _matmul(settings: Settings) -> Matmul:
    from milbench.train.matmul import DEFAULT, choose  # noqa: PLC0415  # loads torch

    return choose(settings.matmul, settings.cache) if settings.device == "cpu" else DEFAULT


def _task(runs: tuple[Run, ...], ground: Ground, plan: Plan) -> Task:
    from milbench.train.work import Task  # noqa: PLC0415  # loads torch

    return Task(
        runs=runs,
        features=ground.features_path,
        splits=ground.splits_path,
        store=plan.store.root,
        suite_digest=plan.suite.digest,
        device=plan.settings.device,
        matmul=_matmul(plan.settings),
    )


def _tell(registry: Registry, finished: Finished) -> None:
    record = read_record(finished.path)
    names = ("dataset", "encoder", "method", "aggregator", "args", "repeat", "fold", "seed")
    run = {name: record[name] for name in names} | {"tiler": record.get("tiler", "")}
    registry.run_finished(run, record)


def _planned_on_broken(plan: Plan, registry: Registry) -> int:
    """Return how many runs there are on data sets that are broken in the view they need."""
    ready = {(ground.dataset.name, ground.view) for ground in plan.prepared.grounds}
    lost = [
        name
        for dataset, section in sections(plan.suite, registry)
        if dataset.name in plan.prepared.broken
        for row in rows(plan.suite, registry)
        if (name := (dataset.name, view_of(row.method, dataset, section, registry).name))
        not in ready
    ]
    return len(lost) * len(planned_runs(plan.suite, plan.settings.repeats))


def planned_runs(suite: Suite, repeats: int | None) -> tuple[tuple[int, int, int], ...]:
    """Return every (repeat, fold, seed) that ``suite`` asks of one cell."""
    splits = suite.splits
    folds = 1 if splits.scheme == "official" else splits.folds
    wanted_repeats = splits.repeats if repeats is None else min(repeats, splits.repeats)
    seeds = range(suite.protocol.seeds)
    return tuple((r, f, s) for r in range(wanted_repeats) for f in range(folds) for s in seeds)


def board_of(suite: Suite, registry: Registry, store: Store, repeats: int | None = None) -> Board:
    """Return what the leaderboard of ``suite`` is to show, from the suite and the store alone.

    Raises
    ------
    SuiteError
        If the suite names no data set, as one that is for own data.
    """
    if not suite.datasets:
        raise SuiteError(
            f"suite {suite.name!r} names no data set, so it has no results; those of its methods "
            "on your own data have the name that 'run --bags' gave them"
        )
    states = store.datasets()
    shown = list(sections(suite, registry))
    wanted_rows = rows(suite, registry)
    planned = planned_runs(suite, repeats)
    return Board(
        suite=suite.name,
        datasets=tuple(
            _dataset_info(d, view, states.get(f"{d.name} ({view.name})") or states.get(d.name, {}))
            for d, view in shown
        ),
        methods=tuple(_method_info(row, registry) for row in wanted_rows),
        cells=tuple(
            Cell(
                dataset=dataset.name,
                encoder=str(view.name),
                method=row.label,
                planned=planned,
                settings=settings_digest(suite, registry, row, dataset.name),
                view=str((own := view_of(row.method, dataset, view, registry)).name),
                seen=seen_before(own.encoder, dataset),
            )
            for dataset, view in shown
            for row in wanted_rows
        ),
        reference=suite.report.reference,
        secondary=suite.report.metrics,
        alpha=suite.report.alpha,
        rope=suite.report.rope,
        draws=suite.report.draws,
        splits=_in_words(suite, repeats),
        study=_study(suite, repeats),
        works=works_of(suite, registry),
        published=read_published(),
    )


def _method_info(row: Row, registry: Registry) -> MethodInfo:
    control = registry.record(Aggregator, row.method.name).control
    return MethodInfo(label=row.label, control=control, trials=row.trials)


def _dataset_info(dataset: Dataset, view: View, state: dict[str, Any]) -> DatasetInfo:
    return DatasetInfo(
        name=dataset.name,
        encoder=str(view.name),
        primary_metric=dataset.primary_metric,
        classes=dataset.classes,
        cohort=dataset.cohort or dataset.name,
        group_known=dataset.group_known,
        skipped_reason=state.get("reason", ""),
        is_leaking=bool(state.get("leaks", False)),
        notes=tuple(state.get("notes", ())),
        levels=dataset.levels,
        patient_rule=dataset.patient_rule,
        is_multi_label=dataset.is_multi_label,
    )


def _study(suite: Suite, repeats: int | None) -> Study:
    planned = planned_runs(suite, repeats)
    return Study(
        scheme=suite.splits.scheme,
        repeats=len({repeat for repeat, _, _ in planned}),
        folds=len({fold for _, fold, _ in planned}),
        seeds=suite.protocol.seeds,
        validation=suite.splits.validation,
        standardise=suite.protocol.standardise,
        threshold=suite.protocol.threshold,
        group=suite.splits.group,
    )


def _in_words(suite: Suite, repeats: int | None) -> str:
    splits = suite.splits
    count = splits.repeats if repeats is None else min(repeats, splits.repeats)
    inner = f", {splits.validation:.0%} of training bags for validation"
    inner = inner if splits.validation else ", no validation bags"
    if splits.scheme == "official" and not splits.validation:
        inner = ", validation bags as the data sets have them"
    seeds = suite.protocol.seeds
    trainings = f", {seeds} seeds a fold" if seeds > 1 else ""
    trainings += ", one order of bags for all" if suite.protocol.order == "common" else ""
    if splits.scheme == "given":
        return f"{count} x {splits.folds} folds, as the data sets come with them{trainings}"
    drawn = f"{count} x {splits.folds} folds ({splits.scheme}), by {splits.group}"
    if splits.group == "site" and splits.validation:
        inner += " (by patient, of the training sites)"
    return f"{drawn}{inner}{trainings}"
