"""Which statistical procedures a leaderboard rests on, each with the works to cite for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.metrics.definitions import find

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.leaderboard.table import Leaderboard, Section

Procedure = tuple[str, tuple[str, ...]]  # what was done, and keys of works.bib


def procedures(leaderboard: Leaderboard) -> Iterator[Procedure]:
    """Yield each procedure that was really used; nothing that only could have been."""
    fine = fine_sections(leaderboard)
    metrics = {metric for section in fine for metric in (section.metric, *section.secondary)}
    if any(find(metric).kind == "ranking" for metric in metrics):
        yield "means of the metric over folds", ("forman2010apples",)
    if "hand-till" in metrics:
        yield "M", ("hand2001simple",)
    if has_intervals(fine):
        yield "bootstrap over patients", ("efron1993introduction",)
    if tested(fine):
        yield "corrected resampled t-test", ("nadeau2003inference",)
    across = leaderboard.overall.across if leaderboard.overall is not None else None
    if tested(fine) or across is not None:
        yield "Holm's correction", ("holm1979simple",)
    if across is not None:
        yield "signed-rank test", ("wilcoxon1945individual", "benavoli2016should")
        yield "median difference", ("hodges1963estimates",)
        yield "probabilities over cohorts", ("benavoli2017time",)
    if across is not None and across.friedman:
        yield "description by ranks", ("friedman1937use", "iman1980approximations")


def fine_sections(leaderboard: Leaderboard) -> list[Section]:
    """Return the tables of data sets by their own classes, which rank the methods."""
    return [section for section in leaderboard.sections if not section.level]


def tested(sections: list[Section]) -> list[Section]:
    """Return the tables whose pairs of methods were tested."""
    return [section for section in sections if section.comparisons]


def has_intervals(sections: list[Section]) -> bool:
    """Return whether any value has an interval."""
    return any(row.primary.low == row.primary.low for s in sections for row in s.rows)  # not NaN
