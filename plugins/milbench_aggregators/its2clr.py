"""ItS2CLR: refine the instance encoder by its own most certain pseudo labels, step by step.

Paper: K. Liu, W. Zhu, Y. Shen, S. Liu, N. Razavian, K. J. Geras and C. Fernandez-Granda, "Multiple
Instance Learning via Iterative Self-Paced Supervised Contrastive Learning", CVPR 2023,
https://arxiv.org/abs/2210.09452; the authors' code is Kangningthu/ItS2CLR, commit 560213a.
"""

from __future__ import annotations

from dataclasses import dataclass

from milbench_aggregators.refinement.method import RefinedFeatures, RefinedImages


@dataclass(eq=False)
class ITS2CLR(RefinedImages):
    """Iterative self-paced supervised contrastive learning on images (Liu et al. 2023).

    A DSMIL network (its older architecture) gives every instance a pseudo probability. A ResNet-18
    with instance normalisation is then trained by a supervised contrastive loss on the pseudo
    labels: at first on the most probable fifth of the positives only, later on more of them.
    Every ``refresh`` epochs DSMIL is trained anew on the new features, and pseudo labels follow
    where its validation F1 is no worse than before.

    More than two classes, ours: one stream each, one against the rest, as ``dsmil``; each stream
    has pools and a contrastive epoch of its own, in which only instances of one pseudo label
    attract each other.

    Departures. The authors start from SimCLR weights of a separate run; without ``weights`` that
    run is done here, on the training bags of the fold. They report the best test AUC of all
    epochs; here the round with the best validation F1 predicts, the unrefined one included. The
    DSMIL that predicts is that of its epoch of best validation F1. Where no instance passes
    ``threshold`` the most probable ones do. Their validation of the contrastive loss is left out:
    nothing depends on it. Images smaller than 64 pixels are enlarged.

    Parameters
    ----------
    weights
        File of encoder weights: a state_dict of a ResNet-18 with InstanceNorm, as SimCLR or
        torchvision saves it.
    pretrain_epochs
        Of SimCLR within the fold where there are no ``weights``: 100, as in the code of DSMIL,
        whose encoders the authors use. 0 starts from random weights.
    batch
        A step on 512 images of 224 x 224, each in two views, keeps about 30 GB of activations.
    augmentation
        Of the views: ``simclr``, ``light`` (mirror, grey, blur) or ``flip``.
    width
        Planes of the first stage of the ResNet; 64 is ResNet-18.
    epochs, warmup, refresh, ...
        See :class:`milbench_aggregators.refinement.settings.Settings`.
    """


@dataclass(eq=False)
class ITS2CLRFeatures(RefinedFeatures):
    """ITS2CLR on cached features: a deviation from Liu et al. 2023, whose encoder reads images.

    Instead of a ResNet-18 a residual network of two layers on the features is refined; it
    starts as the identity. Views of an instance, random crops and colours there, are dropout of
    features and noise. The loop, the pools, the loss and the network of bags are those of
    :class:`ITS2CLR`. Numbers of epochs, batch and learning rates are ours: on bags of ten to
    a hundred instances a fold takes seconds.

    Parameters
    ----------
    hidden
        Width between the layers of the residual network; D if 0.
    dropout, noise
        Of a view: the share of features left out, and the standard deviation of the noise in
        those of the features.
    epochs, warmup, refresh, ...
        See :class:`milbench_aggregators.refinement.settings.Settings`.
    """
