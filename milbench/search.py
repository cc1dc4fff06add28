"""What tuning tries: a space around a method's published setting, and the trials drawn from it.

Trials follow from names alone. The values of a key are the points of an additive recurrence,
``(start + number * step) mod 1``, which fill the space evenly however many are taken, so that a
larger budget begins with the trials of a smaller one. Steps for several keys: M. Roberts, "The
Unreasonable Effectiveness of Quasirandom Sequences", 2018,
https://extremelearning.com.au/unreasonable-effectiveness-of-quasirandom-sequences/.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from milbench.errors import PluginError
from milbench.recipe import Recipe
from milbench.seeds import seed
from milbench.space import Choice, LogUniform, Space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.records import Aggregator

TUNED = " (tuned)"  # after a row's label; no label that a suite may give has brackets

RECIPE_FIELDS = frozenset(field.name for field in fields(Recipe))

# None, and what is published with TransMIL (1e-5), ABMIL (1e-4) and DSMIL (1e-3).
WEIGHT_DECAYS = (0.0, 1e-5, 1e-4, 1e-3)


@dataclass(frozen=True)
class Tuning:
    """What each run of a tuned row tries.

    Parameters
    ----------
    space
        In words, by key.
    trials
        The settings of each trial; those of the first, the published setting, are empty.
    """

    space: dict[str, str]
    trials: tuple[dict[str, Any], ...]


def default_search(recipe: Recipe) -> dict[str, Space]:
    """Return the space of a method that declares none.

    The learning rate up to ten times lower or higher: the published rates of MIL methods span a
    factor of ten, from 1e-4 (DSMIL) to 1e-3. And the usual weight decays with that of ``recipe``.
    """
    decays = sorted({*WEIGHT_DECAYS, recipe.weight_decay})
    return {
        "lr": LogUniform(recipe.lr / 10, recipe.lr * 10),
        "weight_decay": Choice(tuple(decays)),
    }


def search_of(record: Aggregator, recipe: Recipe) -> Mapping[str, Space]:
    """Return the space of a method: what it declares, else the default around ``recipe``."""
    return default_search(recipe) if record.search is None else record.search


def why_untuned(record: Aggregator) -> str:
    """Return why a method has no tuned row, or empty text."""
    if record.search is not None and not record.search:
        return "it declares nothing to tune"
    try:
        target = record.load()
    except PluginError:
        return ""  # its published row fails with the reason; a stored tuned row stays in sight
    return "it has a fit of its own" if hasattr(target, "fit") else ""


def draw(search: Mapping[str, Space], trials: int, *names: str) -> Tuning:
    """Return ``trials`` trials in ``search``: the published setting, then points of the space.

    Parameters
    ----------
    names
        What the draw follows from: data set and aggregator.
    """
    keys = sorted(search)
    starts = [seed("tune", *names, key) / 2**32 for key in keys]
    steps = _steps(len(keys))
    drawn = (
        {
            key: search[key].at((start + number * step) % 1.0)
            for key, start, step in zip(keys, starts, steps, strict=True)
        }
        for number in range(1, trials)
    )
    return Tuning({key: str(search[key]) for key in keys}, ({}, *drawn))


def _steps(count: int) -> list[float]:
    """Return one step a key: powers of 1 / g, where g > 1 solves g^(count + 1) = g + 1."""
    base = 2.0
    for _ in range(64):
        base = (1.0 + base) ** (1.0 / (count + 1))
    return [base**-power for power in range(1, count + 1)]
