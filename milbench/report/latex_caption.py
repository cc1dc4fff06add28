"""The caption of a LaTeX table: complete without the text around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.report.escape import escape
from milbench.report.footnotes import detectable
from milbench.report.grids import shared_codes
from milbench.report.latex_style import column
from milbench.stats.codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from milbench.leaderboard.table import Leaderboard, Section
    from milbench.report.latex_style import Column, Style


def caption(
    leaderboard: Leaderboard, sections: Sequence[Section], columns: Sequence[Column], style: Style
) -> Iterator[str]:
    """Yield the sentences under the table of some data sets."""
    names = ", ".join(escape(place(section)) for section in sections)
    splits = f"; {escape(leaderboard.splits)}" if leaderboard.splits else ""
    yield rf"Value$\pm$SD on {names}{splits}."
    shares = dict.fromkeys(each.name for each in columns if each.scale != 1)
    if shares:
        yield rf"{', '.join(shares)} in \%."
    several = [escape(section.dataset) for section in sections if section.several is not None]
    if several:
        yield f"Of several labels a bag, the mean over labels: {', '.join(several)}."
    yield from _bold(leaderboard, sections, style)
    if not sections[0].level and (len(sections) == 1 or leaderboard.overall is None):
        yield "Rank: the interval that these tests leave open."
    yield from _marks(leaderboard, sections)
    yield from (escape(section.tree) for section in sections if section.tree)
    yield from (
        escape(f"{section.dataset}: {section.precision}")
        for section in sections
        if section.precision
    )
    if leaderboard.trials:
        budgets = " or ".join(map(str, leaderboard.trials))
        yield f"Tuned: {budgets} trials a run, chosen on its inner validation bags."
    yield from (text for section in sections for text in _smallest(section, style))
    yield from (text for section in sections for text in _warnings(section))
    if any(not row.runs.is_complete for section in sections for row in section.rows):
        yield "In brackets: finished of the planned runs, not tested."
    yield signature(leaderboard)


def overall_caption(leaderboard: Leaderboard) -> Iterator[str]:
    """Yield the sentences under the table over all data sets."""
    overall = leaderboard.overall
    if overall is None:
        return
    yield f"The methods over {len(overall.datasets)} data sets. {escape(overall.note)}"
    if overall.across is not None:
        yield (
            "Mean rank with its interval over draws of cohorts. Rank: what the tests leave open. "
            "Methods that share a letter were not told apart."
        )
    if overall.reference is not None:
        yield (
            f"Win/tie/loss: against {escape(overall.reference)}; ties are differences up to "
            f"{leaderboard.rope:g}."
        )
    for text in (MEANINGS[code] for code in overall.codes):  # type: ignore[index]
        yield escape(f"{text[0].upper()}{text[1:]}.")
    yield signature(leaderboard)


def place(section: Section) -> str:
    """Return the name of a data set, with that of a coarse level."""
    return f"{section.dataset}, {section.level}" if section.level else section.dataset


def signature(leaderboard: Leaderboard) -> str:
    """Return the suite and the version that a table is from."""
    version = "".join(f"{name} {text}" for name, text in leaderboard.versions if name == "milbench")
    return escape(f"Suite {leaderboard.suite}; {version}.")


def _bold(leaderboard: Leaderboard, sections: Sequence[Section], style: Style) -> Iterator[str]:
    if style.bold == "best":
        yield "Bold: best; underlined: second best, whether or not they differ."
    elif any(row.is_top for section in sections for row in section.rows):
        test = "corrected resampled $t$-test" if leaderboard.scores_from else "patient-level test"
        yield (
            f"Bold: best and all not significantly worse ({test}, Holm, "
            rf"$\alpha={leaderboard.alpha:g}$)."
        )


def _marks(leaderboard: Leaderboard, sections: Sequence[Section]) -> Iterator[str]:
    references = dict.fromkeys(s.reference for s in sections if s.reference is not None)
    if references and leaderboard.scores_from:
        yield (
            rf"$\ast$: differs from {' or '.join(map(escape, references))} by the corrected "
            r"resampled $t$-test; $\downarrow$: worse."
        )
    elif references:
        yield (
            rf"$\dagger$/$\ddagger$: differs from {' or '.join(map(escape, references))} by the "
            r"patient-level / also by the corrected resampled $t$-test; $\downarrow$: worse."
        )


def _smallest(section: Section, style: Style) -> Iterator[str]:
    bounds = detectable(section)
    if bounds is None:
        return
    primary = column(section, section.metric, style)
    low, high = (primary.text(value) for value in bounds)
    size = low if low == high else f"{low} to {high}"
    yield f"Smallest detectable difference on {escape(section.dataset)}: {size}."


def _warnings(section: Section) -> Iterator[str]:
    shared = shared_codes(section)
    for text in (text for code, text in MEANINGS.items() if code in shared):
        yield escape(f"On {section.dataset}: {text}.")
