"""What stands behind one number, as text: how it is computed, its runs and their origin."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from milbench.report.format import (
    MISSING,
    interval,
    mark,
    number,
    printable,
    rank,
    runs,
    signed,
)
from milbench.stats.codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from milbench.trace.explain import Explanation, RunTrace

Line = tuple[str, str]  # what, and its value

RUN_COLUMNS = ("repeat", "fold", "seed", "value", "bags", "engine", "device", "finished", "file")

UNUSED = {
    "older": "of older features, splits, settings or code",
    "unplanned": "outside the plan of the suite",
}


def heading(found: Explanation) -> str:
    """Return the address and the number."""
    score = found.score
    bounds = interval(score.low, score.high)
    return f"{printable(str(found.address))} = {number(score.value, 6)} {bounds}".rstrip()


def lines(found: Explanation) -> Iterator[Line]:
    """Yield what is known of the number, one line a fact; the runs have a table of their own."""
    yield "value", f"{found.score.value!r}, {found.score.title}"
    yield "how", found.how
    yield from _steps(found)
    yield "again", _again(found)
    yield "interval", _interval(found)
    yield from _evidence(found)
    yield "seen by", f"{found.patients} patients, {found.bags} bags"
    yield "runs", ", ".join((runs(found.row.runs), *found.others))
    yield from _codes(found)
    yield "splits", found.splits
    yield "splits file", found.splits_file or "not there: the roles of bags cannot be looked up"
    yield "method", printable(found.aggregator)
    yield "settings", _json(found.args) if found.args else "none but the defaults"
    yield "recipe", _json(found.recipe)
    yield "protocol", _json(found.protocol)
    for name, values in found.hashes.items():
        yield f"hash of {name}", " and ".join(values) or MISSING
    yield "versions", "; ".join(f"{n} {' and '.join(v)}" for n, v in found.versions.items() if v)
    yield "not used", _unused(found.unused)


def run_lines(found: Explanation) -> Iterator[tuple[str, ...]]:
    """Yield one row a run, in the columns of ``RUN_COLUMNS``."""
    for run in found.runs:
        yield (
            str(run.repeat),
            str(run.fold),
            str(run.seed),
            number(run.value, 4),
            str(run.bags),
            f"{run.engine} {run.precision}",
            run.device,
            run.finished[:19],
            printable(run.file) + _seal(run),
        )


def _steps(found: Explanation) -> Iterator[Line]:
    values = [f"{number(value, 6)}" for _, value in found.repeats]
    yield "repeats", ", ".join(f"{r}: {v}" for (r, _), v in zip(found.repeats, values, strict=True))
    if len(values) > 1:
        yield "mean", f"({' + '.join(values)}) / {len(values)} = {number(found.score.value, 6)}"
    yield "SD", f"{number(found.score.sd, 6)} between {'repeats' if len(values) > 1 else 'folds'}"


def _again(found: Explanation) -> str:
    if found.is_reproduced:
        return "computed again from the stored rows: the same to the last bit"
    return "COMPUTED AGAIN FROM THE STORED ROWS IT IS ANOTHER NUMBER; please report this"


def _interval(found: Explanation) -> str:
    bounds = interval(found.score.low, found.score.high, 6)
    if bounds:
        return f"{bounds}: 95% bootstrap over patients, widened by the variance between repeats"
    if not found.is_primary:
        return f"none: {found.section_metric} is the metric of the table"
    return "none: planned runs are missing"


def _evidence(found: Explanation) -> Iterator[Line]:
    if not found.is_primary:
        return
    yield "rank", rank(found.row.rank)
    versus = found.row.versus
    if versus is not None:
        tests = f"P {_p(versus.p_patient)}, T {_p(versus.p_t)} after Holm {mark(versus)}"
        bounds = interval(versus.low, versus.high)
        yield "vs reference", f"{signed(versus.difference)} {bounds}, {tests}".rstrip()


def _p(value: float) -> str:
    return "not tested" if math.isnan(value) else f"p = {value:.4g}"


def _codes(found: Explanation) -> Iterator[Line]:
    for code in sorted({*found.row.codes, *found.score.codes}):
        yield code, MEANINGS[code]  # type: ignore[index]  # codes are those of the page


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _unused(counts: Mapping[str, int]) -> str:
    found = [f"{count} records {UNUSED[why]}" for why, count in counts.items() if count]
    return "; ".join(found) or "nothing: every record of the data set counts"


def _seal(run: RunTrace) -> str:
    return " (EDITED since it was written)" if run.is_intact is False else ""
