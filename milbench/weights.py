"""Where the trained weights of an encoder come from, as data that costs nothing to list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Precision = Literal["float32", "bfloat16", "float16"]

HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The public source of a file of weights.

    Parameters
    ----------
    file
        Name of the file at the source: ``model.safetensors``.
    hub
        Repository of the Hugging Face hub, ``owner/name``; empty where there is none.
    url
        Address of the file where it is in no such repository; the hub is asked first.
    gated
        Whether the owner must grant access to the file.
    page
        What to read before: the model card, with the licence. That of the hub when empty.
    """

    file: str
    hub: str = ""
    url: str = ""
    gated: bool = False
    page: str = ""

    @property
    def source(self) -> str:
        """Return the address that a person opens to get the file."""
        return self.page or (f"{HUB}/{self.hub}" if self.hub else self.url)
