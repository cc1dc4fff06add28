"""What the four methods share: fit by the loop, predict by its encoder and network of bags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import torch

from milbench import Bag, Context, Example, MilbenchError, Output
from milbench.nn import with_negative
from milbench_aggregators.refinement.encoder import Encoder, FeatureAdapter, ImageEncoder
from milbench_aggregators.refinement.loop import Refinement
from milbench_aggregators.refinement.mil_step import Judgement, MILStep
from milbench_aggregators.refinement.settings import Settings
from milbench_aggregators.refinement.start import load_weights, pretrain
from milbench_aggregators.refinement.training_bags import TrainingBags

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Generator, nn

    from milbench.nn.views import Augmentation
    from milbench_aggregators.hnm_dsmil import HNMDSMIL


@dataclass(eq=False)
class Refined(Settings, ABC):
    """Base: a method with a ``fit`` of its own.

    Everything is computed from the training bags; validation bags choose among the rounds, and
    among the epochs of each round. All randomness follows from ``context.seed``.
    """

    in_dim: int
    n_classes: int
    encoder: Encoder = field(init=False, repr=False)
    network: HNMDSMIL = field(init=False, repr=False)
    rounds: list[Judgement | None] = field(init=False, repr=False)
    is_paired: ClassVar[bool] = False  # whether bags are ranked in pairs

    @abstractmethod
    def start(self, bags: TrainingBags, generator: Generator) -> Encoder:
        """Return the encoder that refinement starts from."""

    def fit(self, train: Sequence[Example], valid: Sequence[Example], context: Context) -> None:
        """Refine the encoder on ``train`` and keep the round that does best on ``valid``.

        Parameters
        ----------
        train
            Training bags with their labels.
        valid
            Inner validation bags; without any the last round is kept.
        context
            Gives the seed.

        Raises
        ------
        MilbenchError
            If the training bags are of a single class.
        TrainingError
            If the contrastive loss is not finite.
        """
        bags = TrainingBags(train, self.n_classes, negative=self.negative)
        generator = torch.Generator().manual_seed(context.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(context.seed)
            self.encoder = self.start(bags, generator)
            step = MILStep(self, bags.counts, self.is_paired)
            refinement = Refinement(self.encoder, (bags, valid), step, generator)
            self.network = refinement.run().scored.network
        self.rounds = refinement.rounds

    @torch.no_grad()
    def predict(self, bag: Bag) -> Output:
        """Map a bag to log-probabilities and the logits of its instances.

        Returns
        -------
        Output
            ``logits`` (C,), softmax taken; ``scores`` (N,), or (N, C) by class, the instance
            stream whose sigmoid is the pseudo probability; ``instance_logits`` (N, C).

        Raises
        ------
        ShapeError
            If the instances are not like those of the training bags.
        """
        output = self.network(Bag(self.encoder.encode(bag.x)))
        return Output(
            logits=with_negative(output.extra.bag).double().log_softmax(dim=0),
            scores=output.extra.instances.squeeze(-1),
            instance_logits=output.instance_logits,
        )

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield all trained weights: of the encoder, its projection and the network of bags."""
        yield from self.encoder.parameters()
        yield from self.network.parameters()


@dataclass(eq=False)
class RefinedImages(Refined):
    """Base of the published methods: a ResNet-18 on images."""

    weights: str = field(default="", kw_only=True)
    pretrain_epochs: int = field(default=100, kw_only=True)
    augmentation: Augmentation = field(default="simclr", kw_only=True)
    width: int = field(default=64, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.augmentation not in ("simclr", "light", "flip"):
            raise MilbenchError(
                f"augmentation is {self.augmentation!r}; choose 'simclr', 'light' or 'flip'"
            )

    def start(self, bags: TrainingBags, generator: Generator) -> ImageEncoder:
        """Return a ResNet-18 with weights of a file, or of SimCLR on the training bags."""
        first = bags.bags[0].x
        if first.dim() != 4:  # noqa: PLR2004  # (N, C, H, W)
            raise MilbenchError(
                f"bag.x has shape {tuple(first.shape)}; expected images (N, C, H, W): encode the "
                "data set with 'pixels', or use the -features form of the method"
            )
        channels, rows, columns = first.shape[1:]
        encoder = ImageEncoder(
            (channels, rows, columns), width=self.width, augmentation=self.augmentation
        )
        if self.weights:
            load_weights(encoder, self.weights)
        encoder.to(first.device)
        if not self.weights:
            pretrain(encoder, bags, self.pretrain_epochs, self.batch, generator)
        return encoder


@dataclass(eq=False)
class RefinedFeatures(Refined):
    """Base of the feature forms: a residual network on cached features, with smaller settings.

    Settings are our choice, for bags of tens of instances and a training of seconds.
    """

    epochs: int = field(default=11, kw_only=True)
    warmup: int = field(default=3, kw_only=True)
    refresh: int = field(default=5, kw_only=True)
    batch: int = field(default=256, kw_only=True)
    lr: float = field(default=0.1, kw_only=True)
    mil_epochs: int = field(default=20, kw_only=True)
    mil_lr: float = field(default=1e-3, kw_only=True)
    hidden: int = field(default=0, kw_only=True)
    dropout: float = field(default=0.2, kw_only=True)
    noise: float = field(default=0.2, kw_only=True)

    def start(self, bags: TrainingBags, generator: Generator) -> FeatureAdapter:  # noqa: ARG002
        """Return an adapter that leaves features as they are."""
        adapter = FeatureAdapter(
            bags.spread(), hidden=self.hidden, dropout=self.dropout, noise=self.noise
        )
        return adapter.to(bags.bags[0].x.device)
