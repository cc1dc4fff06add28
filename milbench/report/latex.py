r"""Write a leaderboard as LaTeX that compiles with ``booktabs`` alone.

One float holds a few data sets side by side, each with the primary and the first secondary metric,
and the rank interval where there is no mean rank over all; a single data set shows every metric.
Coarse levels of data sets follow in floats of their own.
Shares are in percent, and values are rounded to their standard error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from milbench.report import format as write
from milbench.report.escape import escape
from milbench.report.footnotes import detectable
from milbench.report.grids import shared_codes
from milbench.stats.codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.leaderboard.table import Leaderboard, Row, Score, Section, Standing

# Data sets that fit side by side in one column, and across both columns of a journal page.
NARROW, WIDE = 2, 4

MARKS = {"": "", "dagger": r"\dagger", "double-dagger": r"\ddagger"}

# Half the width of a 95 % interval of a normal quantity is this many standard errors.
NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Column:
    """One metric of one data set: how its numbers are scaled and rounded."""

    section: Section
    metric: str
    scale: int
    decimals: int

    @property
    def is_primary(self) -> bool:
        """Return whether this metric ranks the data set and carries the marks."""
        return self.metric == self.section.metric


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one float: a group a data set, and the mean rank where there is one.

    ``has_ranks`` adds the rank interval of each data set; ``standings`` is None without mean ranks.
    """

    groups: list[list[Column]]
    has_ranks: bool
    standings: tuple[Standing, ...] | None

    def width(self, group: list[Column]) -> int:
        """Return the columns that a data set takes."""
        return len(group) + self.has_ranks


def to_latex(leaderboard: Leaderboard, *, wide: bool = False) -> str:
    r"""Return one ``table`` float, or several when the data sets do not fit side by side.

    Parameters
    ----------
    wide
        Use ``table*``, which spans both columns of a page and holds more data sets.
    """
    held = WIDE if wide else NARROW
    shown = [section for section in leaderboard.sections if section.rows]
    # Coarse levels have floats of their own: other metrics, and no ranks.
    kinds = ([s for s in shown if not s.level], [s for s in shown if s.level])
    chunks = [tuple(k[start : start + held]) for k in kinds for start in range(0, len(k), held)]
    floats = [_float(leaderboard, chunk, number, wide) for number, chunk in enumerate(chunks)]
    skipped = [_comment(f"Skipped {s.dataset}: {s.reason}") for s in leaderboard.skipped]
    return "\n".join([r"% Needs \usepackage{booktabs} in the preamble.", *skipped, *floats]) + "\n"


def _float(leaderboard: Leaderboard, sections: tuple[Section, ...], number: int, wide: bool) -> str:
    environment = "table*" if wide else "table"
    suffix = f"-{number + 1}" if number else ""
    label = re.sub(r"[^A-Za-z0-9-]", "-", leaderboard.suite) + suffix
    return "\n".join(
        [
            rf"\begin{{{environment}}}[t]\centering\small\setlength{{\tabcolsep}}{{4pt}}",
            rf"\caption{{{' '.join(_caption(leaderboard, sections))}}}\label{{tab:{label}}}",
            *_tabular(leaderboard, sections),
            rf"\end{{{environment}}}",
        ]
    )


def _tabular(leaderboard: Leaderboard, sections: tuple[Section, ...]) -> Iterator[str]:
    is_alone, is_coarse = len(sections) == 1, bool(sections[0].level)
    overall = leaderboard.overall
    layout = Layout(
        groups=[_columns(section, is_alone=is_alone) for section in sections],
        has_ranks=not is_coarse and (is_alone or overall is None),
        standings=overall.standings if overall is not None and not is_coarse else None,
    )
    yield rf"\begin{{tabular}}{{{_alignment(layout)}}}\toprule"
    yield _heading(layout)
    yield _subheading(layout)
    for method in _methods(leaderboard, sections):
        yield _line(layout, method)
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _alignment(layout: Layout) -> str:
    groups = "".join(" " + "c" * layout.width(group) for group in layout.groups)
    return f"l{groups}{' c' if layout.standings is not None else ''}"


def _heading(layout: Layout) -> str:
    cells, rules, start = [""], [], 2
    for group in layout.groups:
        width = layout.width(group)
        cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(_place(group[0].section))}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    cells += [""] * (layout.standings is not None)
    return " & ".join(cells) + r" \\ " + "".join(rules)


def _subheading(layout: Layout) -> str:
    cells = ["Method"]
    for group in layout.groups:
        cells += [*(_title(column) for column in group), *["Rank"] * layout.has_ranks]
    cells += ["Mean rank"] * (layout.standings is not None)
    return " & ".join(cells) + r" \\ \midrule"


def _title(column: Column) -> str:
    score = column.section.rows[0].score(column.metric)
    return _name(column) + ("" if score.greater_is_better else r" $\downarrow$")


def _name(column: Column) -> str:
    score = column.section.rows[0].score(column.metric)
    return escape(write.SHORT_TITLES.get(column.metric, score.title))


def _line(layout: Layout, method: str) -> str:
    cells = [escape(method)]
    for group in layout.groups:
        row = _row(group[0].section, method)
        cells += ["--" if row is None else _value(column, row) for column in group]
        cells += [_rank(row)] * layout.has_ranks
    if layout.standings is not None:
        cells.append(_mean_rank(layout.standings, method))
    return " & ".join(cells) + r" \\"


def _value(column: Column, row: Row) -> str:
    score = row.score(column.metric)
    text = _spread(score, column)
    if not column.is_primary:
        return text if text == "--" else f"${text}$"
    runs = "" if row.runs.is_complete else rf" {{\scriptsize({row.runs.done}/{row.runs.planned})}}"
    if text == "--":
        return text + runs
    body = rf"\mathbf{{{text}}}" if row.is_top else text
    return f"${body}{_mark(row)}${runs}"


def _spread(score: Score, column: Column) -> str:
    value, sd = (
        write.number(number * column.scale, column.decimals) for number in (score.value, score.sd)
    )
    if value == write.MISSING:
        return "--"
    return value if sd == write.MISSING else rf"{value}\pm{sd}"


def _mark(row: Row) -> str:
    if row.versus is None or not row.versus.mark:
        return ""
    worse = "" if row.versus.is_better else r"\downarrow"
    return f"^{{{MARKS[row.versus.mark]}{worse}}}"


def _rank(row: Row | None) -> str:
    return write.rank(row.rank if row is not None else None).replace("-", "--")


def _mean_rank(standings: tuple[Standing, ...], method: str) -> str:
    found = (write.number(s.mean_rank, 2) for s in standings if s.method == method)
    return next(found, write.MISSING).replace(write.MISSING, "--")


def _columns(section: Section, *, is_alone: bool) -> list[Column]:
    metrics = (section.metric, *(section.secondary if is_alone else section.secondary[:1]))
    return [_column(section, metric) for metric in metrics]


def _column(section: Section, metric: str) -> Column:
    scale = 100 if metric in write.SHARES else 1
    errors = sorted(
        error for error in (_error(row.score(metric)) * scale for row in section.rows) if error > 0
    )
    return Column(section, metric, scale, write.decimals(median(errors) if errors else 0.0))


def _error(score: Score) -> float:
    """Return the standard error, or the larger SD where no interval gives it."""
    width = score.high - score.low
    return width / (2 * NORMAL_95) if width > 0 else score.sd


def _methods(leaderboard: Leaderboard, sections: tuple[Section, ...]) -> list[str]:
    ranked = leaderboard.overall.standings if leaderboard.overall else ()
    names = [s.method for s in ranked] + [row.method for s in sections for row in s.rows]
    return list(dict.fromkeys(names))


def _row(section: Section, method: str) -> Row | None:
    return next((row for row in section.rows if row.method == method), None)


def _caption(leaderboard: Leaderboard, sections: tuple[Section, ...]) -> Iterator[str]:
    names = ", ".join(escape(_place(section)) for section in sections)
    splits = f"; {escape(leaderboard.splits)}" if leaderboard.splits else ""
    yield rf"Value$\pm$SD on {names}{splits}."
    columns = [c for s in sections for c in _columns(s, is_alone=len(sections) == 1)]
    shares = dict.fromkeys(_name(column) for column in columns if column.scale != 1)
    if shares:
        yield rf"{', '.join(shares)} in \%."
    if any(row.is_top for section in sections for row in section.rows):
        yield (
            "Bold: best and all not significantly worse (patient-level test, Holm, "
            rf"$\alpha={leaderboard.alpha:g}$)."
        )
    if not sections[0].level and (len(sections) == 1 or leaderboard.overall is None):
        yield "Rank: the interval that these tests leave open."
    references = dict.fromkeys(s.reference for s in sections if s.reference is not None)
    if references:
        yield (
            rf"$\dagger$/$\ddagger$: differs from {' or '.join(map(escape, references))} by the "
            r"patient-level / also by the corrected resampled $t$-test; $\downarrow$: worse."
        )
    yield from (escape(section.tree) for section in sections if section.tree)
    yield from (
        escape(f"{section.dataset}: {section.precision}")
        for section in sections
        if section.precision
    )
    if leaderboard.trials:
        budgets = " or ".join(map(str, leaderboard.trials))
        yield f"Tuned: {budgets} trials a run, chosen on its inner validation bags."
    yield from (text for section in sections for text in _smallest(section))
    yield from (text for section in sections for text in _warnings(section))
    if any(not row.runs.is_complete for section in sections for row in section.rows):
        yield "In brackets: finished of the planned runs, not tested."
    yield escape(f"Suite {leaderboard.suite}; {_version(leaderboard)}.")


def _place(section: Section) -> str:
    return f"{section.dataset}, {section.level}" if section.level else section.dataset


def _smallest(section: Section) -> Iterator[str]:
    bounds = detectable(section)
    if bounds is None:
        return
    column = _column(section, section.metric)
    low, high = (write.number(value * column.scale, column.decimals) for value in bounds)
    size = low if low == high else f"{low} to {high}"
    yield f"Smallest detectable difference on {escape(section.dataset)}: {size}."


def _warnings(section: Section) -> Iterator[str]:
    shared = shared_codes(section)
    for text in (text for code, text in MEANINGS.items() if code in shared):
        yield escape(f"On {section.dataset}: {text}.")


def _version(leaderboard: Leaderboard) -> str:
    return "".join(f"{name} {text}" for name, text in leaderboard.versions if name == "milbench")


def _comment(text: str) -> str:
    return f"% {write.printable(text)}"
