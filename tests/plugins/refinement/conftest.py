"""Every test here trains on one thread, as a task of a run does."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine more threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
