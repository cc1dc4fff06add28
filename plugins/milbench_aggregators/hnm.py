"""HNM: ItS2CLR with hard negatives, and bags ranked in pairs.

Paper: W. Huang, X. Hu, S. Abousamra, P. Prasanna and C. Chen, "Hard Negative Sample Mining for
Whole Slide Image Classification", MICCAI 2024, https://arxiv.org/abs/2410.02212; the authors' code
is winston52/HNM-WSI, commit 355e7bd.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from milbench_aggregators.refinement.method import RefinedFeatures, RefinedImages


@dataclass(eq=False)
class HNM(RefinedImages):
    """Hard negative mining on images (Huang et al. 2024): ITS2CLR with three changes.

    Of the instances of negative bags only those of highest pseudo probability are contrasted;
    the network of bags is ``hnm-dsmil``, which ranks pairs of bags; and instances of positive
    bags that are not taken for positive stay out of the negatives until the first new pseudo
    labels.

    More than two classes and departures are as in :class:`milbench_aggregators.its2clr.ITS2CLR`.
    The authors train on training and validation bags together, and then validate on the latter;
    here validation bags are not trained on. The paper is said to use other settings (5 % of the
    negatives, 25 epochs); the defaults are those of the command in the README of its code.

    Parameters
    ----------
    weights, pretrain_epochs, augmentation, width
        See :class:`milbench_aggregators.its2clr.ITS2CLR`.
    epochs, warmup, refresh, ...
        See :class:`milbench_aggregators.refinement.settings.Settings`.
    """

    warmup: int = field(default=5, kw_only=True)
    negative_share: float = field(default=0.2, kw_only=True)
    mask_uncertain: bool = field(default=True, kw_only=True)
    is_paired: ClassVar[bool] = True


@dataclass(eq=False)
class HNMFeatures(RefinedFeatures):
    """HNM on cached features: a deviation from Huang et al. 2024, whose encoder reads images.

    What differs from the published method, and the settings, are those of
    :class:`milbench_aggregators.its2clr.ITS2CLRFeatures`; what differs from ITS2CLR is what
    :class:`HNM` changes.

    Parameters
    ----------
    hidden, dropout, noise
        See :class:`milbench_aggregators.its2clr.ITS2CLRFeatures`.
    epochs, warmup, refresh, ...
        See :class:`milbench_aggregators.refinement.settings.Settings`.
    """

    negative_share: float = field(default=0.2, kw_only=True)
    mask_uncertain: bool = field(default=True, kw_only=True)
    is_paired: ClassVar[bool] = True
