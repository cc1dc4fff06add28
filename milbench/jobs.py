"""From a suite to the runs it asks for, each with the key its result is stored under.

A *cell* is one method on one data set: everything that decides its results. A *run* is one
training of a cell: a repeat, a fold, a seed. A *job* is a cell with its runs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from milbench.code import code_hash
from milbench.records import Aggregator, Dataset
from milbench.search import RECIPE_FIELDS, TUNED, draw, search_of, why_untuned
from milbench.view import ViewName, sections, view_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from milbench.levels import Levels
    from milbench.recipe import Recipe
    from milbench.registry import Registry
    from milbench.search import Tuning
    from milbench.splits import Splits
    from milbench.suite import Method, Precision, Suite

# Raised by hand when the harness trains differently, so that older results are not reused.
PROTOCOL = 2  # 2: masks of dropout follow from names

# What could be said of a cell or its recipe only later, with the value that stands for how it was
# before: results from before keep their names.
LATER = {"precision": "float32", "decay": "all"}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One method on one data set, with everything that decides its results.

    Parameters
    ----------
    method
        The row of the leaderboard, without the mark of a tuned one: random numbers follow from
        it, so that a tuned run begins as the published one does.
    aggregator
        Full name of the plugin's method, ``distribution/name``.
    args
        Constructor settings.
    features, split, code
        Content hash of the features, digest of the split plan, hash of the method's source file.
    settings
        Digest of what the suite file alone decides; a leaderboard finds the records of a suite by
        it, on a machine without the data too.
    order
        Which trainings share an order of bags; see :func:`milbench.train.protocol.order_names`.
    precision
        The numbers that the method is trained in; see :mod:`milbench.train.precision`.
    trained_as
        Name that random numbers follow from; the data set's own when empty.
    levels
        The tree above the data set's classes; None where there is one level.
    tuning
        What each run tries; ``args`` and ``recipe`` are then those of its first trial. None for a
        published setting.
    tiler
        What cut the pictures, with its settings; empty where bags are no pictures.
    """

    suite: str
    dataset: str
    encoder: str
    method: str
    aggregator: str
    args: dict[str, Any]
    recipe: Recipe
    standardise: bool
    threshold: str
    features: str
    split: str
    code: str
    settings: str
    order: str = "per-seed"
    precision: Precision = "float32"
    trained_as: str = ""
    levels: Levels | None = None
    tuning: Tuning | None = None
    tiler: str = ""

    @property
    def view(self) -> ViewName:
        """Return what names the way the method sees the bags."""
        return ViewName(self.tiler, self.encoder)

    @property
    def parents(self) -> tuple[int, ...]:
        """Return the coarse class of each class; empty where there is one level."""
        return () if self.levels is None else self.levels.parents

    @property
    def row(self) -> str:
        """Return the row of the leaderboard."""
        return self.method if self.tuning is None else f"{self.method}{TUNED}"

    @property
    def chance(self) -> str:
        """Return the first of the names that random numbers follow from."""
        return self.trained_as or self.dataset

    def trials(self) -> tuple[Cell, ...]:
        """Return a cell for each of the trials, itself as published the first of them."""
        settings = ({},) if self.tuning is None else self.tuning.trials
        return tuple(self._with(each) for each in settings)

    def _with(self, settings: dict[str, Any]) -> Cell:
        fields = {name: value for name, value in settings.items() if name in RECIPE_FIELDS}
        args = {name: value for name, value in settings.items() if name not in RECIPE_FIELDS}
        return replace(
            self, recipe=replace(self.recipe, **fields), args=self.args | args, tuning=None
        )

    @cached_property
    def digest(self) -> str:
        """Return 16 hexadecimal digits that name the cell, whatever the suite is called."""
        content = {n: v for n, v in asdict(self).items() if n not in ("suite", "settings")}
        content["recipe"] = _named(asdict(self.recipe))
        content["levels"] = self.parents  # what they are called decides nothing
        # Results from before these keep their names.
        for later in ("tuning", "trained_as", "levels", "tiler"):
            if not content[later]:
                del content[later]
        return _digest({**_named(content), "protocol": PROTOCOL})


@dataclass(frozen=True)
class Run:
    """One training of a cell: on the bags of one repeat and fold, from one seed.

    ``part`` is the hash of the bags and roles of this fold, so that a suite with more repeats
    still finds the results of the first ones.
    """

    cell: Cell
    repeat: int
    fold: int
    seed: int
    part: str

    @property
    def names(self) -> tuple[str | int, ...]:
        """Return the names that the random numbers of the run follow from."""
        return (self.cell.chance, self.cell.method, self.repeat, self.fold, self.seed)

    @property
    def stack(self) -> tuple[str | int, ...]:
        """Return what names the runs that may be trained side by side: one cell, one order."""
        shared = () if self.cell.order == "common" else (self.repeat, self.seed)
        return (self.cell.digest, *shared)

    @cached_property
    def key(self) -> str:
        """Return the 16 hexadecimal digits under which the result is stored."""
        return _digest([self.cell.digest, self.repeat, self.fold, self.seed, self.part])


@dataclass(frozen=True)
class Job:
    """A cell with the runs that are wanted of it."""

    cell: Cell
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Row:
    """A row of the leaderboard: a method as published, or with ``trials`` trials a run."""

    method: Method
    trials: int = 0

    @property
    def label(self) -> str:
        """Return the name of the row."""
        return self.method.tuned_row if self.trials else self.method.row


@dataclass(frozen=True)
class Ground:
    """A data set made ready in one view: which features and which splits, by path and by hash."""

    dataset: Dataset
    view: ViewName
    features_path: Path
    features_hash: str
    splits_path: Path
    splits: Splits


def expand(
    suite: Suite, registry: Registry, grounds: list[Ground], repeats: int | None = None
) -> list[Job]:
    """Return one job for each row in each section, the first ``repeats`` repeats of it.

    A row whose view is the same in two sections is one job; one without its ground is none.
    """
    jobs: dict[str, Job] = {}
    wanted = rows(suite, registry)
    ready = {(ground.dataset.name, ground.view): ground for ground in grounds}
    parts = {name: _part_hashes(ground.splits, repeats) for name, ground in ready.items()}
    for dataset, section in sections(suite, registry):
        for row in wanted:
            name = (dataset.name, view_of(row.method, dataset, section, registry).name)
            if name in ready:
                cell = _cell(suite, registry, ready[name], row)
                places = _places(suite, parts[name])
                runs = (Run(cell, *place, part=parts[name][place[:2]]) for place in places)
                jobs.setdefault(cell.digest, Job(cell, tuple(runs)))
    return list(jobs.values())


def rows(suite: Suite, registry: Registry) -> tuple[Row, ...]:
    """Return the rows of the leaderboard: each method as published, then tuned where it can be."""
    untunable = untuned(suite, registry)
    return tuple(
        Row(method, trials)
        for method in suite.methods
        for trials in sorted({0, suite.trials(method)})
        if trials == 0 or method.row not in untunable
    )


def untuned(suite: Suite, registry: Registry) -> dict[str, str]:
    """Return why a method that the suite gives trials has no tuned row, by its row."""
    budgeted = [method for method in suite.methods if suite.trials(method)]
    why = {m.row: why_untuned(registry.record(Aggregator, m.name)) for m in budgeted}
    return {row: reason for row, reason in why.items() if reason}


def settings_digest(suite: Suite, registry: Registry, row: Row, dataset: str) -> str:
    """Return what names the settings of a row on a data set, its splits included."""
    method = row.method
    record = registry.record(Aggregator, method.name)
    content = {
        "precision": precision_of(suite, method, dataset),
        "aggregator": registry.find("aggregator", method.name).full_name,
        "args": args_of(method, dataset),
        "recipe": _named(asdict(recipe_of(suite, method, record, dataset))),
        "splits": suite.splits.named(),
        "protocol": [
            suite.protocol.standardise,
            suite.protocol.threshold,
            suite.protocol.order,
        ],
    }
    content = _named(content)
    tuning = tuning_of(suite, registry, row, dataset)
    return _digest(content if tuning is None else content | {"tuning": asdict(tuning)})


def tuning_of(suite: Suite, registry: Registry, row: Row, dataset: str) -> Tuning | None:
    """Return what each run of a tuned row tries on a data set; None for a published one.

    Without a name of a data set the points are those of none, and the space is the same.
    """
    if not row.trials:
        return None
    offer = registry.find("aggregator", row.method.name)
    record = registry.record(Aggregator, row.method.name)
    search = search_of(record, recipe_of(suite, row.method, record, dataset))
    trained_as = registry.record(Dataset, dataset).trained_as if dataset else ""
    return draw(search, row.trials, trained_as or dataset, offer.full_name)


def recipe_of(suite: Suite, method: Method, record: Aggregator, dataset: str) -> Recipe:
    """Return the method's recipe: the plugin's, then the suite's, the row's, the data set's."""
    chosen = dict(suite.train.given()) | method.train.given()
    if dataset in method.on:
        chosen |= method.on[dataset].train.given()
    return replace(record.recipe, **chosen)


def precision_of(suite: Suite, method: Method, dataset: str) -> Precision:
    """Return the precision asked of a row on a data set: the nearest one that is set."""
    on = [method.on[dataset].train] if dataset in method.on else []
    asked = (train.precision for train in (*on, method.train, suite.train))
    return next((precision for precision in asked if precision is not None), "float32")


def args_of(method: Method, dataset: str) -> dict[str, Any]:
    """Return the constructor settings of a row on a data set."""
    return method.args | (method.on[dataset].args if dataset in method.on else {})


def _cell(suite: Suite, registry: Registry, ground: Ground, row: Row) -> Cell:
    method = row.method
    record = registry.record(Aggregator, method.name)
    dataset = ground.dataset.name
    return Cell(
        suite=suite.name,
        dataset=dataset,
        encoder=ground.view.encoder,
        method=method.row,
        aggregator=registry.find("aggregator", method.name).full_name,
        args=args_of(method, dataset),
        recipe=recipe_of(suite, method, record, dataset),
        standardise=suite.protocol.standardise,
        threshold=suite.protocol.threshold,
        features=ground.features_hash,
        split=split_digest(suite, ground.splits),
        code=code_hash(record),
        settings=settings_digest(suite, registry, row, dataset),
        order=suite.protocol.order,
        precision=precision_of(suite, method, dataset),
        trained_as=ground.dataset.trained_as,
        levels=ground.dataset.levels,
        tuning=tuning_of(suite, registry, row, dataset),
        tiler=ground.view.tiler,
    )


def _part_hashes(splits: Splits, repeats: int | None) -> dict[tuple[int, int], str]:
    wanted = splits.n_repeats if repeats is None else min(repeats, splits.n_repeats)
    places = [(repeat, fold) for repeat in range(wanted) for fold in range(splits.n_folds)]
    return {place: part_hash(splits, *place) for place in places}


def _places(suite: Suite, parts: dict[tuple[int, int], str]) -> Iterator[tuple[int, int, int]]:
    for repeat, fold in parts:
        for seed in range(suite.protocol.seeds):
            yield repeat, fold, seed


def split_digest(suite: Suite, splits: Splits) -> str:
    """Return what names a family of splits: its plan without the count of repeats, and its bags.

    Given splits follow from no plan, so their content names them. Folds by site follow from the
    sites too, which a table may correct: the folds of the first repeat name them.
    """
    more = [splits.hash] if suite.splits.scheme == "given" else []
    if suite.splits.group == "site":
        more = [part_hash(splits, 0, fold) for fold in range(splits.n_folds)]
    return _digest([suite.splits.named(), splits.bag_ids, splits.groups, *more])


def part_hash(splits: Splits, repeat: int, fold: int) -> str:
    """Return the hash of the role of every bag in one fold."""
    roles = splits.roles[repeat, fold].tolist()
    return roles_hash(list(zip(splits.bag_ids, roles, strict=True)))


def roles_hash(roles: list[tuple[str, int]]) -> str:
    """Return the hash of bags and their roles, in the order of the data set."""
    return _digest(roles)


def _named(content: dict[str, Any]) -> dict[str, Any]:
    """Return ``content`` as it is hashed, without what is as it was before it could be said."""
    return {n: v for n, v in content.items() if n not in LATER or v != LATER[n]}


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:16]
