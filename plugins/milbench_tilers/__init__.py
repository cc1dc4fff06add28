"""Built-in tilers of milbench: how a picture becomes the instances of its bag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench import Tiler, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

OCEAN = "no paper; https://github.com/Metavers1/kaggle_UBC-OCEAN-MIL (2025)"
LU = (
    "Lu, Williamson, Chen, Chen, Barbieri and Mahmood, Data-efficient and weakly supervised "
    "computational pathology on whole-slide images, Nature Biomedical Engineering 2021, "
    "https://doi.org/10.1038/s41551-020-00682-w"
)
RONNEBERGER = (
    "Ronneberger, Fischer and Brox, U-Net: Convolutional Networks for Biomedical Image "
    "Segmentation, MICCAI 2015, https://arxiv.org/abs/1505.04597"
)


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
        name="tissue",
        target="milbench_tilers.tissue:Tissue",
        summary="squares of a physical size where a slide has tissue, read while they are encoded",
        paper=f"{LU}; Otsu, A Threshold Selection Method from Gray-Level Histograms, IEEE "
        "Transactions on Systems, Man, and Cybernetics 1979, "
        "https://doi.org/10.1109/TSMC.1979.4310076",
        fidelity="simplified",
    )
    yield Tiler(
        name="unet-boxes",
        target="milbench_tilers.unet_boxes:UNetBoxes",
        summary="the largest regions that a U-Net finds, each resampled to a square",
        paper=f"{RONNEBERGER}; {OCEAN}",
        needs=frozenset({"masks"}),
        fidelity="simplified",
    )
    yield Tiler(
        name="crops9",
        target="milbench_tilers.crops9:Crops9",
        summary="nine crops of the largest regions that a U-Net finds, or the whole small picture",
        paper=f"{OCEAN}; {RONNEBERGER}",
        needs=frozenset({"masks"}),
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
