"""The loop of ItS2CLR and HNM: score instances, refine the encoder by the scores, and again."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from milbench_aggregators.refinement.contrast_step import ContrastStep
from milbench_aggregators.refinement.mil_step import Featured, Judgement, MILStep, Scored
from milbench_aggregators.refinement.training_bags import Beliefs, TrainingBags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Generator

    from milbench import Example
    from milbench_aggregators.refinement.encoder import Encoder

logger = logging.getLogger(__name__)


class Round(NamedTuple):
    """An encoder with the network of bags that was trained on its features.

    Parameters
    ----------
    epoch
        After which the round was taken; -1 is before the first.
    weights
        Of the encoder.
    scored
        Of the MIL step.
    """

    epoch: int
    weights: dict[str, Any]
    scored: Scored

    def beats(self, other: Round) -> bool:
        """Return whether this later round is kept instead of ``other``."""
        mine, theirs = self.scored.judgement, other.scored.judgement
        return mine is None or theirs is None or mine >= theirs


class UpdateSignal:
    """Says whether pseudo labels follow a refined round: its F1 is no lower than any before."""

    def __init__(self) -> None:
        self._highest = 0.0

    def allows(self, judgement: Judgement | None) -> bool:
        """Take the judgement of the next refined round; without one labels always follow."""
        if judgement is None:
            return True
        if judgement.f1 < self._highest:
            return False
        self._highest = judgement.f1
        return True


class Refinement:
    """The state of one fold's refinement.

    Parameters
    ----------
    encoder
        Changed in place.
    bags
        The training bags, and the inner validation bags: these choose, and nothing is learnt
        from them.
    step
        How the network of bags is trained.
    generator
        Of all draws, on the CPU; the networks' weights start from torch's own random numbers.
    """

    def __init__(
        self,
        encoder: Encoder,
        bags: tuple[TrainingBags, Sequence[Example]],
        step: MILStep,
        generator: Generator,
    ) -> None:
        self.encoder, self.step, self.generator = encoder, step, generator
        self.train, self.valid = bags
        self.rounds: list[Judgement | None] = []

    def run(self) -> Round:
        """Refine for all epochs and return the round that validates best.

        After every ``refresh`` epochs the encoder is judged by a new network of bags. Pseudo
        labels follow it where it does as well as any before it (the signal of the authors' code,
        which counts from the first refined round); else the former ones stay. The round kept in
        the end is the best of all, the first, unrefined one included; without validation bags it
        is the last one.
        """
        settings = self.step.settings
        best = self._round(-1)
        beliefs = Beliefs(best.scored.scores, is_refreshed=False)
        contrast = ContrastStep(self.encoder, self.train, settings, self.generator)
        signal = UpdateSignal()
        for epoch in range(settings.epochs):
            contrast.run_epoch(epoch, beliefs)
            if epoch == 0 or epoch % settings.refresh:
                continue
            found = self._round(epoch)
            if signal.allows(found.scored.judgement):
                beliefs = Beliefs(found.scored.scores, is_refreshed=True)
            best = found if found.beats(best) else best
        self.encoder.load_state_dict(best.weights)
        return best

    def _round(self, epoch: int) -> Round:
        """Encode all bags, train a network of bags on them, and score the training instances."""
        draw = self.generator
        train = [self.encoder.encode_for_training(bag.x, draw) for bag in self.train.bags]
        valid = [self.encoder.encode(example.bag.x) for example in self.valid]
        scored = self.step.run(
            Featured(train, self.train.labels),
            Featured(valid, [example.label for example in self.valid]),
            draw,
        )
        self.rounds.append(scored.judgement)
        logger.info("round after epoch %d: %s", epoch, scored.judgement)
        return Round(epoch, copy.deepcopy(self.encoder.state_dict()), scored)
