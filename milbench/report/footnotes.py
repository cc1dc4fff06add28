"""The sentences under a table: what it rests on, what is missing, what its marks mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from milbench.metrics import METRICS
from milbench.report import format as write
from milbench.report.grids import FEW_PATIENTS, TOO_FEW_PATIENTS, shared_codes
from milbench.stats.codes import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.leaderboard.others import Beside
    from milbench.leaderboard.table import Leaderboard, Section
    from milbench.published import Published

# Figures of a hash that a reader compares by eye; CSV and JSON hold all of them.
SHORT = 12

OF_THESE_SITES = (
    "Tested on sites that were not trained on. Patients are drawn and sites are not, so intervals "
    "and the patient-level test speak of new patients of these sites."
)
UNKNOWN_PATIENTS = "The patients are not known: each group given by the data set counts as one."


def section_notes(section: Section) -> Iterator[str]:
    """Yield what belongs under the table of one data set."""
    if section.classes:
        yield _size(section)
    if not section.group_known:
        yield UNKNOWN_PATIENTS
    if section.level:
        yield "Methods are ranked, and tested, by the data set's own classes; this level is shown."
        yield section.tree
    elif section.is_exploratory:
        yield "This metric is not the declared primary one: exploratory, so nothing is tested."
    if section.precision:
        yield section.precision
    yield from section.notes
    yield from _detectable(section)
    yield from _tuned(section)
    for row in section.rows:
        yield from (f"{row.method}: {reason}" for reason in row.reasons)
    if section.stale:
        yield (
            f"{_records(section.stale)} of older features, splits, settings or code not used; "
            "they may be deleted."
        )
    if section.unplanned:
        yield f"{_records(section.unplanned)} outside the plan of the suite not used."
    yield from _codes(section)
    if section.features:
        yield f"Features {section.features[:SHORT]}, splits {section.split[:SHORT]}."


def published_notes(leaderboard: Leaderboard, section: Section) -> Iterator[str]:
    """Yield the published numbers of a data set, each with ours; none of them is tested."""
    here = (section.dataset, section.encoder)
    found = [b for b in leaderboard.published if (b.entry.dataset, b.encoder) == here]
    if section.level or not found:
        return
    yield (
        "Published by others, under other protocols and not compared by a test: "
        f"{'; '.join(_beside(beside) for beside in found)}. See milbench reproduce NAME."
    )


def published_value(entry: Published) -> str:
    """Return a published value as it was printed, with its spread and what that is."""
    if entry.spread is None:
        return f"{entry.value:g}"
    return f"{entry.value:g} (+- {entry.spread:g}, {entry.spread_kind})"


def _beside(beside: Beside) -> str:
    entry = beside.entry
    seen = ", ".join(part for part in (entry.cited, entry.encoder, entry.caution) if part)
    title = METRICS[entry.metric].title
    ours = write.number(beside.value)
    return f"{entry.name}, {title} {published_value(entry)} [{seen}], here {ours}"


def class_note() -> str:
    """Return how to read the tables per class."""
    return (
        "Per class: each class against the rest, exploratory, without a test. In brackets: fewer "
        f"than {FEW_PATIENTS} patients; n/a: fewer than {TOO_FEW_PATIENTS}."
    )


def skipped_notes(leaderboard: Leaderboard) -> Iterator[str]:
    """Yield one line for each data set without results."""
    for skipped in leaderboard.skipped:
        yield f"Skipped {skipped.dataset} ({skipped.encoder}): {skipped.reason}"


def overall_notes(leaderboard: Leaderboard) -> Iterator[str]:
    """Yield what belongs under the table over all data sets."""
    overall = leaderboard.overall
    if overall is None:
        return
    yield f"Data sets: {', '.join(overall.datasets)}."
    yield overall.note
    if overall.across is not None:
        yield "Rank: what these tests leave open. Methods that share a letter were not told apart."
    if overall.reference is not None:
        yield f"Win, tie, loss: ties are differences up to {leaderboard.rope:g} (ROPE)."


def legend(leaderboard: Leaderboard) -> Iterator[str]:
    """Yield the protocol, the marks, the codes that occur and the versions."""
    yield from protocol(leaderboard)
    occurring = leaderboard.codes
    yield from (f"{code}: {text}" for code, text in MEANINGS.items() if code in occurring)
    if leaderboard.versions:
        yield "; ".join(f"{name} {text}" for name, text in leaderboard.versions)


def protocol(leaderboard: Leaderboard) -> Iterator[str]:
    """Yield how the numbers were made, in sentences for a caption."""
    if leaderboard.scores_from:
        yield from _from_scores(leaderboard)
        return
    if leaderboard.splits:
        yield f"Splits: {leaderboard.splits}."
    yield (
        f"Interval: 95% bootstrap over patients ({leaderboard.draws:,} draws), widened by the "
        "variance between repeats. SD: between repeats, or between folds of a single repeat."
    )
    if leaderboard.study is not None and leaderboard.study.group == "site":
        yield OF_THESE_SITES
    yield (
        "Rank: the positions that the pairwise patient-level tests leave open (Holm over all pairs "
        f"of a data set, alpha {leaderboard.alpha:g}). Bold: the best and all not significantly "
        "worse. Only methods with every planned run are tested."
    )
    if leaderboard.trials:
        yield (
            "Tuned: each run tries settings that are the same for all runs of a row, the published "
            "one among them, and keeps that of the lowest loss on its inner validation bags; test "
            "bags are shown to the kept one alone."
        )
    references = sorted({s.reference for s in leaderboard.sections if s.reference is not None})
    if references:
        yield (
            f"† differs from {' or '.join(references)} by the patient-level test; ‡ also by the "
            "corrected resampled t-test; both after Holm; ↓ after a mark: worse."
        )


def _from_scores(leaderboard: Leaderboard) -> Iterator[str]:
    yield (
        f"Scores by fold of {leaderboard.scores_from}, computed elsewhere: there are no "
        "predictions, so there is no interval and no test over patients. SD: between repeats, "
        "else folds, else seeds."
    )
    yield (
        "Rank: the positions that the corrected resampled t-test leaves open (Holm over all pairs "
        f"of a data set, alpha {leaderboard.alpha:g}). Bold: the best and all not significantly "
        "worse, where there are tests. Only methods with every run are tested."
    )
    references = sorted({s.reference for s in leaderboard.sections if s.reference is not None})
    if references:
        yield (
            f"* differs from {' or '.join(references)} by the corrected resampled t-test after "
            "Holm; ↓ after a mark: worse."
        )


def detectable(section: Section) -> tuple[float, float] | None:
    """Return the smallest and largest minimum detectable difference, None without tests.

    Against the reference where there is one, else over all pairs.
    """
    if section.reference is not None:
        found = [row.versus.detectable for row in section.rows if row.versus is not None]
    else:
        found = [pair.minimum_detectable for pair in section.comparisons]
    known = [value for value in found if not math.isnan(value)]
    return (min(known), max(known)) if known else None


def _size(section: Section) -> str:
    classes = ", ".join(
        f"{name} {bags}" for name, bags in zip(section.classes, section.bags, strict=True)
    )
    return f"{section.n_patients} patients, {sum(section.bags)} bags ({classes})."


def _tuned(section: Section) -> Iterator[str]:
    for row in section.rows:
        if row.tuned is not None:
            yield (
                f"{row.method}: tuned, {row.tuned.trials} trials a run; the published setting was "
                f"kept in {row.tuned.kept} of {row.runs.done} runs."
            )


def _codes(section: Section) -> Iterator[str]:
    shared = shared_codes(section)
    if shared:
        yield f"On every row: {', '.join(shared)}."
    carried = {code for row in section.rows for code in row.codes}
    others = {code for pair in section.comparisons for code in pair.codes} - carried
    if others:
        yield f"On tests of some pairs: {', '.join(sorted(others))}."


def _detectable(section: Section) -> Iterator[str]:
    bounds = detectable(section)
    if bounds is None:
        return
    low, high = (write.number(value) for value in bounds)
    size = low if low == high else f"{low} to {high}"
    against = f"from {section.reference}" if section.reference else "between two methods"
    yield f"Smallest detectable difference {against}: {size}; no mark does not mean equal."


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"
