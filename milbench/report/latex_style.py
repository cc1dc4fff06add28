"""How numbers stand in a LaTeX table: percent or fraction, which are bold, aligned by what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from milbench.report import format as write
from milbench.report.escape import escape

if TYPE_CHECKING:
    from milbench.leaderboard.table import Row, Score, Section

Bold = Literal["top-group", "best"]

MARKS = {"": "", "star": r"\ast", "dagger": r"\dagger", "double-dagger": r"\ddagger"}

# Half the width of a 95 % interval of a normal quantity is this many standard errors.
NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Style:
    r"""What an author chooses.

    Parameters
    ----------
    wide
        ``table*``, across both columns of a page, which holds more data sets.
    bold
        ``top-group``: the best method and each one that is not significantly worse; ``best``: the
        best alone, with the second best underlined.
    fraction
        Shares as fractions; else in percent.
    siunitx
        Columns of the package siunitx, aligned at the decimal point; else plain ones.
    """

    wide: bool = False
    bold: Bold = "top-group"
    fraction: bool = False
    siunitx: bool = False

    @property
    def span(self) -> int:
        """Return how many columns of LaTeX a metric takes: value, SD and mark apart, or one."""
        return 3 if self.siunitx else 1


@dataclass(frozen=True, slots=True)
class Column:
    """One metric of one data set: how its numbers are scaled and rounded."""

    section: Section
    metric: str
    style: Style
    scale: int
    decimals: int

    @property
    def is_primary(self) -> bool:
        """Return whether this metric ranks the data set and carries the marks."""
        return self.metric == self.section.metric

    @property
    def name(self) -> str:
        """Return the title of the metric, escaped."""
        score = self.section.rows[0].score(self.metric)
        return escape(write.SHORT_TITLES.get(self.metric, score.title))

    @property
    def title(self) -> str:
        """Return the head of the column."""
        score = self.section.rows[0].score(self.metric)
        head = self.name + ("" if score.greater_is_better else r" $\downarrow$")
        return rf"\multicolumn{{3}}{{c}}{{{head}}}" if self.style.siunitx else head

    @property
    def alignment(self) -> str:
        """Return the column's type in the preamble of the tabular."""
        if not self.style.siunitx:
            return "c"
        whole = max(_whole(self.text(v)) for row in self.section.rows for v in self._both(row))
        number = f"S[table-format={whole}.{self.decimals}]"
        return rf"{number}@{{${{}}\pm{{}}$}}{number}@{{}}l"

    def text(self, value: float) -> str:
        """Return a number of this column; a dash where it is NaN."""
        return write.number(value * self.scale, self.decimals)

    def cells(self, row: Row | None) -> str:
        """Return the cells of a row, joined; ``None`` for a method that the data set lacks."""
        if row is None:
            return self._spanning("--")
        value, sd = (self.text(number) for number in self._both(row))
        runs = self._runs(row)
        if value == write.MISSING:
            return self._spanning(f"--{runs}")
        if self.style.siunitx and sd != write.MISSING:
            mark = f"${self._mark(row)}$" if self._mark(row) else ""
            tail = f"{mark}{runs}".strip()
            return f"{self._aligned(value, row)} & {self._aligned(sd, row)} & {tail}"
        text = value if sd == write.MISSING else rf"{value}\pm{sd}"
        return self._spanning(f"${self._emphasised(text, row)}{self._mark(row)}${runs}")

    def _both(self, row: Row) -> tuple[float, float]:
        score = row.score(self.metric)
        return score.value, score.sd

    def _spanning(self, text: str) -> str:
        return rf"\multicolumn{{3}}{{c}}{{{text}}}" if self.style.siunitx else text

    def _emphasised(self, text: str, row: Row) -> str:
        command = {"bold": r"\mathbf", "second": r"\underline"}.get(self._emphasis(row))
        return rf"{command}{{{text}}}" if command else text

    def _aligned(self, text: str, row: Row) -> str:
        emphasis = self._emphasis(row)
        if emphasis == "bold":
            return rf"\bfseries {text}"
        # Underlined text is no number to siunitx: it is centred in its column.
        return rf"{{\underline{{{text}}}}}" if emphasis == "second" else text

    def _emphasis(self, row: Row) -> str:
        if not self.is_primary:
            return ""
        if self.style.bold == "top-group":
            return "bold" if row.is_top else ""
        first = ordered(self.section)[:2]
        return dict(zip(first, ("bold", "second"), strict=False)).get(row.method, "")

    def _mark(self, row: Row) -> str:
        if not self.is_primary or row.versus is None or not row.versus.mark:
            return ""
        worse = "" if row.versus.is_better else r"\downarrow"
        return f"^{{{MARKS[row.versus.mark]}{worse}}}"

    def _runs(self, row: Row) -> str:
        if not self.is_primary or row.runs.is_complete:
            return ""
        return rf" {{\scriptsize({row.runs.done}/{row.runs.planned})}}"


def column(section: Section, metric: str, style: Style) -> Column:
    """Return a column whose numbers are rounded to the median standard error of its rows."""
    scale = 100 if metric in write.SHARES and not style.fraction else 1
    errors = [_error(row.score(metric)) * scale for row in section.rows]
    found = sorted(error for error in errors if error > 0)
    return Column(section, metric, style, scale, write.decimals(median(found) if found else 0.0))


def ordered(section: Section) -> list[str]:
    """Return the methods with all planned runs, best value first; undefined ones are left out."""
    ranked = [
        row for row in section.rows if row.runs.is_complete and not math.isnan(row.primary.value)
    ]
    sign = -1 if ranked and ranked[0].primary.greater_is_better else 1
    return [row.method for row in sorted(ranked, key=lambda row: sign * row.primary.value)]


def _error(score: Score) -> float:
    """Return the standard error, or the larger SD where no interval gives it."""
    width = score.high - score.low
    return width / (2 * NORMAL_95) if width > 0 else score.sd


def _whole(text: str) -> int:
    """Return the digits before the decimal point."""
    return len(text.partition(".")[0].lstrip("-"))
