"""A comparison of two methods as text: what differs, how sure that is, and what more would show."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from milbench.metrics.definitions import find
from milbench.report.format import MARKS, interval, number, printable, signed
from milbench.stats.codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.leaderboard.pair import PairBoard
    from milbench.stats.pair import Pair
    from milbench.stats.per_class import PerClass
    from milbench.stats.question import Question

Line = tuple[str, str]  # what, and its value


def heading(board: PairBoard) -> str:
    """Return the title of the whole comparison."""
    return f"{printable(board.a)} - {printable(board.b)} in suite {printable(board.suite)}"


def title(dataset: str, encoder: str, pair: Pair) -> str:
    """Return the title of one data set."""
    size = f"{pair.n_patients} patients, {pair.n_bags} bags"
    return f"{printable(dataset)} ({printable(encoder)}): {find(pair.metric).title}, {size}"


def lines(pair: Pair, question: Question) -> Iterator[Line]:
    """Yield what is known of one data set, one line a fact."""
    rope = question.rope
    a, b = printable(pair.a), printable(pair.b)
    rows = zip((a, b), pair.values, pair.intervals, pair.headlines, strict=True)
    for name, value, plain, headline in rows:
        shown = interval(*headline)
        yield name, f"{number(value)} {interval(*plain)}{', BCa ' * bool(shown)}{shown}"
    yield "difference", f"{signed(pair.patient.difference)} {_effect(pair)}"
    yield "P, patients", _tested(pair.patient.low, pair.patient.high, pair.patient.p)
    yield "T, training sets", _tested(pair.fold.low, pair.fold.high, pair.fold.p)
    yield from _fixed(pair)
    yield "evidence", _evidence(pair, question.alpha)
    yield f"equal within {rope:g}", _equality(pair)
    yield (
        "probability",
        (
            f"{a} better {_share(pair.reading.first_better)}, equal {_share(pair.reading.equal)}, "
            f"{b} better {_share(pair.reading.second_better)}"
        ),
    )
    yield "error comes from", _spread(pair)
    yield "would show it", _needed(pair)
    yield "folds", _folds(pair)
    for code in sorted(pair.codes):
        yield code, MEANINGS[code]  # type: ignore[index]  # codes are those of the page


def class_lines(classes: PerClass, a: str, b: str) -> Iterator[tuple[str, ...]]:
    """Yield one row a class: name, patients, a, b, difference, interval, adjusted p."""
    values = {(one.method, one.class_name): one for one in classes.values}
    for one in classes.differences:
        first, second = values[a, one.class_name], values[b, one.class_name]
        yield (
            printable(one.class_name),
            str(first.patients),
            number(first.value),
            number(second.value),
            signed(one.difference),
            interval(one.low, one.high),
            _p(one.p_adjusted),
        )


def overall_lines(board: PairBoard) -> Iterator[Line]:
    """Yield what may be said over cohorts."""
    yield "over cohorts", f"{board.allowed.test} {board.allowed.role}: {board.allowed.reason}"
    if board.forest is not None:
        forest = board.forest
        for study in forest.studies:
            yield (
                printable(study.name),
                (
                    f"{signed(study.difference)} {interval(study.low, study.high)} "
                    f"weight {study.weight:.0%}"
                ),
            )
        if not math.isnan(forest.mean):
            further = f"a further one {interval(forest.next_low, forest.next_high)}"
            spread = f"I2 {forest.i2:.0f} %"
            mean = f"{signed(forest.mean)} {interval(forest.low, forest.high)}"
            yield "mean over these", f"{mean}, {further}, {spread}"
    if board.tested is not None:
        found = board.tested
        yield "wins, ties, losses", f"{found.wins}, {found.ties}, {found.losses}"
        if board.allowed.role == "claims":
            median = f"{signed(found.test.median)} {interval(found.test.low, found.test.high)}"
            yield "signed rank", f"median {median}, p {_p(found.test.p)}"
        else:
            yield "signed rank", "n/t (MIN_P_UNREACHABLE)"


def left_out_lines(board: PairBoard) -> Iterator[Line]:
    """Yield the data sets that are not compared, and why."""
    for name, why in board.left_out:
        yield printable(name), f"not compared: {printable(why)}"


def _effect(pair: Pair) -> str:
    better = find(pair.metric).greater_is_better == (pair.patient.difference > 0)
    if pair.patient.difference == 0 or math.isnan(pair.patient.difference):
        return "(no difference)" if pair.patient.difference == 0 else "(undefined)"
    return f"(better: {printable(pair.a if better else pair.b)})"


def _tested(low: float, high: float, p: float) -> str:
    return f"{interval(low, high)} p {_p(p)}" if not math.isnan(p) else "n/t"


def _fixed(pair: Pair) -> Iterator[Line]:
    if pair.fixed is None:
        return
    found = pair.fixed
    name = "Obuchowski" if found.several_bags else "DeLong"
    yield name, _tested(found.difference.low, found.difference.high, found.difference.p)
    yield "rank swap", f"p {_p(found.swap.p)}"
    if found.decisions is not None:
        counts = f"{found.decisions.first} against {found.decisions.second} decided alone"
        yield "McNemar", f"{counts}, p {_p(found.decisions.p)}"


def _evidence(pair: Pair, alpha: float) -> str:
    steps = "; ".join(f"{step.test} {step.role}: {step.reason}" for step in pair.procedures)
    return f"{_verdict(pair, alpha)} ({steps})"


def _verdict(pair: Pair, alpha: float) -> str:
    """Return the mark of both tests, or what the deciding test of fixed models says."""
    found, decides = pair.fixed, pair.procedures[0]
    if found is None or decides.role != "claims":
        return MARKS[pair.mark] or "none"
    p = {"rank swap": found.swap.p, "McNemar": found.decisions.p if found.decisions else math.nan}
    is_significant = p.get(decides.test, found.difference.p) < alpha
    return f"{decides.test}: {'' if is_significant else 'not '}significant"


def _equality(pair: Pair) -> str:
    if math.isnan(pair.equal.p):
        return "n/t"
    bounds = interval(pair.equal.low, pair.equal.high)
    return f"p {_p(pair.equal.p)}, 90 % interval {bounds}"


def _spread(pair: Pair) -> str:
    spread = pair.spread
    parts = [f"standard deviations: patients {_sd(spread.patient)}"]
    parts += [f"repeats and seeds {_sd(spread.in_table)}"] if spread.in_table > 0 else []
    parts += [f"one repeat alone {_sd(spread.repeat)}"] if spread.repeat > 0 else []
    parts += [f"one seed alone {_sd(spread.seed)}"] if spread.seed > 0 else []
    share = spread.share_of_patients
    told = "" if math.isnan(share) else f"; {share:.0%} of the variance is patients"
    return ", ".join(parts) + told


def _needed(pair: Pair) -> str:
    plan = pair.needed
    difference = pair.patient.difference
    if difference == 0 or math.isnan(difference) or math.isnan(plan.detectable):
        return "nothing to be shown"
    by_p = _count(plan.repeats_p, "repeats by P")
    by_t = _count(plan.repeats_t, "repeats by T")
    patients = _count(plan.patients, "patients")
    now = f"now {number(plan.detectable)}, with endless repeats {number(plan.least)}"
    return f"{by_p}, {by_t}, or {patients} (80 % power); detectable: {now}"


def _count(count: int | None, what: str) -> str:
    return f"no number of {what}" if count is None else f"{count} {what}"


def _folds(pair: Pair) -> str:
    rows = (" ".join(signed(value) for value in row) for row in pair.folds.tolist())
    return " | ".join(rows)


def _sd(variance: float) -> str:
    return number(math.sqrt(variance), 4) if variance >= 0 else "-"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"


def _p(value: float) -> str:
    """Return a p-value with three decimals, or the bound below which it lies."""
    if math.isnan(value):
        return "-"
    return "<0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004  # what is shown
