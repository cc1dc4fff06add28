"""Denormal numbers: zero inside, as they were outside."""

import pytest
import torch

from milbench.train.denormals import denormals_flushed


def tiny() -> float:
    """Return 1e-30 * 1e-10, which float32 holds as a denormal number only."""
    return (torch.tensor(1e-30) * torch.tensor(1e-10)).item()


def test_denormals_are_zero_inside_and_come_back():
    """An error inside does not leave the switch on."""
    is_possible = torch.set_flush_denormal(True)
    torch.set_flush_denormal(False)
    seen = []

    def fails() -> None:
        with denormals_flushed():
            seen.append(tiny())
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert (seen[0] == 0.0) == is_possible
    assert tiny() > 0.0


def test_who_flushes_already_goes_on_doing_so():
    """The state outside is the caller's."""
    is_possible = torch.set_flush_denormal(True)
    try:
        with denormals_flushed():
            pass
        assert (tiny() == 0.0) == is_possible
    finally:
        torch.set_flush_denormal(False)
