"""HMIL: attention for each class at two levels of a label hierarchy, the levels aligned.

Paper: C. Jin, L. Luo, H. Lin, J. Hou and H. Chen, "HMIL: Hierarchical Multi-Instance Learning for
Fine-Grained Whole Slide Image Classification", IEEE Transactions on Medical Imaging 2025,
https://arxiv.org/abs/2411.07660; the authors' code is ChengJin-git/HMIL, commit af6f85a. The
contrastive loss: P. Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020,
https://arxiv.org/abs/2004.11362.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from milbench import Bag, Context, MilbenchError, Output
from milbench.nn import check_instances
from milbench_aggregators.clam import BranchScores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Variant = Literal["paper", "released"]
BASE_TEMPERATURE = 0.1  # authors' code; also the paper's temperature
TINY = 1e-6  # authors' code: inside the logarithm, and beside the count of positives


class Seen(NamedTuple):
    """What the loss needs of one bag.

    Parameters
    ----------
    coarse_attention : (K, N)
        Weights of the instances for each coarse class; each row sums to 1.
    fine_attention : (C, N)
        The same for each fine class.
    features : (C, M)
        Pooled instances of each fine class, of length 1.
    """

    coarse_attention: Tensor
    fine_attention: Tensor
    features: Tensor


class HMIL(nn.Module):
    """Classify a bag at two levels, by one attention for each class of each (Jin et al. 2025).

    Every class pools the instances by an attention of its own; one linear layer for all coarse
    classes, and one for all fine ones, maps a class's pooled instances to its logit. A training
    step takes ``batch`` bags. In epoch e of E, with the cross-entropies ``L_c`` and ``L_f`` of both
    levels, the alignments ``L_ia`` and ``L_ba`` and the contrastive loss ``L_con``:

    - ``paper``: L_f + b (L_c + L_ia + L_ba) + (1 - b) L_con, where b = 1 - e/E; temperature 0.1.
    - ``released``: b L_c + L_f + L_ba + (1 - b) L_con, where b = 1 - (e/E)^2; the temperature goes
      from 1 by 0.1 in the middle to 1 again. The authors' code computes L_ia and never adds it.

    The sum of ``paper`` follows notes of third parties on the paper and the figure in the authors'
    repository, which agree; it is not verified against the paper's text. The released code does
    not run as it is (names that do not fit or do not exist), so ``released`` follows what its lines
    say. In both ``L_con`` is divided by the count of bags once more, as in the code.

    Departure: the epoch that is kept has the lowest fine cross-entropy on the validation bags, the
    same rule as for every method; the authors mean to keep that of their best loss or AUC.

    The shared linear layers and the attentions have biases as in the code. They add the same to
    every logit, or to every instance, so nothing ever moves them but rounding.

    Parameters
    ----------
    parents : (C,)
        ``parents[fine] == coarse``, from the data set.
    variant
        Whose total loss; see above.
    bag_alignment
        ``likelihood``: minus the logarithm of the coarse class's probability, the sum of those of
        its fine classes. ``as_released``: cross-entropy that takes these sums for logits. None
        takes the first for ``paper`` and the second for ``released``.
    hidden
        Width of the bottleneck before the coarse attention, and of the fine instances.
    attention
        Widths of the coarse and of the fine attention.
    dropout
        Unless it is 0, as published, both branches of each attention have one of 0.25.
    batch
        Bags of a step; the last step of an epoch takes what is left.
    """

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        parents: Sequence[int],
        *,
        variant: Variant = "paper",
        bag_alignment: Literal["likelihood", "as_released"] | None = None,
        hidden: int = 256,
        attention: tuple[int, int] = (256, 64),
        dropout: float = 0.0,
        batch: int = 64,
    ) -> None:
        super().__init__()
        if variant not in ("paper", "released"):
            raise MilbenchError(f"hmil: variant is {variant!r}; choose 'paper' or 'released'")
        if bag_alignment not in (None, "likelihood", "as_released"):
            raise MilbenchError(
                f"hmil: bag_alignment is {bag_alignment!r}; choose 'likelihood' or 'as_released'"
            )
        if len(parents) != n_classes or batch < 1:
            raise MilbenchError(
                f"hmil: {len(parents)} parents for {n_classes} classes, {batch} bags a step; "
                "expected one parent for each class and 1 or more bags"
            )
        self.in_dim, self.batch, self.variant = in_dim, batch, variant
        default = "likelihood" if variant == "paper" else "as_released"
        self.bag_alignment = bag_alignment or default
        groups = F.one_hot(torch.tensor(parents)).T.to(torch.get_default_dtype())  # (K, C)
        self.groups: Tensor
        self.register_buffer("groups", groups, persistent=False)
        self.extract = nn.Sequential(
            nn.Linear(in_dim, hidden), nn.ReLU(), nn.Linear(hidden, in_dim)
        )
        self.reduce = nn.Linear(in_dim, hidden)
        coarse, fine = attention
        self.coarse_attention = BranchScores(in_dim, coarse, len(groups), dropout)
        self.fine_attention = BranchScores(hidden, fine, n_classes, dropout)
        self.coarse_head = nn.Linear(in_dim, 1)
        self.fine_head = nn.Linear(hidden, 1)
        self.apply(kaiming_start)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,), coarse logits (K,) and attention (N, C).

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        wide = self.extract(bag.x)  # (N, D)
        narrow = self.reduce(wide)  # (N, M)
        coarse_attention = self.coarse_attention(wide).softmax(dim=1)  # (K, N)
        fine_attention = self.fine_attention(narrow).softmax(dim=1)  # (C, N)
        pooled = fine_attention @ narrow  # (C, M)
        return Output(
            logits=self.fine_head(pooled).squeeze(-1),
            scores=fine_attention.T,
            extra=Seen(coarse_attention, fine_attention, F.normalize(pooled, dim=1)),
            coarse=self.coarse_head(coarse_attention @ wide).squeeze(-1),
        )

    def join(self, labels: Sequence[int]) -> list[range]:
        """Return the bags of each step: ``batch`` of them in the order of the epoch."""
        starts = range(0, len(labels), self.batch)
        return [range(start, min(start + self.batch, len(labels))) for start in starts]

    def loss(self, outputs: Sequence[Output], labels: Sequence[Tensor], context: Context) -> Tensor:
        """Return the total loss () of the bags of a step; see :class:`HMIL`.

        Parameters
        ----------
        outputs
            Of :meth:`forward`, one for each bag of the step.
        labels : () int64 each
            The fine classes of the bags.
        context
            Its ``epoch`` and ``epochs`` weigh the parts.
        """
        label = torch.stack(list(labels))  # (B,)
        fine = torch.stack([output.logits for output in outputs])  # (B, C)
        coarse = torch.stack([_given(output.coarse) for output in outputs])  # (B, K)
        parent = self.groups[:, label].argmax(dim=0)  # (B,)
        weight, temperature = curriculum(self.variant, context.epoch, context.epochs)
        of_fine = F.cross_entropy(fine, label)
        of_coarse = F.cross_entropy(coarse, parent)
        aligned = self.align_bags(fine, parent)
        features = torch.stack([output.extra.features for output in outputs])  # (B, C, M)
        contrast = contrastive(features, label, temperature) / len(outputs)
        if self.variant == "released":
            return weight * of_coarse + of_fine + aligned + (1.0 - weight) * contrast
        instances = torch.stack([self.align_instances(output.extra) for output in outputs])
        eased = of_coarse + instances.mean() + aligned
        return of_fine + weight * eased + (1.0 - weight) * contrast

    def align_bags(self, fine: Tensor, parent: Tensor) -> Tensor:
        """Return how badly fine logits (B, C) speak for the coarse classes (B,): a scalar."""
        sums = fine.softmax(dim=1) @ self.groups.T  # (B, K), each row sums to 1
        if self.bag_alignment == "as_released":
            return F.cross_entropy(sums, parent)
        # From log-probabilities, so that no sum can round to 0.
        own = self.groups[parent].log()  # (B, C), 0 below the coarse class and -inf elsewhere
        return -(fine.log_softmax(dim=1) + own).logsumexp(dim=1).mean()

    def align_instances(self, seen: Seen) -> Tensor:
        """Return by how much both attentions disagree, over the instances of a bag: 0 to 2.

        The mean of 1 - cos between an instance's coarse attention (K,) and its fine attention,
        summed below each coarse class.
        """
        summed = self.groups @ seen.fine_attention  # (K, N)
        return (1.0 - F.cosine_similarity(seen.coarse_attention, summed, dim=0)).mean()


def curriculum(variant: Variant, epoch: int, epochs: int) -> tuple[float, float]:
    """Return the weight of the coarse parts in ``epoch`` of ``epochs``, and the temperature.

    The weight falls from 1 towards 0: linearly in the paper, by a square in the released code.
    """
    share = epoch / epochs
    if variant == "paper":
        return 1.0 - share, BASE_TEMPERATURE
    wave = (1.0 + math.cos(2.0 * math.pi * share)) / 2.0
    return 1.0 - share**2, BASE_TEMPERATURE + (1.0 - BASE_TEMPERATURE) * wave


def contrastive(features: Tensor, label: Tensor, temperature: float) -> Tensor:
    """Return the supervised contrastive loss () of class features (Khosla et al. 2020, eq. 2).

    The V features of a bag are its views; all views of all bags of its class, but itself, are the
    positives of a view.

    Parameters
    ----------
    features : (B, V, M)
        Of length 1.
    label : (B,)
        Fine class of each bag.
    temperature
        The loss is scaled by ``temperature / 0.1``, as in the authors' code.
    """
    bags, views, _ = features.shape
    anchors = features.transpose(0, 1).reshape(bags * views, -1)  # (VB, M), view by view
    logits = anchors @ anchors.T / temperature  # (VB, VB)
    logits = logits - logits.amax(dim=1, keepdim=True).detach()
    others = 1.0 - torch.eye(len(logits), dtype=logits.dtype, device=logits.device)
    of_anchor = label.repeat(views)  # (VB,)
    positive = (of_anchor[:, None] == of_anchor) * others  # (VB, VB)
    log_share = logits - ((logits.exp() * others).sum(dim=1, keepdim=True) + TINY).log()
    mean = (positive * log_share).sum(dim=1) / (positive.sum(dim=1) + TINY)  # (VB,)
    return -(temperature / BASE_TEMPERATURE) * mean.mean()


def kaiming_start(module: nn.Module) -> None:
    """Start a linear layer with Kaiming normal weights and zero biases, as the authors' code."""
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(module.bias)


def _given(coarse: Tensor | None) -> Tensor:
    if coarse is None:  # forward always gives it
        raise MilbenchError("hmil: an output without coarse logits")
    return coarse
