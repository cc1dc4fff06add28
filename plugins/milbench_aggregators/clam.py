"""CLAM: attention whose highest and lowest instances are taught to tell the classes apart.

Paper: M. Y. Lu, D. F. K. Williamson, T. Y. Chen, R. J. Chen, M. Barbieri and F. Mahmood,
"Data-efficient and weakly supervised computational pathology on whole-slide images", Nature
Biomedical Engineering 5 (2021) 555-570, https://arxiv.org/abs/2004.09666; the authors' code is
mahmoodlab/CLAM, commit 53e2409. The smooth SVM loss: L. Berrada, A. Zisserman and M. P. Kumar,
"Smooth Loss Functions for Deep Top-k Classification", ICLR 2018, https://arxiv.org/abs/1802.07595.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import nn
from torch.nn import functional as F

from milbench import Bag, Context, MilbenchError, Output
from milbench.nn import check_instances, embedding_stack

if TYPE_CHECKING:
    from torch import Tensor

BRANCH_DROPOUT = 0.25  # authors' code, whatever the dropout after the first layer is
# How far right must be ahead of wrong, in logits. Of two classes the smooth top-1 SVM loss with
# temperature 1 and margin 1 is log(1 + exp(1 - d)), and cross-entropy is log(1 + exp(-d)), where d
# is the logit of the right one less that of the wrong one.
MARGINS = {"cross-entropy": 0.0, "svm": 1.0}


class CLAMSB(nn.Module):
    """CLAM with a single attention branch (Lu et al. 2021).

    The instances of highest attention are evidence for the bag's class, those of lowest attention
    are not; a linear model for each class, on the embedded instances, learns to tell them apart.
    With ``subtyping``, where a bag is of one class only, the instances of highest attention are
    also no evidence for any other class. Layers start as PyTorch starts them.

    Departures: a bag smaller than ``k_sample`` gives as many instances as it has, where the
    authors' code fails. Their early stopping, an option, waits for epoch 50; their weighted
    sampling of classes, another, is not used here.

    Parameters
    ----------
    hidden, attention
        Widths of the embedding and of the attention space. 512 and 256 are the authors' size
        "small"; "big" has ``attention=384``.
    dropout
        After the embedding. Unless it is 0, both branches of the attention have one of 0.25.
    k_sample
        Instances of highest, and as many of lowest, attention.
    bag_weight
        Share of the bag's loss; the rest is that of the instances.
    instance_loss
        ``cross-entropy``, the default of the authors' code, or ``svm``, their smooth top-1 SVM.
    subtyping
        Whether the classes exclude each other in a bag; the instance loss is then the mean over
        classes.
    """

    is_branched = False  # by class

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        *,
        hidden: int = 512,
        attention: int = 256,
        dropout: float = 0.25,
        k_sample: int = 8,
        bag_weight: float = 0.7,
        instance_loss: Literal["cross-entropy", "svm"] = "cross-entropy",
        subtyping: bool = False,
    ) -> None:
        super().__init__()
        if instance_loss not in MARGINS:
            raise MilbenchError(
                f"clam: instance_loss is {instance_loss!r}; choose 'cross-entropy' or 'svm'"
            )
        if k_sample < 1:
            raise MilbenchError(f"clam: k_sample is {k_sample}; expected 1 or more instances")
        self.in_dim, self.n_classes = in_dim, n_classes
        self.k_sample, self.bag_weight, self.subtyping = k_sample, bag_weight, subtyping
        self.margin = MARGINS[instance_loss]
        branches = n_classes if self.is_branched else 1
        self.embed = embedding_stack(in_dim, (hidden,), dropout)
        self.attention = BranchScores(hidden, attention, branches, dropout)
        self.head = nn.Linear(hidden, n_classes)
        self.evidence = nn.Linear(hidden, 2 * n_classes)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, D) to logits (C,), attention and evidence.

        The scores are attention before softmax, (N,) of one branch, (N, C) of one a class. The
        instance logits (N, C) are the log-odds that an instance is evidence for each class.

        Raises
        ------
        ShapeError
            If bag.x is not (N, D).
        """
        check_instances(bag.x, self.in_dim)
        embedded = self.embed(bag.x)  # (N, M)
        scores = self.attention(embedded)  # (K, N), K branches
        pooled = scores.softmax(dim=1) @ embedded  # (K, M)
        log_odds = self.log_odds(embedded)  # (N, C)
        return Output(
            logits=self.classify(pooled),
            scores=scores.T.squeeze(-1),
            instance_logits=log_odds,
            extra=(scores, log_odds),
        )

    def classify(self, pooled: Tensor) -> Tensor:
        """Map the pooled instances (1, M) to logits (C,)."""
        logits: Tensor = self.head(pooled)  # (1, C)
        return logits.squeeze(0)

    def log_odds(self, embedded: Tensor) -> Tensor:
        """Return how much instances (N, M) are evidence for each class, (N, C)."""
        sides = (2, self.n_classes, -1)  # against all classes and then for all
        against, given = self.evidence.weight.view(sides)  # (C, M) each
        bias_against, bias_given = self.evidence.bias.view(2, -1)  # (C,) each
        return F.linear(embedded, given - against, bias_given - bias_against)

    def loss(self, output: Output, label: Tensor, context: Context) -> Tensor:  # noqa: ARG002
        """Return the weighted losses of the bag and of its extreme instances.

        Parameters
        ----------
        output
            Of :meth:`forward`.
        label : () int64
            The bag's class.
        context
            Not needed; set by contract.

        Returns
        -------
        ()
            ``bag_weight`` of the bag's cross-entropy, the rest of :meth:`instance_loss`.
        """
        bag_loss = F.cross_entropy(output.logits, label)
        rest = 1.0 - self.bag_weight
        return self.bag_weight * bag_loss + rest * self.instance_loss(output, label)

    def instance_loss(self, output: Output, label: Tensor) -> Tensor:
        """Return the loss () of telling the instances of highest attention from the lowest.

        Chosen by weights, not by branching, so that bags of different classes compute alike.
        """
        scores, log_odds = output.extra  # (K, N), (N, C)
        count = min(self.k_sample, scores.shape[1])
        classes = torch.arange(self.n_classes, device=label.device)  # (C,)
        extremes = (scores.topk(count).indices, scores.topk(count, largest=False).indices)
        seen = log_odds[torch.cat(extremes, dim=1), classes[:, None]]  # (C, 2 count)
        highest, lowest = seen.chunk(2, dim=1)  # (C, count)
        wrong = torch.cat((-highest, lowest), dim=1)  # log-odds that each is taken for the other
        of_class = F.softplus(self.margin + wrong).mean(dim=1)  # (C,)
        is_class = classes == label  # (C,)
        if self.subtyping:
            of_others = F.softplus(self.margin + highest).mean(dim=1)  # (C,)
            return torch.where(is_class, of_class, of_others).mean()
        return torch.where(is_class, of_class, 0.0).sum()


class CLAMMB(CLAMSB):
    """CLAM with an attention branch for each class (Lu et al. 2021); see :class:`CLAMSB`."""

    is_branched = True

    def classify(self, pooled: Tensor) -> Tensor:
        """Map the instances (C, M), pooled by each class's attention, to logits (C,)."""
        return (pooled * self.head.weight).sum(dim=1) + self.head.bias


class BranchScores(nn.Module):
    """Gated attention before normalisation, several branches on one space.

    Parameters
    ----------
    in_dim, hidden
        Widths of an embedded instance and of the attention space.
    branches
        K.
    dropout
        Of the embedding. Unless it is 0, one of 0.25 follows tanh and one the gate.
    """

    def __init__(self, in_dim: int, hidden: int, branches: int, dropout: float) -> None:
        super().__init__()
        self.content = nn.Linear(in_dim, hidden)
        self.gate = nn.Linear(in_dim, hidden)
        self.score = nn.Linear(hidden, branches)
        self.drop = nn.Dropout(BRANCH_DROPOUT if dropout else 0.0)

    def forward(self, embedded: Tensor) -> Tensor:
        """Map embedded instances (N, M) to scores (K, N)."""
        content = self.drop(self.content(embedded).tanh())  # (N, L)
        gate = self.drop(self.gate(embedded).sigmoid())  # (N, L)
        scores: Tensor = self.score(content * gate)  # (N, K)
        return scores.T
