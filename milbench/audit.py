"""Look for what makes splits give wrong numbers: leaks, overlaps, missing classes, sites.

A patient with slides on both sides lets a method recognise people instead of disease. A class that
one site alone sends lets it recognise scanners (Howard et al. 2021, Nature Communications 12:4423,
https://doi.org/10.1038/s41467-021-24698-1).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

from milbench.interchange.identifiers import slide_of
from milbench.interchange.split_files import PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from milbench.interchange.labels import Labels
    from milbench.interchange.split_files import Fold, SplitFiles

Level = Literal["leak", "fault", "note"]

CODES: Mapping[str, Level] = {
    "PATIENT_LEAK": "leak",
    "SLIDE_LEAK": "leak",
    "SLIDE_TWICE": "fault",
    "UNKNOWN_SLIDE": "fault",
    "EMPTY_PART": "fault",
    "MISSING_CLASS": "fault",
    "TEST_OVERLAP": "note",
    "UNUSED_SLIDE": "note",
    "PATIENT_UNKNOWN": "note",
    "NO_LABELS": "note",
    "SITE_SHARED": "note",
    "SITE_LABEL": "note",
}
ASSOCIATED = 0.1  # Cohen 1988, chapter 7: a small effect size w, which V is for two classes


class Finding(NamedTuple):
    """One thing that was found.

    Parameters
    ----------
    code
        A key of ``CODES``.
    where
        The fold; empty for what concerns all of them.
    text
        What was found, in one line.
    """

    code: str
    where: str
    text: str

    @property
    def level(self) -> Level:
        """Return whether it is a leak, a fault or a note."""
        return CODES[self.code]


@dataclass(frozen=True)
class Audit:
    """What was found in some splits.

    Parameters
    ----------
    sizes
        Slides, or patients, of each part, by the name of the fold.
    """

    producer: str
    why: str
    sizes: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...]

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """Return what puts the same patient or slide into two parts of a fold."""
        return tuple(finding for finding in self.findings if finding.level == "leak")

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return what makes numbers undefined or speak of other slides than it seems."""
        return tuple(finding for finding in self.findings if finding.level == "fault")

    @property
    def verdict(self) -> str:
        """Return the outcome in a few words."""
        if self.leaks:
            return f"LEAKS in {len({leak.where for leak in self.leaks})} of {len(self.sizes)} folds"
        return f"{len(self.faults)} faults" if self.faults else "passes"


def audit(splits: SplitFiles, labels: Labels) -> Audit:
    """Return what is wrong with ``splits``, and what a reader of their numbers should know.

    Parameters
    ----------
    labels
        Of every slide; what the files of the splits hold themselves is used beside it.
    """
    known = labels.over(splits.inside)
    folds = [_Members(fold, splits, known) for fold in splits.folds]
    findings = [
        *(found for fold in folds for found in fold.findings()),
        *_overlap(splits),
        *_coverage(splits, labels),
        *_patients(splits, known),
        *_shared_sites(folds, known),
        *_sites(
            known, {slide for fold in folds for part in fold.slides.values() for slide in part}
        ),
    ]
    order = list(CODES)
    findings.sort(key=lambda finding: order.index(finding.code))
    sizes = {
        fold.name: {part: len(members) for part, members in fold.parts.items()}
        for fold in splits.folds
    }
    return Audit(splits.producer, splits.why, sizes, tuple(findings))


class _Members:
    """One fold with what is known of its slides."""

    def __init__(self, fold: Fold, splits: SplitFiles, known: Labels) -> None:
        self.name = fold.name
        self._known = known
        self._is_by_patient = splits.unit == "patient"
        self.slides = {part: _named(splits, members) for part, members in fold.parts.items()}

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with this fold by itself."""
        yield from self._empty()
        yield from self._twice()
        yield from self._shared("SLIDE_LEAK", "patients" if self._is_by_patient else "slides")
        if not self._is_by_patient:
            yield from self._shared("PATIENT_LEAK", "patients")
        yield from self._classes()

    def _empty(self) -> Iterator[Finding]:
        for part in ("train", "test"):
            if not self.slides[part]:
                yield Finding("EMPTY_PART", self.name, f"the {part} part is empty")

    def _twice(self) -> Iterator[Finding]:
        for part, members in self.slides.items():
            twice = [slide for slide, count in Counter(members).items() if count > 1]
            if twice:
                text = f"{len(twice)} slides twice in {part}, such as {twice[0]}"
                yield Finding("SLIDE_TWICE", self.name, text)

    def _shared(self, code: str, what: str) -> Iterator[Finding]:
        by_patient = code == "PATIENT_LEAK"
        sets = {
            part: {self._known.patient_of(slide) if by_patient else slide for slide in members}
            for part, members in self.slides.items()
        }
        for first, second in combinations(PARTS, 2):
            both = sorted((sets[first] & sets[second]) - {""})
            if both:
                text = f"{len(both)} {what} in both {first} and {second}, such as {both[0]}"
                yield Finding(code, self.name, text)

    def _classes(self) -> Iterator[Finding]:
        label = dict(self._known.label)
        if self._is_by_patient:
            label = {self._known.patient_of(s): c for s, c in self._known.label.items() if c}
        present = {
            part: {label.get(one, "") for one in slides} for part, slides in self.slides.items()
        }
        every = set().union(*present.values()) - {""}
        for part in PARTS:
            missing = sorted(every - present[part])
            if self.slides[part] and missing:
                text = f"no slide of class {', '.join(missing)} in {part}"
                yield Finding("MISSING_CLASS", self.name, text)


def _named(splits: SplitFiles, members: Iterable[str]) -> tuple[str, ...]:
    return tuple(members) if splits.unit == "patient" else tuple(map(slide_of, members))


def _overlap(splits: SplitFiles) -> Iterator[Finding]:
    """Yield whether test parts of one repeat overlap, so that its folds are no partition."""
    per_repeat = len(splits.folds) // splits.repeats
    for start in range(0, len(splits.folds), per_repeat):
        tests = [
            set(_named(splits, fold.test)) for fold in splits.folds[start : start + per_repeat]
        ]
        total, distinct = sum(map(len, tests)), len(set().union(*tests))
        if total > distinct:
            where = f"repeat {start // per_repeat}" if splits.repeats > 1 else ""
            yield Finding(
                "TEST_OVERLAP",
                where,
                f"test parts overlap: {distinct} distinct of {total} tested, so the folds are "
                "random draws and no partition",
            )


def _coverage(splits: SplitFiles, labels: Labels) -> Iterator[Finding]:
    """Yield slides that the labels do not know, and slides with labels that no fold uses."""
    if not labels.label:
        if not splits.inside.label:
            yield Finding("NO_LABELS", "", "no labels given: classes and unknown slides unchecked")
        return
    listed = {one for fold in splits.folds for part in fold.parts.values() for one in part}
    if splits.unit == "patient":
        known = {labels.patient_of(slide) for slide in labels.label}
    else:
        listed, known = set(map(slide_of, listed)), set(labels.label)
    unknown, unused = sorted(listed - known), sorted(known - listed - {""})
    if unknown:
        text = f"{len(unknown)} of {len(listed)} {splits.unit}s are not in {labels.where}, such as "
        yield Finding("UNKNOWN_SLIDE", "", text + unknown[0])
    if unused:
        text = f"{len(unused)} labelled {splits.unit}s are in no fold, such as {unused[0]}"
        yield Finding("UNUSED_SLIDE", "", text)


def _patients(splits: SplitFiles, known: Labels) -> Iterator[Finding]:
    if splits.unit == "patient":
        return
    slides = {slide_of(s) for fold in splits.folds for part in fold.parts.values() for s in part}
    without = sorted(slide for slide in slides if not known.patient_of(slide))
    if without:
        text = (
            f"the patient of {len(without)} of {len(slides)} slides is unknown, such as "
            f"{without[0]}: leaks between them cannot be seen"
        )
        yield Finding("PATIENT_UNKNOWN", "", text)


def _shared_sites(folds: Iterable[_Members], known: Labels) -> Iterator[Finding]:
    """Yield whether folds are tested on sites that they were trained on."""
    for fold in folds:
        trained, tested = (
            {known.site_of(slide) for slide in fold.slides[part]} - {""}
            for part in ("train", "test")
        )
        if trained & tested:
            text = (
                f"{len(trained & tested)} of {len(tested)} test sites are trained on as well, in "
                f"{fold.name} for one: the numbers do not speak of other sites"
            )
            yield Finding("SITE_SHARED", "", text)
            return


def _sites(known: Labels, slides: set[str]) -> Iterator[Finding]:
    """Yield whether the site tells the class; one vote a patient and class."""
    votes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for slide in slides:
        site, label = known.site_of(slide), known.label.get(slide, "")
        if site and label:
            votes[site, label].add(known.patient_of(slide) or slide)
    if len({site for site, _ in votes}) < 2 or len({label for _, label in votes}) < 2:  # noqa: PLR2004  # one tells nothing
        return
    from milbench.stats.association import cramers_v  # noqa: PLC0415  # loads scipy

    found = cramers_v({pair: len(patients) for pair, patients in votes.items()})
    if found.v >= ASSOCIATED:
        text = (
            f"the site tells the class: bias-corrected Cramer's V {found.v:.2f} over "
            f"{found.rows} sites and {found.columns} classes (p {_shown(found.p)}); a method may "
            "learn the site"
        )
        yield Finding("SITE_LABEL", "", text)


def _shown(p: float) -> str:
    return f"{p:.1g}" if p >= 1e-16 else "below 1e-16"  # noqa: PLR2004  # rounding of a double
