"""The contrastive loss against the authors' numbers and against cross-entropies."""

import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from milbench_aggregators.refinement.contrast import Roles, contrastive_loss

LABELS = torch.tensor([0, 0, 1, 1, 0, 1])
BAGS = torch.tensor([0, 0, 1, 1, 1, 1])  # of which the instances are
NEGATIVE, POSITIVE = LABELS == 0, LABELS == 1
UNCERTAIN = NEGATIVE & (BAGS == 1)


def golden_views():
    """Return two views (6, 8) by the integer formula of the specification."""
    i, j = torch.arange(6)[:, None], torch.arange(8)
    x = 2 * ((31 * i + 17 * j + 7 * i * j) % 101).double() / 101 - 1
    wave = 0.2 * torch.arange(48).double().cos().reshape(6, 8)
    return F.normalize(x, dim=1), F.normalize(x + wave, dim=1)


@pytest.mark.parametrize(
    ("is_anchor", "is_masked", "expected"),
    [
        (NEGATIVE, UNCERTAIN, 4.32613894),  # pair mode 2, masked
        (NEGATIVE, None, 6.08740978),  # pair mode 2
        (POSITIVE, None, 6.43303417),  # pair mode 1
        (torch.ones(6, dtype=torch.bool), None, 12.52044395),  # pair mode 0
    ],
    ids=["mode 2 masked", "mode 2", "mode 1", "mode 0"],
)
def test_loss_equals_the_authors_code(is_anchor, is_masked, expected):
    """Numbers of winston52/HNM-WSI, commit 355e7bd, in float64."""
    loss = contrastive_loss(*golden_views(), Roles(LABELS, is_anchor, is_masked), 0.07)

    assert_close(loss, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


def test_views_without_partner_count_as_zero():
    """No anchor at all is a loss of 0, with gradients of 0 and not of nan."""
    first, second = (view.requires_grad_() for view in golden_views())
    nobody = torch.zeros(6, dtype=torch.bool)
    loss = contrastive_loss(first, second, Roles(LABELS, nobody, ~nobody), 0.07)
    loss.backward()

    assert loss == 0.0
    assert not first.grad.any()
    assert not second.grad.any()


def test_loss_pulls_anchors_together_and_pushes_the_rest_away():
    """One step against the gradient brings negatives closer, and farther from positives."""
    first, second = (view.requires_grad_() for view in golden_views())
    contrastive_loss(first, second, Roles(LABELS, NEGATIVE), 0.5).backward()

    def mean_similarity(one, other):
        return (one[NEGATIVE] @ other[NEGATIVE].T).mean(), (
            one[NEGATIVE] @ other[POSITIVE].T
        ).mean()

    near, far = mean_similarity(first, second)
    moved = [F.normalize(view - 0.1 * view.grad, dim=1) for view in (first, second)]
    nearer, farther = mean_similarity(*moved)
    assert nearer > near
    assert farther < far
