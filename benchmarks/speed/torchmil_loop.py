"""The trainer of torchmil as a second reference, where it is installed (``pip install torchmil``).

Not a dependency: ``stacked.py`` adds a column when this can be imported.
"""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from typing import Any

import torch
from sequential import BAGS, FEATURES, FOLDS, Bags
from torch.utils.data import DataLoader


def is_installed() -> bool:
    """Return whether torchmil can be imported."""
    return find_spec("torchmil") is not None


def torchmil_folds(bags: Bags, epochs: int) -> None:
    """Train every fold by ``torchmil.utils.Trainer``, one bag a step, the rest for validation."""
    from torchmil.models import ABMIL  # noqa: PLC0415  # only where it is installed
    from torchmil.utils import Trainer  # noqa: PLC0415

    for fold in range(FOLDS):
        embed = torch.nn.Sequential(torch.nn.Linear(FEATURES, 128), torch.nn.ReLU())
        model = ABMIL((FEATURES,), att_dim=64, feat_ext=embed)
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-4, weight_decay=1e-4)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            trainer = Trainer(model, optimizer, device="cpu", disable_pbar=True, verbose=False)
            kept, held_out = _loader(bags, fold, is_kept=True), _loader(bags, fold, is_kept=False)
            trainer.train(epochs, kept, held_out)


def _loader(bags: Bags, fold: int, *, is_kept: bool) -> DataLoader:
    from torchmil.data import collate_fn  # noqa: PLC0415  # only where it is installed

    chosen: list[dict[str, Any]] = [
        {
            "X": bags.x[bags.offsets[b] : bags.offsets[b + 1]],
            "Y": torch.tensor(bags.labels[b], dtype=torch.float32),
        }
        for b in range(BAGS)
        if (b % FOLDS != fold) is is_kept
    ]
    return DataLoader(chosen, batch_size=1, shuffle=is_kept, collate_fn=collate_fn)
