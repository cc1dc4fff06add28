"""Import torchvision beside a torch that it was not built for.

timm and transformers import torchvision, whose compiled operators only load beside the torch they
were built with: the wheel of PyPI beside torch for CPU only, for instance, fails with ``operator
torchvision::nms does not exist``. Nothing here uses these operators, so their declarations are
given to torch and the import is tried again. Where torchvision works, nothing is done: to declare
them there would end the process.
"""

from __future__ import annotations

import sys
from importlib import import_module

from torch.library import Library

from milbench import MissingEncoderError

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_kept: list[Library] = []  # a library's declarations end with it


def import_torchvision() -> None:
    """Import torchvision, if need be without its compiled operators; once before timm."""
    try:
        import_module("torchvision")
    except ImportError as error:
        raise MissingEncoderError(f"{error}; install: pip install 'milbench[encoders]'") from error
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for schema in SCHEMAS:
            library.define(schema)  # type: ignore[no-untyped-call]
        _kept.append(library)
        import_module("torchvision")
