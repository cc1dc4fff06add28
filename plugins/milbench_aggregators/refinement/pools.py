"""Which instances the contrastive step draws, by their pseudo probabilities.

Sources: the self-paced choice of positives is that of ItS2CLR (Liu et al., CVPR 2023,
https://arxiv.org/abs/2210.09452), the choice of hard negatives that of HNM (Huang et al., MICCAI
2024, https://arxiv.org/abs/2410.02212); both as the authors' code has them.

The papers are binary: a bag is positive or negative. Here each stream of DSMIL has pools of its
own, in which the bags of its class are the positive ones and all others are negative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from milbench_aggregators.refinement.settings import Settings

    Mask = NDArray[np.bool_]
    Scores = NDArray[np.float64]
    Positions = NDArray[np.int64]


class Share(NamedTuple):
    """How much of the positive bags' instances is used.

    Parameters
    ----------
    positive
        r, of those above the threshold, the most probable.
    low
        r_neg, of the others, the least probable.
    """

    positive: float
    low: float


def share_after(epoch: int, settings: Settings) -> Share:
    """Return what is used after ``epoch``, counted from 0; -1 is before the first.

    From the end of epoch ``warmup`` on both shares grow linearly towards ``positive_share_end``.
    Before, r is constant and r_neg is 0, which still is the least probable instance.
    """
    if epoch < settings.warmup:
        return Share(settings.positive_share, 0.0)
    passed = (epoch - settings.warmup) / max(1, settings.epochs - settings.warmup)
    first, last = settings.positive_share, settings.positive_share_end
    low = settings.low_share
    return Share(first + passed * (last - first), low + passed * (last - low))


class Pools(NamedTuple):
    """Positions of instances, for one stream.

    Parameters
    ----------
    passing
        Instances of positive bags above the threshold.
    positive
        Of these the most probable ones.
    negative, clean_negative
        Instances of negative bags; ``negative``, from which steps with positive anchors draw,
        may hold improbable instances of positive bags where ``clean_negative`` does not.
    """

    passing: Positions
    positive: Positions
    negative: Positions
    clean_negative: Positions


class Suspects(NamedTuple):
    """All training instances, and what one stream thinks of them.

    Parameters
    ----------
    scores : (N,) float64
        Pseudo probabilities of the stream's class.
    is_own : (N,) bool
        Whether the instance is of a bag of that class.
    """

    scores: Scores
    is_own: Mask

    def passing(self, settings: Settings) -> Mask:
        """Return which instances of positive bags are above the threshold, (N,).

        Departure: where none is, which leaves the published code without positives, those in the
        first ``positive_share`` are.
        """
        above = self.is_own & (self.scores > settings.threshold)
        return above if above.any() else self.highest(self.is_own, settings.positive_share)

    def highest(self, among: Mask, share: float) -> Mask:
        """Return which of ``among`` have a score at or above their quantile 1 - ``share``."""
        if not among.any():
            return among
        return among & (self.scores >= np.quantile(self.scores[among], 1.0 - share))

    def lowest(self, among: Mask, share: float) -> Mask:
        """Return which of ``among`` have a score at or below their quantile ``share``."""
        if not among.any():
            return among
        return among & (self.scores <= np.quantile(self.scores[among], share))


def build_pools(
    suspects: Suspects, share: Share, settings: Settings, *, is_refreshed: bool
) -> Pools:
    """Return the pools of one stream.

    Parameters
    ----------
    is_refreshed
        Whether pseudo labels have been replaced since the start; from then on ``negative`` takes
        the improbable instances of positive bags in, whatever ``mask_uncertain`` says.
    """
    passing = suspects.passing(settings)
    hard = suspects.highest(~suspects.is_own, settings.negative_share)
    with_low = hard | suspects.lowest(suspects.is_own & ~passing, share.low)
    is_masked = settings.mask_uncertain
    return Pools(
        passing=np.flatnonzero(passing),
        positive=np.flatnonzero(suspects.highest(passing, share.positive)),
        negative=np.flatnonzero(hard if is_masked and not is_refreshed else with_low),
        clean_negative=np.flatnonzero(hard if is_masked else with_low),
    )
