"""What a leaderboard holds: sections of rows, each with values, intervals, marks and codes.

Everything is plain data, so that a writer formats and never computes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.leaderboard.board import Study, Work
    from milbench.leaderboard.others import Beside
    from milbench.leaderboard.several import Several
    from milbench.stats.compare import Comparison
    from milbench.stats.random_effects import Forest

Mark = Literal["", "star", "dagger", "double-dagger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One metric of one method on one data set.

    Parameters
    ----------
    value
        As STATISTICS section 1.2 asks for the kind of the metric; NaN where it is undefined.
    low, high
        95 % interval over patients; NaN for a secondary metric and for an incomplete method.
    sd
        Between repeats, or between folds where there is one repeat; NaN for a single run.
    per_class : (C,)
        One value a class, empty where the metric has none.
    folds
        ``(repeat, fold, value)`` of every fold that has a value.
    """

    metric: str
    title: str
    greater_is_better: bool
    value: float
    sd: float
    low: float = float("nan")
    high: float = float("nan")
    per_class: tuple[float, ...] = ()
    folds: tuple[tuple[int, int, float], ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """How many of the planned runs there are; skipped and failed ones are part of the plan."""

    planned: int
    done: int
    failed: int = 0
    skipped: int = 0

    @property
    def is_complete(self) -> bool:
        """Return whether every planned run is done."""
        return 0 < self.planned == self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Means over the finished runs; NaN where no run says.

    ``fit_seconds`` and ``predict_seconds`` are wall clock for one run, ``peak_memory`` is in MB.
    """

    fit_seconds: float
    predict_seconds: float
    peak_memory: float
    parameters: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """How a row was tuned: ``trials`` in each run, of which ``kept`` runs chose the published."""

    trials: int
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Versus:
    """A method compared with the reference: "this method minus the reference", in metric units.

    Parameters
    ----------
    low, high
        95 % interval over patients.
    p_patient, p_t
        Of the patient-level test and of the corrected resampled t-test, after Holm.
    mark
        ``dagger``: significant by the patient-level test; ``double-dagger``: by both; ``star``: by
        the t-test, where there are no predictions for the other.
    is_better
        Whether the difference speaks for this method.
    detectable
        The smallest difference that the t-test could have called significant.
    codes
        Why a test made no claim.
    """

    difference: float
    low: float
    high: float
    p_patient: float
    p_t: float
    mark: Mark
    is_better: bool
    detectable: float
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method on one data set.

    Parameters
    ----------
    rank
        First and last rank that the pairwise tests leave open; None without tests.
    is_top
        The best method, and each one that is not significantly worse.
    scores
        The primary metric first.
    reasons
        Why runs failed or were skipped, one line each, with counts.
    config, code
        Hashes of the settings and of the method's source file; empty without a finished run.
    tuned
        None for a published setting.
    coarse_from
        At a coarse level where the probabilities come from: ``head``, the method's own, or
        ``sum``, those of the fine classes added up; else empty.
    """

    method: str
    control: bool
    rank: tuple[int, int] | None
    is_top: bool
    scores: tuple[Score, ...]
    versus: Versus | None
    runs: Runs
    reasons: tuple[str, ...]
    cost: Cost
    codes: tuple[str, ...]
    config: str = ""
    code: str = ""
    tuned: Tuned | None = None
    coarse_from: str = ""

    @property
    def primary(self) -> Score:
        """Return the score that ranks the row."""
        return self.scores[0]

    def score(self, metric: str) -> Score:
        """Return the score of a metric that the section has."""
        return next(score for score in self.scores if score.metric == metric)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One data set under one encoder, at one level: its rows, best first, and what they rest on.

    Parameters
    ----------
    metric
        The metric of the ranking.
    is_exploratory
        Whether ``metric`` is another one than was declared: then nothing is tested.
    bags, patients : (C,)
        How many of each class; a patient with bags of two classes counts in both.
    n_patients
        All patients, each once.
    comparisons
        Every pair of complete methods.
    stale
        Records of other features, splits, settings or code: not used.
    unplanned
        Finished runs that the suite does not ask for (any more): not used.
    notes
        What a reader must know about this table, in whole sentences.
    features, split
        Hashes of what the runs were computed from.
    precision
        The numbers that methods were trained in, as a sentence; empty where all are float32.
    level
        Name of the coarse level that this section is about; empty for the data set's own classes,
        which rank the methods.
    tree
        At a coarse level the label hierarchy by name and in words, and where the probabilities
        come from; else empty.
    several
        How labels overlap where a bag may have several: values are then means over ``classes``,
        the labels. None where each bag has one class.
    """

    dataset: str
    encoder: str
    cohort: str
    metric: str
    is_exploratory: bool
    group_known: bool
    classes: tuple[str, ...]
    bags: tuple[int, ...]
    patients: tuple[int, ...]
    n_patients: int
    rows: tuple[Row, ...]
    secondary: tuple[str, ...]
    reference: str | None
    comparisons: tuple[Comparison, ...]
    stale: int
    unplanned: int
    notes: tuple[str, ...]
    features: str
    split: str
    precision: str = ""
    level: str = ""
    tree: str = ""
    several: Several | None = None

    @property
    def n_bags(self) -> int:
        """Return all bags that were tested, each once."""
        return sum(self.bags) if self.several is None else self.several.bags


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A data set without a finished run, and why."""

    dataset: str
    encoder: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One method over all data sets.

    Parameters
    ----------
    values
        Of the metric that ranks each data set; NaN where the method is incomplete.
    mean_rank
        Over the data sets, among the methods complete on all of them; NaN for the others.
    tally
        On how many data sets the method is better than the reference, equal within the ROPE, and
        worse; None for the reference and where either is incomplete.
    missing
        Where the method is incomplete, one text a data set.
    """

    method: str
    control: bool
    values: tuple[float, ...]
    mean_rank: float
    tally: tuple[int, int, int] | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Two methods over cohorts, a minus b; units of the metric, turned so that larger is better.

    Parameters
    ----------
    median, low, high
        Hodges and Lehmann's difference with its exact interval.
    p, p_holm
        Of the exact signed-rank test, alone and within the family of all pairs.
    tally
        Cohorts on which a is better, equal within the ROPE, and worse.
    probability
        That a is better, both are equal within the ROPE, b is better.
    differs
        Whether the pair is called different.
    """

    a: str
    b: str
    median: float
    low: float
    high: float
    p: float
    p_holm: float
    tally: tuple[int, int, int]
    probability: tuple[float, float, float]
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """The tests over cohorts, of the methods complete on all of them.

    Parameters
    ----------
    pairs
        Every pair.
    ranks, letters
        By method: first and last rank that the tests leave open, and letters, shared by those
        that were not told apart.
    mean_ranks
        By method: mean rank, and its interval over draws of cohorts.
    points
        By method: Borda's count of methods beaten, over all cohorts.
    win_rates
        By method, by the other one: share of cohorts on which it is better, ties one half.
    friedman
        Chi-square and p, F and p, and Kendall's W: a description; empty for two methods.
    """

    cohorts: tuple[str, ...]
    pairs: tuple[Between, ...]
    ranks: Mapping[str, tuple[int, int]]
    letters: Mapping[str, str]
    mean_ranks: Mapping[str, tuple[float, float, float]]
    points: Mapping[str, float]
    win_rates: Mapping[str, Mapping[str, float]]
    friedman: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """The methods over all data sets.

    ``metrics`` are those that rank the ``datasets``, one each. ``across`` is None with fewer than
    six cohorts, and where another metric than the declared ones ranks: then it is a description
    without a test. ``forests`` are the differences of a method from the reference, with the mean
    over these cohorts; empty without a reference, and where data sets share a cohort or differ
    in their metric.
    """

    datasets: tuple[str, ...]
    metrics: tuple[str, ...]
    standings: tuple[Standing, ...]
    reference: str | None
    note: str
    codes: tuple[str, ...] = ()
    across: Across | None = None
    forests: Mapping[str, Forest] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """All tables of a suite and what is needed to read them.

    Parameters
    ----------
    versions
        Pairs of what and which, in the order they are shown.
    study
        The design of the suite; None where it is not known.
    works
        What to cite for the methods, data sets, tilers and encoders that have results.
    published
        Numbers of others beside ours; no test compares them.
    scores_from
        The file whose scores by fold these are, computed by somebody else; empty where every
        number is computed from stored predictions.
    """

    suite: str
    sections: tuple[Section, ...]
    skipped: tuple[Skipped, ...]
    overall: Overall | None
    alpha: float
    rope: float
    draws: int
    splits: str
    versions: tuple[tuple[str, str], ...]
    study: Study | None = None
    works: tuple[Work, ...] = ()
    published: tuple[Beside, ...] = ()
    scores_from: str = ""

    @property
    def trials(self) -> tuple[int, ...]:
        """Return the budgets of the tuned rows, ascending; empty where nothing was tuned."""
        tuned = (row.tuned for section in self.sections for row in section.rows)
        return tuple(sorted({found.trials for found in tuned if found is not None}))

    @property
    def codes(self) -> tuple[str, ...]:
        """Return every status code that occurs, sorted."""
        found = set(self.overall.codes if self.overall else ())
        for section in self.sections:
            found.update(*(row.codes for row in section.rows))
            found.update(*(pair.codes for pair in section.comparisons))
        return tuple(sorted(found))
