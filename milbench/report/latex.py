r"""Write a leaderboard as LaTeX that compiles with ``booktabs`` alone, or with ``siunitx`` too.

One float holds a few data sets side by side, each with the primary and the first secondary metric,
and the rank interval where there is no mean rank over all; a single data set shows every metric.
Coarse levels of data sets follow in floats of their own, and the table over all data sets is last.
Values are rounded to their standard error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench.report import format as write
from milbench.report.escape import escape
from milbench.report.latex_caption import caption, overall_caption, place
from milbench.report.latex_style import Style, column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from milbench.leaderboard.table import Leaderboard, Overall, Row, Section, Standing
    from milbench.report.latex_style import Column

# Data sets that fit side by side in one column, and across both columns of a journal page.
NARROW, WIDE = 2, 4
# Data sets whose values fit into the table over all of them: one number each.
NARROW_OVERALL, WIDE_OVERALL = 4, 8

PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of one float: a group a data set, and the mean rank where there is one.

    ``has_ranks`` adds the rank interval of each data set; ``standings`` is None without mean ranks.
    """

    groups: list[list[Column]]
    has_ranks: bool
    standings: tuple[Standing, ...] | None

    def width(self, group: list[Column]) -> int:
        """Return the columns of LaTeX that a data set takes."""
        return sum(each.style.span for each in group) + self.has_ranks


def to_latex(leaderboard: Leaderboard, style: Style = PLAIN) -> str:
    r"""Return ``table`` floats: data sets side by side, several floats when they do not fit."""
    held = WIDE if style.wide else NARROW
    shown = [section for section in leaderboard.sections if section.rows]
    # Coarse levels have floats of their own: other metrics, and no ranks.
    kinds = ([s for s in shown if not s.level], [s for s in shown if s.level])
    chunks = [tuple(k[start : start + held]) for k in kinds for start in range(0, len(k), held)]
    floats = [_float(leaderboard, chunk, number, style) for number, chunk in enumerate(chunks)]
    if leaderboard.overall is not None:
        floats.append(_overall(leaderboard, leaderboard.overall, style))
    skipped = [_comment(f"Skipped {s.dataset}: {s.reason}") for s in leaderboard.skipped]
    return "\n".join([*_needs(style), *skipped, *floats]) + "\n"


def _needs(style: Style) -> Iterator[str]:
    yield r"% Needs \usepackage{booktabs} in the preamble."
    if style.siunitx:
        yield r"% Needs \usepackage{siunitx}\sisetup{detect-weight=true,mode=text} too."


def _float(
    leaderboard: Leaderboard, sections: tuple[Section, ...], number: int, style: Style
) -> str:
    groups = [_columns(section, style, is_alone=len(sections) == 1) for section in sections]
    columns = [each for group in groups for each in group]
    said = caption(leaderboard, sections, columns, style)
    suffix = f"-{number + 1}" if number else ""
    return _framed(leaderboard, suffix, said, _tabular(leaderboard, sections, groups), style)


def _framed(
    leaderboard: Leaderboard,
    suffix: str,
    said: Iterable[str],
    tabular: Iterable[str],
    style: Style,
) -> str:
    environment = "table*" if style.wide else "table"
    label = re.sub(r"[^A-Za-z0-9-]", "-", leaderboard.suite) + suffix
    return "\n".join(
        [
            rf"\begin{{{environment}}}[t]\centering\small\setlength{{\tabcolsep}}{{4pt}}",
            rf"\caption{{{' '.join(said)}}}\label{{tab:{label}}}",
            *tabular,
            rf"\end{{{environment}}}",
        ]
    )


def _columns(section: Section, style: Style, *, is_alone: bool) -> list[Column]:
    metrics = (section.metric, *(section.secondary if is_alone else section.secondary[:1]))
    return [column(section, metric, style) for metric in metrics]


def _tabular(
    leaderboard: Leaderboard, sections: tuple[Section, ...], groups: list[list[Column]]
) -> Iterator[str]:
    is_coarse, overall = bool(sections[0].level), leaderboard.overall
    layout = Layout(
        groups=groups,
        has_ranks=not is_coarse and (len(sections) == 1 or overall is None),
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
    groups = "".join(
        " " + "".join(each.alignment for each in group) + "c" * layout.has_ranks
        for group in layout.groups
    )
    return f"l{groups}{' c' if layout.standings is not None else ''}"


def _heading(layout: Layout) -> str:
    cells, rules, start = [""], [], 2
    for group in layout.groups:
        width = layout.width(group)
        cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(place(group[0].section))}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    cells += [""] * (layout.standings is not None)
    return " & ".join(cells) + r" \\ " + "".join(rules)


def _subheading(layout: Layout) -> str:
    cells = ["Method"]
    for group in layout.groups:
        cells += [*(each.title for each in group), *["Rank"] * layout.has_ranks]
    cells += ["Mean rank"] * (layout.standings is not None)
    return " & ".join(cells) + r" \\ \midrule"


def _line(layout: Layout, method: str) -> str:
    cells = [escape(method)]
    for group in layout.groups:
        row = _row(group[0].section, method)
        cells += [each.cells(row) for each in group]
        cells += [_range(write.rank(row.rank if row is not None else None))] * layout.has_ranks
    if layout.standings is not None:
        cells.append(_mean_rank(layout.standings, method))
    return " & ".join(cells) + r" \\"


def _mean_rank(standings: tuple[Standing, ...], method: str) -> str:
    found = (write.number(s.mean_rank, 2) for s in standings if s.method == method)
    return _dash(next(found, write.MISSING))


def _methods(leaderboard: Leaderboard, sections: tuple[Section, ...]) -> list[str]:
    ranked = leaderboard.overall.standings if leaderboard.overall else ()
    names = [s.method for s in ranked] + [row.method for s in sections for row in s.rows]
    return list(dict.fromkeys(names))


def _row(section: Section, method: str) -> Row | None:
    return next((row for row in section.rows if row.method == method), None)


def _overall(leaderboard: Leaderboard, overall: Overall, style: Style) -> str:
    """Return the float over all data sets; their values where there are few enough."""
    fine = [s for s in leaderboard.sections if not s.level and s.rows]
    held = WIDE_OVERALL if style.wide else NARROW_OVERALL
    columns = [_primary(fine, name, style) for name in overall.datasets]
    shown = columns if len(columns) <= held else []
    heads = ["Method", *(escape(name) for name in overall.datasets if shown), "Mean rank"]
    heads += ["Rank", "Letters"] * (overall.across is not None)
    heads += ["Win/tie/loss"] * (overall.reference is not None)
    lines = [
        rf"\begin{{tabular}}{{l{'c' * (len(heads) - 1)}}}\toprule",
        " & ".join(heads) + r" \\ \midrule",
        *(_standing(overall, standing, shown) for standing in overall.standings),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return _framed(leaderboard, "-overall", _over_all(leaderboard, shown), lines, style)


def _over_all(leaderboard: Leaderboard, columns: list[Column]) -> Iterator[str]:
    first, *others = overall_caption(leaderboard)
    yield first
    names = dict.fromkeys(c.name + (r" in \%" if c.scale != 1 else "") for c in columns)
    if names:
        yield f"Values: {', '.join(names)}."
    yield from others


def _primary(sections: list[Section], name: str, style: Style) -> Column:
    """Return the column of the metric that ranks a data set, called as the overall table does."""
    found = next(s for s in sections if name in (s.dataset, f"{s.dataset} ({s.encoder})"))
    return column(found, found.metric, style)


def _standing(overall: Overall, standing: Standing, columns: list[Column]) -> str:
    values = zip(columns, standing.values, strict=False)
    cells = [escape(standing.method), *(_dash(each.text(value)) for each, value in values)]
    cells.append(_spread_rank(overall, standing))
    if overall.across is not None:
        ranks, letters = overall.across.ranks, overall.across.letters
        cells.append(_range(write.rank(ranks.get(standing.method))))
        cells.append(letters.get(standing.method, "--"))
    if overall.reference is not None:
        tally = standing.tally
        word = "reference" if standing.method == overall.reference else "--"
        cells.append(word if tally is None else "/".join(map(str, tally)))
    return " & ".join(cells) + r" \\"


def _spread_rank(overall: Overall, standing: Standing) -> str:
    mean = _dash(write.number(standing.mean_rank, 2))
    if overall.across is None or standing.method not in overall.across.mean_ranks:
        return mean
    _, low, high = overall.across.mean_ranks[standing.method]
    return f"{mean} ({write.number(low, 1)}--{write.number(high, 1)})"


def _dash(text: str) -> str:
    return "--" if text == write.MISSING else text


def _range(text: str) -> str:
    return text.replace("-", "--")


def _comment(text: str) -> str:
    return f"% {write.printable(text)}"
