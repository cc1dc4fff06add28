"""A recording gives what the function gives, and is used only where that was seen."""

import pytest
import torch
from torch.func import grad
from torch.nn import functional

from milbench.train.trace import RECORDINGS, Traced


class Counted:
    """A function of one replica that counts how often Python runs it."""

    def __init__(self, function) -> None:
        self.calls = 0
        self._function = function

    def __call__(self, *arguments):
        self.calls += 1
        return [self._function(*arguments)]


def traced(function, library="default"):
    """Return the replicas' function of own weights and a shared bag, and the count of its runs."""
    counted = Counted(function)

    def resize(arguments, rows):
        x, weights = arguments
        return [x[torch.arange(rows) % len(x)], weights]

    return Traced(counted, (None, 0), lambda: None, library, resize=resize), counted


def attention(x, weight):
    """Pool instances (N, D) by attention along ``weight`` (D,), and differentiate."""

    def loss(w):
        scores = torch.softmax(x @ w, dim=0)
        return (scores @ x).square().sum()

    return grad(loss)(weight)


def unpacked(x, weight):
    """Pool as :func:`attention` does, with the weights taken out of a tensor one by one."""
    first, second, third, fourth = weight
    return attention(x, torch.stack([first, second, third, fourth]))


def by_channel(x, weight):
    """Scale the features (N, D) by a convolution of D groups, and differentiate."""

    def loss(w):
        return functional.conv1d(x.T[None], w[:, None, None], groups=4).square().sum()

    return grad(loss)(weight)


def expected(function, x, weights):
    return torch.stack([function(x, weight) for weight in weights])


@pytest.mark.parametrize("sizes", [(5, 2, 1, 9), (1, 2, 3)])
@pytest.mark.parametrize(("first", "library"), [(4, "default"), (1, "default"), (4, "onednn")])
def test_one_recording_serves_all_sizes_and_counts(sizes, first, library):
    """Bags of one instance and stacks of one replica too, whichever comes first."""
    replay, counted = traced(attention, library)
    generator = torch.Generator().manual_seed(0)
    for count in (first, 3, 6):
        weights = torch.randn(count, 4, generator=generator)
        for rows in sizes * 2:
            x = torch.randn(rows, 4, generator=generator)
            (found,) = replay(rows, count, lambda x=x, w=weights: [x, w])
            torch.testing.assert_close(found, expected(attention, x, weights))
    runs = counted.calls
    x, weights = torch.randn(sizes[0], 4), torch.randn(3, 4)
    (found,) = replay(sizes[0], 3, lambda: [x, weights])

    torch.testing.assert_close(found, expected(attention, x, weights))
    assert counted.calls == runs  # replayed: Python did not run the function again
    assert replay.is_recorded


def test_a_tensor_may_be_unpacked():
    """What gives several views at once is recorded like anything else."""
    replay, _ = traced(unpacked)
    for rows in (5, 2, 9):
        x, weights = torch.randn(rows, 4), torch.randn(3, 4)
        (found,) = replay(rows, 3, lambda x=x, w=weights: [x, w])
        torch.testing.assert_close(found, expected(unpacked, x, weights))

    assert replay.is_recorded, replay.why


def test_replicas_beside_groups_are_counted_too():
    """A convolution lays both on one axis, in a multiple of the count of replicas."""
    replay, counted = traced(by_channel)
    for count in (3, 7, 1):
        x, weights = torch.randn(5, 4), torch.randn(count, 4)
        for _ in range(2):
            (found,) = replay(5, count, lambda x=x, w=weights: [x, w])
            torch.testing.assert_close(found, expected(by_channel, x, weights))
    runs = counted.calls
    replay(5, 7, lambda: [torch.randn(5, 4), torch.randn(7, 4)])

    assert counted.calls == runs, replay.why


def test_a_function_that_branches_on_the_size_is_right_for_every_size():
    """Two branches make two recordings, each used for its own sizes."""

    def branches(x, weight):
        top = x @ weight
        return top.sort().values[-2:].sum() if x.shape[0] >= 4 else top.sum()

    replay, _ = traced(branches)
    for rows in (6, 2, 5, 3, 6, 2, 4, 8):
        x, weights = torch.randn(rows, 4), torch.randn(3, 4)
        (found,) = replay(rows, 3, lambda x=x, w=weights: [x, w])
        torch.testing.assert_close(found, expected(branches, x, weights))


def test_what_is_fixed_to_a_size_stays_right_and_at_last_eager():
    """A method that reads the size as a number gets its recordings, then runs as it is."""

    def fixed(x, weight):
        return (x @ weight).sum() * int(x.shape[0])

    replay, counted = traced(fixed)
    for rows in range(2, 2 + RECORDINGS + 3):
        for _ in range(2):
            x, weights = torch.randn(rows, 4), torch.randn(2, 4)
            (found,) = replay(rows, 2, lambda x=x, w=weights: [x, w])
            torch.testing.assert_close(found, expected(fixed, x, weights))
    runs = counted.calls
    replay(rows, 2, lambda: [x, weights])

    assert counted.calls == runs + 1  # the last size is eager


def test_what_cannot_be_recorded_runs_as_it_is_and_says_why():
    """The reason names the error."""

    def stubborn(x, weight):
        if isinstance(x.shape[0], torch.SymInt):
            raise TypeError("no symbols, please")
        return (x @ weight).sum()

    replay, _ = traced(stubborn)
    x, weights = torch.randn(3, 4), torch.randn(2, 4)
    for _ in range(2):
        (found,) = replay(3, 2, lambda: [x, weights])
        torch.testing.assert_close(found, expected(stubborn, x, weights))

    assert not replay.is_recorded
    assert replay.why == "recording fails: TypeError: no symbols, please"


def test_told_to_stay_eager_it_forgets_its_recordings():
    """What a recording has fixed, such as the epoch, may change afterwards."""
    factor = [1.0]

    def scaled(x, weight):
        return (x @ weight).sum() * factor[0]

    replay, _ = traced(scaled)
    x, weights = torch.randn(3, 4), torch.randn(2, 4)
    replay(3, 2, lambda: [x, weights])
    replay.stay_eager("the factor changes")
    factor[0] = 2.0
    (found,) = replay(3, 2, lambda: [x, weights])

    torch.testing.assert_close(found, expected(scaled, x, weights))
    assert replay.why == "the factor changes"


def test_a_size_that_equals_the_marker_is_not_mistaken_for_the_count():
    """Weights of 29 features, bags of 29 and 31 instances: all three are no counts."""
    replay, _ = traced(attention)
    for rows, count in ((29, 2), (31, 2), (29, 31), (31, 29)):
        x, weights = torch.randn(rows, 29), torch.randn(count, 29)
        for _ in range(2):
            (found,) = replay(rows, count, lambda x=x, w=weights: [x, w])
            torch.testing.assert_close(found, expected(attention, x, weights), rtol=1e-4, atol=1e-3)

    assert replay.is_recorded
