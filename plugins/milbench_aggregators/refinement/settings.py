"""The settings of the loop, with the values of the authors' command lines as defaults."""

from __future__ import annotations

from dataclasses import dataclass

from milbench import MilbenchError


@dataclass(kw_only=True, eq=False)
class Settings:
    """Settings that all four methods share; the defaults are those of ItS2CLR.

    Where no other source is named, values are those of the commands in the READMEs of
    Kangningthu/ItS2CLR (commit 560213a) and winston52/HNM-WSI (commit 355e7bd).

    Parameters
    ----------
    epochs
        Passes of the contrastive step over the negative instances; the authors' code.
    warmup
        Epochs before positive instances become anchors and before their share grows.
    refresh
        Every so many epochs the bag's network is trained anew on the refined features and the
        pseudo labels follow it.
    threshold
        Pseudo probability above which an instance of a positive bag is taken for positive.
    positive_share, positive_share_end
        Of the instances above ``threshold``, the share of highest probability that are used as
        positive anchors, at first and in the end; between them it grows linearly with the epoch.
        1 and 1 are training without self-pacing.
    low_share
        Of the instances at or below ``threshold``, the share of lowest probability that are
        used as negatives once positives are anchors; grows to ``positive_share_end`` likewise.
    negative_share
        Of the instances of negative bags, the share of highest probability (hard negatives) that
        are used; 1 uses all.
    mask_uncertain
        Whether instances of positive bags at or below ``threshold`` stay out of the contrastive
        step: out of all negatives until the first new pseudo labels, and of those that are
        negative anchors throughout.
    batch
        Instances of a contrastive step, each in two views.
    positive_part
        Of a step with negative anchors, the part that is positive.
    anchor_part
        Of a step with positive anchors, the part that is positive; the authors' code.
    lr, weight_decay
        Of SGD in the contrastive step; the rate follows a cosine from epoch 10; the authors' code.
    temperature
        Of the contrastive loss; the authors' code.
    mil_epochs
        Passes over the training bags whenever the bag's network is trained.
    extract_epoch
        The epoch, counted from 0, whose weights give the pseudo probabilities; the last one where
        there are fewer.
    mil_lr, mil_weight_decay
        Of Adam for the bag's network; the authors' code.
    halve_every
        Epochs after which ``mil_lr`` is halved; 75 are written in the authors' code, which counts
        every epoch twice.
    negative
        As for DSMIL: whether two classes share one stream.

    Raises
    ------
    MilbenchError
        If a setting is out of its range.
    """

    epochs: int = 100
    warmup: int = 15
    refresh: int = 5
    threshold: float = 0.3
    positive_share: float = 0.2
    positive_share_end: float = 0.8
    low_share: float = 0.2
    negative_share: float = 1.0
    mask_uncertain: bool = False
    batch: int = 512
    positive_part: float = 0.2
    anchor_part: float = 0.05
    lr: float = 0.01
    weight_decay: float = 1e-4
    temperature: float = 0.07
    mil_epochs: int = 350
    extract_epoch: int = 199
    mil_lr: float = 2e-4
    mil_weight_decay: float = 1e-4
    halve_every: float = 37.5
    negative: bool = True

    def __post_init__(self) -> None:
        for name in (
            *("threshold", "positive_share", "positive_share_end", "low_share"),
            *("negative_share", "positive_part", "anchor_part"),
        ):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise MilbenchError(f"{name} is {value}; expected a share from 0 to 1")
        for name, least in (("epochs", 0), ("refresh", 1), ("mil_epochs", 1), ("batch", 4)):
            value = getattr(self, name)
            if value < least:
                raise MilbenchError(f"{name} is {value}; expected {least} or more")
