"""Attention-based multiple-instance learning on images, trained end to end.

Paper: M. Ilse, J. Tomczak and M. Welling, "Attention-based Deep Multiple Instance Learning",
ICML 2018, https://arxiv.org/abs/1802.04712; the authors' code is AMLab-Amsterdam/AttentionDeepMIL,
commit eb0434b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from torch import nn

from milbench import Bag, MilbenchError, Output
from milbench.nn import AttentionScores, attention_pool, logit_count, with_negative
from milbench_aggregators.lenet import LeNet, NucleiNet

if TYPE_CHECKING:
    from collections.abc import Sequence

MNIST_MEAN, MNIST_SD = 0.1307, 0.3081  # of the training pixels, as in the authors' code
NETWORKS: dict[str, type[LeNet | NucleiNet]] = {"lenet": LeNet, "nuclei": NucleiNet}


class ABMILCNN(nn.Module):
    """Embed each image by a CNN, average by attention, classify (Ilse et al. 2018).

    The published network for digits. Two classes share one logit z, returned as (0, z), as
    published; more classes get one logit each, and softmax. The paper's loss, the Bernoulli
    likelihood of p clamped to [1e-5, 1 - 1e-5], is the harness's cross-entropy on (0, z) but for
    the clamp. Weights start as PyTorch starts them, as in the authors' code.

    Departures: any channels and any size from 16 x 16 pixels on, where the code has 1 x 28 x 28;
    no augmentation, which the paper uses for its histology images.

    Parameters
    ----------
    image
        Channels, rows and columns of an instance; None is a square of three channels or of one.
    network
        ``lenet``, of the authors' code, or ``nuclei``, of the paper's colon images.
    attention
        Width L of the attention space.
    mean, sd
        Bytes are divided by 255, less ``mean``, divided by ``sd``, every channel alike; those of
        MNIST by default. Floats stay as they are.
    multi_label
        Whether each class is a label of its own: then two have two logits.
    """

    gated = False

    def __init__(  # noqa: PLR0913  # a method's settings are keywords by contract
        self,
        in_dim: int,
        n_classes: int,
        *,
        image: Sequence[int] | None = None,
        network: Literal["lenet", "nuclei"] = "lenet",
        attention: int = 128,
        mean: float = MNIST_MEAN,
        sd: float = MNIST_SD,
        multi_label: bool = False,
    ) -> None:
        super().__init__()
        self.is_multi_label = multi_label
        if network not in NETWORKS:
            raise MilbenchError(
                f"abmil-cnn: network is {network!r}; choose one of {', '.join(NETWORKS)}"
            )
        self.embed = NETWORKS[network](in_dim, image, mean=mean, sd=sd)
        self.attention = AttentionScores(self.embed.width, attention, gated=self.gated)
        outputs = n_classes if multi_label else logit_count(n_classes)
        self.head = nn.Linear(self.embed.width, outputs)

    def forward(self, bag: Bag) -> Output:
        """Map bag.x of shape (N, C, H, W) to logits (C,) and attention (N,).

        Raises
        ------
        ShapeError
            If bag.x has another shape.
        """
        embedded = self.embed(bag.x)  # (N, M)
        pooled, weights = attention_pool(embedded, self.attention(embedded))  # (M,), (N,)
        logits = self.head(pooled)  # (L,), (1,) or (C,)
        return Output(logits if self.is_multi_label else with_negative(logits), scores=weights)


class GatedABMILCNN(ABMILCNN):
    """ABMILCNN with the gated attention of Ilse et al. 2018, eq. 9; see :class:`ABMILCNN`."""

    gated = True
