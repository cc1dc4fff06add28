"""The rule by which golden numbers were made: parameters and inputs follow from integers.

The authors' code was filled by it and run in float64, and so is ours.
"""

import math

import pytest
import torch


class GoldenRule:
    """Fill networks and draw inputs as they were when the golden numbers were made."""

    def values(self, count, position):
        """Return ``count`` values in [-0.5, 0.5) of the tensor at ``position``."""
        k = torch.arange(count)
        return ((7919 * k + 104729 * position + 12345) % 10007).double() / 10007 - 0.5

    @torch.no_grad()
    def fill(self, tensors, scales=()):
        """Fill ``tensors``, given in the order of the authors' layers; ``scales`` are about 1."""
        for position, tensor in enumerate(tensors):
            v = self.values(tensor.numel(), position)
            row = tensor.numel() / tensor.shape[0]
            v = 0.2 * v if tensor.dim() == 1 else 2 * v / math.sqrt(row)
            tensor.copy_(v.reshape(tensor.shape) + any(tensor is scale for scale in scales))

    def filled(self, model):
        """Return ``model`` in float64 with its parameters filled in the order of creation."""
        model = model.double().eval()
        self.fill(model.parameters())
        return model

    def x(self, rows, columns):
        """Return an input (rows, columns) in [-1, 1)."""
        i, j = torch.arange(rows)[:, None], torch.arange(columns)
        return 2 * ((31 * i + 17 * j + 7 * i * j) % 101).double() / 101 - 1


@pytest.fixture(scope="session")
def rule():
    """Return the rule."""
    return GoldenRule()
