"""A-MIL: attention over the 28-pixel patches of a microscope picture.

Paper: A. Patil, D. Tamboli, S. Meena, D. Anand and A. Sethi, "Breast Cancer Histopathology Image
Classification and Localization using Multiple Instance Learning", WIECON-ECE 2019,
https://arxiv.org/abs/2003.00823; the code is Dipeshtamboli/Image-Classification-and-Localization-
using-Multiple-Instance-Learning, commit d057145.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from milbench_aggregators.abmil_cnn import ABMILCNN

if TYPE_CHECKING:
    from collections.abc import Sequence


class AMIL(ABMILCNN):
    """The network of Ilse et al. 2018 on colour patches cut from one picture (A-MIL, 2019).

    Its bags are the patches of a picture: of 700 x 460 pixels the middle 448 rows, in 16 rows of
    25 patches of 28 x 28, row by row. The attention, divided by its largest value and laid on that
    grid, is the method's map of the picture. Bytes are divided by 255 and nothing more. More than
    two classes have a logit each, and softmax; two share one.

    Departure: the code draws its training pictures with repetition; the harness shows each of them
    once an epoch.

    Parameters
    ----------
    image
        Channels, rows and columns of a patch; None is a square of three channels or of one.
    attention
        Width of the attention space.
    multi_label
        As for ABMILCNN.
    """

    def __init__(
        self,
        in_dim: int,
        n_classes: int,
        *,
        image: Sequence[int] | None = None,
        attention: int = 128,
        multi_label: bool = False,
    ) -> None:
        super().__init__(
            in_dim,
            n_classes,
            image=image,
            attention=attention,
            mean=0.0,
            sd=1.0,
            multi_label=multi_label,
        )
