"""DSMIL in its older architecture: an embedding before the bag stream, and learnt values.

Paper: B. Li, Y. Li and K. Eliceiri, "Dual-stream Multiple Instance Learning Network for Whole
Slide Image Classification with Self-supervised Contrastive Learning", CVPR 2021,
https://arxiv.org/abs/2011.08939. The network is the one that Kangningthu/ItS2CLR (commit 560213a)
and winston52/HNM-WSI (commit 355e7bd) carry, from before the authors rewrote theirs in 2024.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import nn

from milbench_aggregators.dsmil import DSMIL, QUERY, Streams

if TYPE_CHECKING:
    from torch import Tensor


class DSMILClassic(DSMIL):
    """Dual-stream MIL (Li, Li and Eliceiri 2021), the architecture before the rewrite of 2024.

    Unlike :class:`~milbench_aggregators.dsmil.DSMIL` it embeds the instances by Linear and ReLU for
    the bag stream; its query has one layer; its values are a linear map of the embedding. The
    instance stream, which picks the critical instance, reads the features as they come. Weights
    start as PyTorch's layers do.

    Classes, streams and loss are those of DSMIL. Departure: ItS2CLR and HNM, whose code this
    network was read from, weigh positive bags by the ratio of negative to positive ones; here, as
    in the DSMIL authors' training on slides, all bags count alike.

    Parameters
    ----------
    negative, multi_label
        As for DSMIL: whether two classes share one stream, and whether classes are labels.
    """

    def __init__(
        self, in_dim: int, n_classes: int, *, negative: bool = True, multi_label: bool = False
    ) -> None:
        super().__init__(in_dim, n_classes, negative=negative, multi_label=multi_label)
        streams = self.instances.out_features
        self.instances.reset_parameters()
        del self.query, self.head  # so that parameters come in the order of that code
        self.embed = nn.Sequential(nn.Linear(in_dim, in_dim), nn.ReLU())
        self.query = nn.Sequential(nn.Linear(in_dim, QUERY), nn.Tanh())
        self.value = nn.Linear(in_dim, in_dim)
        self.head = nn.Linear(streams * in_dim, streams)

    def streams(self, x: Tensor) -> Streams:
        """Run both streams on instances (N, D)."""
        instances = self.instances(x)  # (N, S)
        critical = instances.argmax(dim=0)  # (S,)
        embedded = self.embed(x)  # (N, D)
        queries = self.query(embedded)  # (N, Q)
        critical_queries = queries[critical]  # (S, Q)
        attention = (queries @ critical_queries.T / math.sqrt(QUERY)).softmax(dim=0)  # (N, S)
        vectors = attention.T @ self.value(embedded)  # (S, D)
        return Streams(self.head(vectors.flatten()), instances, critical, attention, vectors)
