"""Two fixed models on one official test set: the tests that are valid there, chosen by the data.

Asked of several folds or seeds, they would mix models, and are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from milbench.errors import StatisticsError
from milbench.metrics.rows import decide
from milbench.stats.delong import HoldOutAuc, hold_out_auc
from milbench.stats.mcnemar import McNemar, mcnemar
from milbench.stats.pairing import align
from milbench.stats.protocol import refuse
from milbench.stats.sign_flip import Permutation, rank_swap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milbench.metrics import Predictions
    from milbench.stats.delong import AucDifference


class HoldOut(NamedTuple):
    """Two fixed models on one test set.

    Parameters
    ----------
    auc, difference
        AUROCs by DeLong, or by Obuchowski where a patient has several bags.
    swap
        The permutation test; it decides below 20 patients in a class.
    decisions
        McNemar's test of right decisions; None where a patient has several bags.
    several_bags
        Whether a patient has several bags.
    """

    auc: HoldOutAuc
    difference: AucDifference
    swap: Permutation
    decisions: McNemar | None
    several_bags: bool

    @property
    def p(self) -> float:
        """Return the p that decides about the AUROCs."""
        return self.swap.p if "FEW_PATIENTS" in self.auc.codes else self.difference.p


def hold_out(methods: Mapping[str, Predictions], *, draws: int = 9_999, seed: int = 0) -> HoldOut:
    """Compare two methods with two classes, each tested in one run on the same bags.

    Raises
    ------
    StatisticsError
        If there are not two methods and two classes; if there are several folds
        (``POOLED_MODELS``) or several seeds (``SEED_ONLY_REPLICATION``); if they are unpaired.
    """
    aligned = align(methods)
    first = next(iter(aligned.values()))
    if len(aligned) != 2 or first.n_classes != 2 or first.is_multi_label:  # noqa: PLR2004
        of = "labels" if first.is_multi_label else "classes"
        raise StatisticsError(
            f"hold-out tests of {len(aligned)} methods with {first.n_classes} {of}: expected "
            "two methods and two classes; use the patient bootstrap for others"
        )
    runs = list(first.runs())
    if len({fold for _, fold, _, _ in runs}) > 1:
        raise refuse("DeLong over pooled folds")
    if len(runs) > 1:
        raise refuse("t over seeds")
    a, b = aligned.values()
    several = len(np.unique(a.patient)) < len(a)
    auc = hold_out_auc(tuple(aligned), a.label, np.stack([a.score[:, 1], b.score[:, 1]]), a.patient)
    right = [decide(p.score, p.threshold) == p.label for p in (a, b)]
    return HoldOut(
        auc=auc,
        difference=auc.paired(auc.names[0], auc.names[1]),
        swap=rank_swap(a.label, a.score[:, 1], b.score[:, 1], a.patient, draws=draws, seed=seed),
        decisions=None if several else mcnemar(*right),
        several_bags=several,
    )
