"""A published number beside ours, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench.metrics.definitions import find
from milbench.published import PROTOCOLS, SOURCES
from milbench.report.footnotes import published_value
from milbench.report.format import interval, number, printable, runs, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.published import Published
    from milbench.reproduce import Ours, Reproduced

Line = tuple[str, str]  # what, and its value

OUR_PROTOCOL = (
    "clean: the method is trained without test bags, sees them without labels, and nothing is "
    "chosen on them"
)
NO_TEST = (
    "no test: theirs comes without predictions and from other splits, so how far apart the two "
    "would be by chance is not known"
)


def heading(found: Reproduced) -> str:
    """Return which number it is."""
    entry = found.entry
    return printable(
        f"{entry.name}: {find(entry.metric).title} of {entry.method} on {entry.dataset}"
    )


def lines(found: Reproduced) -> Iterator[Line]:
    """Yield ours, theirs, and how the protocols differ, one line a fact."""
    if found.ours is not None:
        yield "ours", _ours(found.ours)
    yield "theirs", published_value(found.entry)
    if found.difference is not None:
        yield "ours - theirs", f"{signed(found.difference)}; {NO_TEST}"
    yield from _theirs(found.entry)
    if found.ours is not None:
        yield "our splits", f"{found.ours.splits}; suite {found.ours.suite}"
        yield "our protocol", OUR_PROTOCOL
        if found.entry.encoder:
            yield "our encoder", found.ours.encoder
    if found.missing:
        yield "not run", found.missing


def _ours(ours: Ours) -> str:
    score = ours.score
    parts = [f"{number(score.value)} {interval(score.low, score.high)}".rstrip()]
    repeats = {repeat for repeat, _, _ in score.folds}
    between = "repeats" if len(repeats) > 1 else "folds"
    parts += [f"SD {number(score.sd)} between {between}", f"runs {runs(ours.row.runs)}"]
    return "; ".join((*parts, *ours.row.reasons))


def _theirs(entry: Published) -> Iterator[Line]:
    yield "their paper", printable(entry.paper)
    yield "seen in", f"{printable(entry.seen)}; {SOURCES[entry.source]}"
    yield "their splits", printable(entry.design) or "not known"
    yield "their protocol", f"{entry.protocol}: {PROTOCOLS[entry.protocol]}"
    if entry.encoder:
        yield "their encoder", printable(entry.encoder)
    if entry.differs:
        yield "differs too", printable(entry.differs)
