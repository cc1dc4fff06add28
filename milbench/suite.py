"""What a suite file may say: data sets, splits, protocol, methods, report.

A suite is a TOML file. Every fault in it is listed at once, each with its path and, for a
misspelt key, the nearest right one.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from milbench.errors import SuiteError
from milbench.own_data import OwnData, named_too
from milbench.search import TUNED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Name = Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+/)?[a-z][a-z0-9-]*$")]
Encoded = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9._-]+/)?[a-z][a-z0-9-]*(@(float32|bfloat16|float16))?$")
]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/+-]*$", max_length=60)]
Row = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/+-]*( \(tuned\))?$", max_length=70)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[int, Field(ge=1)]
Precision = Literal["float32", "bfloat16"]

OWN_PARTS = ("official", "given")  # schemes whose validation parts are those of the data set


class _Section(BaseModel):
    """One table of a suite file: no unknown keys, no silent conversions, no changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Splits(_Section):
    """How bags are divided; drawn once and stored beside the results.

    ``published`` takes the published test folds of a data set where it has them and draws the
    rest as ``kfold``. ``given`` takes the splits file of each own data set. ``group`` is what no
    test part shares with the bags that a fold trains and validates on.
    """

    scheme: Literal["kfold", "published", "official", "monte-carlo", "given"] = "kfold"
    repeats: Positive = 3
    folds: Positive = 5
    validation: Share = 0.2
    test: Share = 0.2
    seed: int = 1
    leaks: Literal["refused", "allowed"] = "refused"
    group: Literal["patient", "site"] = "patient"

    @property
    def later(self) -> set[str]:
        """Return the keys that could be said only later, as far as they are as it was before."""
        before = {"leaks": "refused", "group": "patient"}
        return {key for key, value in before.items() if getattr(self, key) == value}

    def named(self) -> dict[str, Any]:
        """Return what names a family of splits: all but the count of repeats.

        What could be said only later is left out as long as it is as it was before, so that
        results from before keep their names.
        """
        return self.model_dump(exclude={"repeats", *self.later})


class Tune(_Section):
    """The tuning budget of a run, the published setting included; 0 for no tuned row."""

    trials: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _compares_something(self) -> Tune:
        if self.trials == 1:
            raise ValueError(
                "1 trial is the published setting alone; use 2 or more, or 0 for no tuned row"
            )
        return self


class Train(_Section):
    """Fields of a method's recipe that a suite overrides, and the budget to tune them.

    See ``milbench.Recipe``; ``tune`` adds a tuned row beside the published one, and ``precision``
    names the numbers that a method is trained in.
    """

    optimizer: Literal["adam", "adamw", "sgd", "radam", "lookahead-radam", "rmsprop"] | None = None
    lr: Annotated[float, Field(gt=0)] | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    decay: Literal["all", "matrices"] | None = None
    betas: tuple[Share, Share] | None = None
    momentum: Share | None = None
    nesterov: bool | None = None
    schedule: Literal["constant", "cosine", "plateau"] | None = None
    final_lr: Annotated[float, Field(ge=0)] | None = None
    epochs: Positive | None = None
    patience: Annotated[int, Field(ge=0)] | None = None
    select: Literal["best", "last"] | None = None
    precision: Precision | None = None
    tune: Tune | None = None

    def given(self) -> dict[str, Any]:
        """Return the fields of a recipe that the file sets."""
        return self.model_dump(exclude_unset=True, exclude={"tune", "precision"})


class Protocol(_Section):
    """What the harness does the same for every method.

    ``standardise`` scales each feature by the mean and standard deviation of the training
    instances. ``threshold`` decides a binary bag at probability 0.5, or at the value that
    separates the validation bags best (Youden). ``seeds`` trainings are run on every fold.
    ``order`` of the bags is drawn for each repeat and seed, or is ``common`` to all of them: then
    all trainings of a method on a data set go side by side, and the spread over seeds holds no
    spread of orders.
    """

    standardise: bool = True
    threshold: Literal["half", "validation"] = "half"
    seeds: Positive = 1
    order: Literal["per-seed", "common"] = "per-seed"


class Report(_Section):
    """What the leaderboard compares, fixed before the run."""

    reference: Row | None = None
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    rope: Annotated[float, Field(ge=0, lt=0.5)] = 0.01
    draws: Annotated[int, Field(ge=200)] = 10_000
    metrics: tuple[str, ...] = ("balanced-accuracy", "average-precision", "log-loss")


class Tiling(_Section):
    """A tiler with its settings; the name alone stands for it without any."""

    name: Name
    args: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: Any) -> Any:
        return {"name": given} if isinstance(given, str) else given


class Override(_Section):
    """Settings of one method on one data set."""

    args: dict[str, Any] = Field(default_factory=dict)
    train: Train = Train()


class Method(_Section):
    """One row of the leaderboard: an aggregator with its settings.

    ``tiler`` and ``encoder`` are for a method that sees the bags in another way than the others.
    """

    name: Name
    label: Label | None = None
    tiler: Tiling | None = None
    encoder: Encoded | None = None
    args: dict[str, Any] = Field(default_factory=dict)
    train: Train = Train()
    on: dict[str, Override] = Field(default_factory=dict)

    @property
    def row(self) -> str:
        """Return the label shown in tables; the aggregator's name when none is given."""
        return self.label or self.name

    @property
    def tuned_row(self) -> str:
        """Return the label of the tuned row beside it."""
        return self.row + TUNED


class Suite(_Section):
    """A whole suite file; without data sets it is for those of ``milbench run --bags``."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    summary: str = ""
    datasets: tuple[Name, ...] = ()
    dataset: tuple[OwnData, ...] = ()
    tilers: tuple[Tiling, ...] = ()
    encoders: tuple[Encoded, ...] = ()
    splits: Splits = Splits()
    protocol: Protocol = Protocol()
    train: Train = Train()
    report: Report = Report()
    methods: Annotated[tuple[Method, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_consistent(self) -> Suite:
        faults = list(_inconsistencies(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def trials(self, method: Method) -> int:
        """Return the trials that the suite gives a run of ``method``; 0 for no tuned row."""
        tune = method.train.tune or self.train.tune
        return 0 if tune is None else tune.trials

    @property
    def digest(self) -> str:
        """Return 16 hexadecimal digits that name the content of the suite."""
        # Suites from before keep their digest.
        later: dict[str, Any] = {"dataset": True}
        if self.dataset:
            later["dataset"] = {
                place: {"slides"} for place, own in enumerate(self.dataset) if not own.slides
            }
        if self.splits.later:
            later["splits"] = dict.fromkeys(self.splits.later, True)
        return sha256(self.model_dump_json(exclude=later).encode()).hexdigest()[:16]

    def in_precision(self, precision: Precision) -> Suite:
        """Return the same suite with every method trained in ``precision``."""
        data = self.model_dump(mode="json", exclude_unset=True)
        for method in data["methods"]:
            for place in (method, *method.get("on", {}).values()):
                place.get("train", {}).pop("precision", None)
        data["train"] = data.get("train", {}) | {"precision": precision}
        return _validated(data)


def _inconsistencies(suite: Suite) -> Iterator[str]:
    yield from _own_inconsistencies(suite)
    rows = [method.row for method in suite.methods]
    tuned = [method for method in suite.methods if suite.trials(method)]
    for row in sorted({row for row in rows if rows.count(row) > 1}):
        yield f"methods: {row!r} appears {rows.count(row)} times; give each row its own label"
    for name in sorted({name for name in suite.datasets if suite.datasets.count(name) > 1}):
        yield f"datasets: {name!r} appears {suite.datasets.count(name)} times"
    for method in suite.methods:
        for name in method.on:
            if name not in suite.datasets:
                yield f"methods: {method.row!r} has settings on {name!r}, which is no data set here"
            if method.on[name].train.tune is not None:
                yield (
                    f"methods: {method.row!r} has a tuning budget on {name!r}; a row has one for "
                    "all data sets: give it in [train] or in the method's train"
                )
    if tuned and suite.splits.validation == 0 and suite.splits.scheme not in OWN_PARTS:
        yield "train.tune: without validation bags nothing is chosen; set splits.validation above 0"
    rows += [method.tuned_row for method in tuned]
    reference = suite.report.reference
    if reference is not None and reference not in rows:
        yield f"report.reference: {reference!r} is no row of this suite; rows: {', '.join(rows)}"
    yield from _impossible_splits(suite.splits)


def _impossible_splits(splits: Splits) -> Iterator[str]:
    if splits.leaks == "allowed" and splits.scheme != "given":
        yield "splits.leaks: only splits of the scheme 'given' can leak; leave the key out"
    if splits.group == "site" and splits.scheme != "kfold":
        yield (
            f"splits.group: folds by site are drawn here, and the scheme is {splits.scheme!r}; "
            "set splits.scheme = 'kfold', or leave the key out"
        )
    if splits.scheme in ("kfold", "published") and splits.folds == 1:
        yield f"splits.folds: {splits.folds} fold leaves nothing to train on; use 2 or more"


def _own_inconsistencies(suite: Suite) -> Iterator[str]:
    names = [own.name for own in suite.dataset]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"dataset: {names.count(name)} tables are called {name!r}"
    if suite.splits.scheme == "given":
        lacking = [name for name in suite.datasets if name not in names]
        lacking += [own.name for own in suite.dataset if not own.splits]
        if lacking:
            yield (
                f"splits.scheme: 'given' takes the splits file of each [[dataset]], and "
                f"{', '.join(map(repr, lacking))} has none"
            )


def load_suite(path: Path, precision: Precision | None = None) -> Suite:
    """Read and check the suite file at ``path``.

    Parameters
    ----------
    precision
        Of every method, whatever the file says; as the file says when None.

    Raises
    ------
    SuiteError
        If the file is absent, is not TOML, or has faults; all of them are listed.
    """
    data = read_suite(path)
    found = structural_faults(data)
    if found:
        raise SuiteError(listing(path, found))
    suite = _validated(data)
    return suite if precision is None else suite.in_precision(precision)


def read_suite(path: Path) -> dict[str, Any]:
    """Return the tables of the TOML file at ``path``, unchecked.

    Raises
    ------
    SuiteError
        If the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SuiteError(f"{path}: no such suite file; milbench list suites") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SuiteError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SuiteError(f"{path}: not a TOML file: {error}") from error


def structural_faults(data: dict[str, Any]) -> list[str]:
    """Return one line for each key or value of ``data`` that a suite may not have."""
    try:
        _validated(data)
    except ValidationError as error:
        found = error.errors()
        places = {fault["loc"] for fault in found}
        return [_line(fault) for fault in found if not _follows(fault, places)]
    except TypeError as error:  # a TOML date has no place in a suite
        return [f"{error}; dates are not used in suites"]
    return []


def listing(path: Path, faults: list[str]) -> str:
    """Return the message that lists ``faults`` of the suite file at ``path``."""
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return "\n  ".join([f"{path}: {count}", *faults])


def _validated(data: dict[str, Any]) -> Suite:
    # By way of JSON, where a strict model still takes an array for a tuple.
    return Suite.model_validate_json(json.dumps(named_too(data)))


def _follows(fault: Any, places: set[tuple[int | str, ...]]) -> bool:
    """Return whether a list is called too short only because its entries have faults."""
    place = fault["loc"]
    inside = (other for other in places if other[: len(place)] == place and other != place)
    return fault["type"] == "too_short" and any(inside)


def _line(fault: Any) -> str:
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in fault["loc"]).lstrip(".")
    if fault["type"] == "extra_forbidden":
        return f"{place}: unknown key{_nearest(fault['loc'])}"
    if fault["type"] == "missing":
        return f"{place}: is missing"
    message = re.sub(r"^Value error, ", "", fault["msg"])
    if not place:
        return message
    return f"{place}: {message[0].lower()}{message[1:]}; found {_shown(fault['input'])}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004  # one line of a terminal


def _nearest(place: tuple[int | str, ...]) -> str:
    whole = (Suite, Splits, Train, Tune, Protocol, Report, Method, Override, Tiling)
    sections = (OwnData,) if place[0] == "dataset" else whole
    known = sorted({field for section in sections for field in section.model_fields})
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known keys: {', '.join(known)}"
