"""Write the paragraph "Statistical analysis" of a paper, from what was really computed.

Each sentence is there because of a fact of the leaderboard, and is left out where it would not be
true. The same leaderboard gives the same text.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milbench.metrics.catalogue import find
from milbench.report.bibliography import known
from milbench.report.escape import escape
from milbench.report.footnotes import detectable
from milbench.report.format import number, printable
from milbench.report.procedures import fine_sections, has_intervals, tested
from milbench.stats.design import ENOUGH_FOLDS, ENOUGH_PATIENTS, ENOUGH_REPLICAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from milbench.leaderboard.board import Study
    from milbench.leaderboard.table import Across, Leaderboard, Section

KINDS = {
    "ranking": "was computed on the test bags of each fold and averaged, never pooled over folds",
    "count": "was computed on the decisions about all test bags of a repeat",
    "proper": "was averaged over all test bags of a repeat",
    "calibration": "was computed on all test bags of a repeat in 15 bins of equal width",
}


@dataclass(frozen=True, slots=True)
class Style:
    """How names, signs and citations are written: for LaTeX, or as plain text."""

    is_latex: bool

    def name(self, text: str) -> str:
        """Return a name as it is printed."""
        return escape(text) if self.is_latex else printable(text)

    def cite(self, *keys: str) -> str:
        """Return a citation, behind a space."""
        if self.is_latex:
            return f"~\\cite{{{','.join(keys)}}}"
        return f" ({'; '.join(_author_year(key) for key in keys)})"

    def percent(self, share: float) -> str:
        """Return a share in percent."""
        return f"{share:.0%}".replace("%", r"\%" if self.is_latex else "%")

    def names(self, found: Iterable[str]) -> str:
        """Return names as a list in words."""
        return listed([self.name(text) for text in found])


def to_paragraph(leaderboard: Leaderboard, *, latex: bool = False) -> str:
    """Return the paragraph, citations included; one line, and empty without any result.

    Parameters
    ----------
    latex
        Write commands of LaTeX, with the keys of ``to_bibtex``; plain text otherwise.
    """
    style = Style(latex)
    write = _sentences_on_scores if leaderboard.scores_from else _sentences
    sentences = list(write(leaderboard, style)) if fine_sections(leaderboard) else []
    return f"{' '.join(sentences)}\n" if sentences else ""


def listed(names: Sequence[str]) -> str:
    """Return ``a``, ``a and b``, or ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _sentences(leaderboard: Leaderboard, style: Style) -> Iterator[str]:
    fine = fine_sections(leaderboard)
    yield _compared(leaderboard, fine, style)
    if leaderboard.study is not None:
        yield from _design(leaderboard.study, fine, style)
    yield from _values(leaderboard, fine, style)
    yield from _intervals(leaderboard, fine, style)
    yield from _tests(leaderboard, fine, style)
    yield from _guards(fine, style)
    yield from _not_tested(fine, style)
    yield from _over_cohorts(leaderboard, style)
    yield from _tuned(leaderboard)
    yield _software(leaderboard, style)


def _sentences_on_scores(leaderboard: Leaderboard, style: Style) -> Iterator[str]:
    """Yield what is true where somebody else computed the scores."""
    fine = fine_sections(leaderboard)
    yield _compared(leaderboard, fine, style)
    yield (
        f"The scores of folds are those of {style.name(leaderboard.scores_from)}; they were "
        "computed elsewhere and come without predictions, so there is no interval and no test "
        "over patients."
    )
    if tested(fine):
        yield (
            "Every pair of methods with all runs was compared on each data set by the corrected "
            f"resampled t-test{style.cite('nadeau2003inference')} with Holm's correction"
            f"{style.cite('holm1979simple')} over all pairs of a data set, at the level "
            f"{leaderboard.alpha:g}."
        )
    yield from _over_cohorts(leaderboard, style)


def _compared(leaderboard: Leaderboard, fine: list[Section], style: Style) -> str:
    rows = {row.method: row.control for section in fine for row in section.rows}
    controls = sum(rows.values())
    counted = _count(len(rows), "method")
    if controls:
        counted += f", {controls} of them {'controls' if controls > 1 else 'a control'},"
    places = style.names(dict.fromkeys(section.dataset for section in fine))
    skipped = list(dict.fromkeys(s.dataset for s in leaderboard.skipped))
    absent = f" ({style.names(skipped)} had no results)" if skipped else ""
    return f"We compared {counted} on {places}{absent}."


def _design(study: Study, fine: list[Section], style: Style) -> Iterator[str]:
    how = {
        "kfold": "divided {times} into {folds} folds, stratified by class",
        "published": "divided {times} into {folds} folds, the published ones where there are any "
        "and else stratified by class",
        "official": "divided into the parts that the data set prescribes",
        "given": "divided {times} into {folds} folds, those of a file that was given",
        "monte-carlo": "divided {times} into {folds} independent random test parts, stratified by "
        "class",
    }[study.scheme].format(times=_times(study.repeats), folds=study.folds)
    leaking = _marked(fine, "PATIENT_LEAK")
    kept = "" if leaking else ", with all bags of a patient in one part"
    if study.group == "site":
        how = f"divided {_times(study.repeats)} into {study.folds} folds of whole sites"
        kept = f"{kept}, so that no model was tested on a site that it had seen"
    yield f"Bags were {how}{kept}, and every method was trained and tested on the same parts."
    if leaking:
        yield (
            f"These parts leak: patients of {style.names(leaking)} have bags in several parts of a "
            "fold, so its values are too good."
        )
    unknown = [section.dataset for section in fine if not section.group_known]
    if unknown:
        yield (
            f"The patients of {style.names(unknown)} are not known, so each group that the data "
            "set names counts as one patient."
        )
    if study.seeds > 1:
        yield f"Each method was trained {_times(study.seeds)} on every part, from other seeds."
    if _has_validation(study):
        share = style.percent(study.validation)
        of_sites = ", by patient and so of the training sites" * (study.group == "site")
        yield f"Of the training bags, {share} were held back for validation{of_sites}."
    yield "No method saw a test bag in training, and nothing was chosen on test bags."
    seen = _marked(fine, "PRETRAINING_OVERLAP")
    if seen:
        yield (
            f"Encoders that were pre-trained on a corpus that holds {style.names(seen)} saw these "
            "bags without their labels, which is marked."
        )


def _marked(fine: list[Section], code: str) -> list[str]:
    """Return the data sets where a row has ``code``."""
    found = (s.dataset for s in fine if any(code in row.codes for row in s.rows))
    return list(dict.fromkeys(found))


def _has_validation(study: Study) -> bool:
    """Return whether a share of the training bags was held back; official parts are as they are."""
    return study.validation > 0 and study.scheme != "official"


def _values(leaderboard: Leaderboard, fine: list[Section], style: Style) -> Iterator[str]:
    by_metric: dict[str, list[str]] = {}
    for section in fine:
        by_metric.setdefault(section.metric, []).append(section.dataset)
    for metric, places in by_metric.items():
        found = find(metric)
        on = f" on {style.names(dict.fromkeys(places))}" if len(by_metric) > 1 else ""
        declared = not any(s.is_exploratory for s in fine if s.metric == metric)
        role = "The primary metric" if declared else "The metric of this exploratory comparison"
        cited = style.cite("forman2010apples") if found.kind == "ranking" else ""
        how = f"{KINDS[found.kind]}{cited}{_mean(leaderboard)}"
        yield f"{role}{on} was {style.name(found.title)}; it {how}."
    study = leaderboard.study
    if study is not None and study.threshold == "validation" and _has_validation(study):
        yield (
            "Bags of two classes were decided at the threshold that separated the validation bags "
            "best (Youden's index)."
        )


def _mean(leaderboard: Leaderboard) -> str:
    study = leaderboard.study
    if study is None or max(study.repeats, study.seeds) == 1:
        return ""
    return ", and the values were averaged over seeds and repeats" * (study.seeds > 1) or (
        ", and the values were averaged over repeats"
    )


def _intervals(leaderboard: Leaderboard, fine: list[Section], style: Style) -> Iterator[str]:
    if not has_intervals(fine):
        return
    study = leaderboard.study
    several = study is not None and max(study.repeats, study.seeds) > 1
    widened = " and widened by the variance between repeats and seeds" if several else ""
    by_site = study is not None and study.group == "site"
    same = "; sites were not drawn, so they speak of new patients of these sites" * by_site
    yield (
        f"Intervals are percentile intervals of level {style.percent(0.95)} from "
        f"{leaderboard.draws:,} bootstrap draws of patients{style.cite('efron1993introduction')}, "
        "stratified by class, with all bags of a drawn patient and the same draws for all methods, "
        f"centred on the value{widened}{same}."
    )


def _tests(leaderboard: Leaderboard, fine: list[Section], style: Style) -> Iterator[str]:
    found = tested(fine)
    if not found:
        return
    study = leaderboard.study
    has_validation = study is not None and _has_validation(study)
    counted = ", with validation bags counted as training bags" * has_validation
    yield (
        "Every pair of methods with all planned runs was compared on each data set by two "
        "two-sided tests of the difference in the primary metric: the paired bootstrap over "
        "patients just described, and the corrected resampled t-test on the differences of test "
        f"folds{style.cite('nadeau2003inference')}{counted}."
    )
    sizes = sorted({len(section.comparisons) for section in found})
    pairs = listed([str(size) for size in sizes])
    yield (
        f"The p-values of each test were corrected by Holm's method{style.cite('holm1979simple')} "
        f"over all pairs of methods of a data set ({pairs} pair{'s' * (sizes != [1])}). A "
        f"difference is called significant, at the level {leaderboard.alpha:g}, where both tests "
        f"say so, or where the first alone does with at least {ENOUGH_REPLICAS} repeats or seeds "
        f"and {ENOUGH_PATIENTS} patients in the smallest class; the two are marked apart."
    )
    bounds = [bound for section in found if (bound := detectable(section)) is not None]
    if bounds:
        low, high = min(b[0] for b in bounds), max(b[1] for b in bounds)
        size = number(low) if number(low) == number(high) else f"{number(low)} to {number(high)}"
        against = f" from {style.name(found[0].reference)}" if found[0].reference else ""
        yield (
            f"The smallest difference{against} that the t-test could have called significant alone "
            f"was {size}; a difference without a mark is no evidence of equality."
        )


def _guards(fine: list[Section], style: Style) -> Iterator[str]:
    """Yield where a test makes no claim of its own, and why."""
    reasons = {
        "FEW_PATIENTS": f"fewer than {ENOUGH_PATIENTS} patients in the smallest class",
        "SINGLE_RUN": f"fewer than {ENOUGH_REPLICAS} repeats and seeds",
    }
    for code, why in reasons.items():
        places = _carrying(fine, code)
        if places:
            yield (
                f"On {style.names(places)} there are {why}, so the test over patients alone makes "
                "no claim there."
            )
    places = _carrying(fine, "TOO_FEW_FOLDS")
    if places:
        yield (
            f"On {style.names(places)} there are fewer than {ENOUGH_FOLDS} test folds, so the "
            "t-test makes no claim there."
        )


def _carrying(fine: list[Section], code: str) -> list[str]:
    return [s.dataset for s in fine if any(code in pair.codes for pair in s.comparisons)]


def _not_tested(fine: list[Section], style: Style) -> Iterator[str]:
    exploratory = [s.dataset for s in fine if s.is_exploratory]
    if exploratory:
        yield (
            f"This metric was not declared before the runs on {style.names(exploratory)}, so "
            "nothing was tested there."
        )
    for section in fine:
        lacking = [row.method for row in section.rows if not row.runs.is_complete]
        if lacking:
            lack = "lacks" if len(lacking) == 1 else "lack"
            yield (
                f"On {style.name(section.dataset)}, {style.names(lacking)} {lack} planned runs and "
                "took part in no test."
            )


def _over_cohorts(leaderboard: Leaderboard, style: Style) -> Iterator[str]:
    overall = leaderboard.overall
    if overall is None:
        return
    if overall.across is not None:
        yield from _signed_rank(overall.across, leaderboard, style)
    else:
        yield "Mean ranks over data sets are a description and carry no test."
    if overall.reference is not None:
        yield (
            f"Wins and losses against {style.name(overall.reference)} are differences of more than "
            f"{leaderboard.rope:g}; smaller ones count as ties."
        )


def _signed_rank(across: Across, leaderboard: Leaderboard, style: Style) -> Iterator[str]:
    yield (
        f"Over {len(across.cohorts)} cohorts, data sets of one cohort averaged first, every pair "
        "was compared by the exact two-sided Wilcoxon signed-rank test"
        f"{style.cite('wilcoxon1945individual', 'benavoli2016should')} with Holm's correction over "
        f"{_count(len(across.pairs), 'pair')}, and the median difference was estimated after "
        f"Hodges and Lehmann{style.cite('hodges1963estimates')}."
    )
    if not all(math.isnan(pair.probability[0]) for pair in across.pairs):
        yield (
            "Probabilities that two methods are equal within "
            f"{leaderboard.rope:g} are those of the Bayesian signed-rank test"
            f"{style.cite('benavoli2017time')}."
        )
    if across.friedman:
        yield (
            f"Friedman's test{style.cite('friedman1937use', 'iman1980approximations')} is given as "
            "a description."
        )


def _tuned(leaderboard: Leaderboard) -> Iterator[str]:
    if leaderboard.trials:
        budgets = listed([str(count) for count in leaderboard.trials])
        yield (
            f"Rows called tuned tried {budgets} settings in each run, the published one among "
            "them, and kept that of the lowest loss on the validation bags of the run."
        )


def _software(leaderboard: Leaderboard, style: Style) -> str:
    wanted = ("milbench", "numpy", "scipy", "torch")
    found = dict(leaderboard.versions)
    named = [style.name(f"{name} {found[name]}") for name in wanted if name in found]
    made = f", made with {listed(named)}" if named else ""
    return f"All numbers were computed from stored predictions{made}."


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _author_year(key: str) -> str:
    """Return the authors and the year of a known work, as a text cites them."""
    text = known(key).text
    authors = [part.split(",")[0] for part in _field("author", text).split(" and ")]
    plain = [re.sub(r"\\.|[{}]", "", author) for author in authors]
    named = f"{plain[0]} et al." if len(plain) > 2 else " and ".join(plain)  # noqa: PLR2004
    return f"{named} {_field('year', text)}"


def _field(name: str, text: str) -> str:
    found = re.search(rf"^  {name} = \{{(.*)\}},?$", text, re.MULTILINE)
    return found[1] if found else ""
