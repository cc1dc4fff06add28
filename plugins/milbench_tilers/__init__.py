"""Built-in tilers of milbench: how a picture becomes the instances of its bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench import Tiler, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def milbench_tilers() -> Iterator[Tiler]:
    """Yield the tilers."""
    yield Tiler(
        name="whole",
        target="milbench_tilers.whole:Whole",
        summary="the whole picture as the one instance, resized or as it is",
    )
    yield Tiler(
        name="grid",
        target="milbench_tilers.grid:Grid",
        summary="squares side by side, row by row; what is left at the borders is dropped",
    )
    yield Tiler(
        name="amil28",
        target="milbench_tilers.centred_grid:CentredGrid",
        summary="the middle of a picture as 16 x 25 squares of 28 pixels, or as many as fit",
        paper="Patil, Tamboli, Meena, Anand and Sethi, Breast Cancer Histopathology Image "
        "Classification and Localization using Multiple Instance Learning, WIECON-ECE 2019, "
        "https://arxiv.org/abs/2003.00823",
        fidelity="exact",
    )
