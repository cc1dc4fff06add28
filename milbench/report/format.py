"""Numbers and names as text, decided once for every writer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milbench.leaderboard.table import Runs, Versus

MISSING = "-"
MARKS = {"": "", "star": "*", "dagger": "†", "double-dagger": "‡"}

# Shown in percent where space is short; the other metrics are not shares.
SHARES = frozenset(
    {
        "auroc",
        "average-precision",
        "accuracy",
        "balanced-accuracy",
        "f1",
        "sensitivity",
        "specificity",
        "sensitivity-at-95-specificity",
        "hierarchical-f",
        "consistency",
        "fine-given-coarse",
        "hand-till",
        "weighted-auroc",
        "weighted-f1",
        "top-2-accuracy",
        "within-one-accuracy",
    }
)


# Where a column must be narrow.
SHORT_TITLES = {
    "average-precision": "AP",
    "balanced-accuracy": "Bal. acc.",
    "sensitivity": "Sens.",
    "specificity": "Spec.",
    "sensitivity-at-95-specificity": "Sens. at 95% spec.",
    "kappa": "Kappa",
    "quadratic-kappa": "QWK",
    "brier": "Brier",
    "hierarchical-f": "Hier. F",
    "fine-given-coarse": "Fine given coarse",
}


def number(value: float, decimals: int = 3) -> str:
    """Return ``value`` with fixed decimals; a dash where it is NaN."""
    if math.isnan(value):
        return MISSING
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text  # no minus zero


def signed(value: float, decimals: int = 3) -> str:
    """Return ``value`` with its sign, so that it reads as a difference."""
    text = number(value, decimals)
    return f"+{text}" if value > 0 and float(text) != 0 else text


def interval(low: float, high: float, decimals: int = 3) -> str:
    """Return ``[low, high]``, or nothing where there is no interval."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"[{number(low, decimals)}, {number(high, decimals)}]"


def seconds(value: float) -> str:
    """Return a duration to two or three figures, without its unit."""
    return number(value, 0 if value >= 100 else 1 if value >= 10 else 2)  # noqa: PLR2004  # figures


def count(value: float) -> str:
    """Return a whole number with separators; a mean over runs is rounded."""
    return MISSING if math.isnan(value) else f"{round(value):,}"


def rank(bounds: tuple[int, int] | None) -> str:
    """Return a rank interval as ``1-3``, or ``2`` where it is one rank."""
    if bounds is None:
        return MISSING
    low, high = bounds
    return str(low) if low == high else f"{low}-{high}"


def runs(counts: Runs) -> str:
    """Return ``done/planned`` and what happened to the others: ``23/25, 2 failed``."""
    parts = [f"{counts.done}/{counts.planned}"]
    parts += [f"{counts.failed} failed"] * bool(counts.failed)
    parts += [f"{counts.skipped} skipped"] * bool(counts.skipped)
    return ", ".join(parts)


def mark(versus: Versus | None) -> str:
    """Return the evidence mark, with an arrow where the method is worse than the reference."""
    if versus is None or not versus.mark:
        return ""
    return MARKS[versus.mark] + ("" if versus.is_better else "↓")


def machine(value: float | None) -> str:
    """Return ``value`` for another program: ten figures, empty where missing.

    Ten, because the last digits of a double differ between machines and would make a generated
    file change without a change of its records.
    """
    return "" if value is None or math.isnan(value) else f"{value:.10g}"


def printable(text: str) -> str:
    """Return ``text`` on one line, control characters written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def decimals(error: float) -> int:
    """Return how many decimals a standard error supports, 1 to 3: one beyond its first digit."""
    if not math.isfinite(error) or error <= 0:
        return 3
    return min(3, max(1, 1 - math.floor(math.log10(error))))
