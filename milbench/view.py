"""How the bags of a data set are seen: cut by which tiler, with which settings, and encoded how.

A suite gives each data set one view or several; each is a section of the leaderboard. A method may
have a view of its own and still stands in the section, because bags and splits are the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from milbench.errors import PluginError
from milbench.records import Dataset, Encoder, Tiler

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from milbench.registry import Registry
    from milbench.suite import Method, Suite, Tiling
    from milbench.weights import Precision


LONGEST = 40  # characters of settings that a heading has room for


class ViewName(NamedTuple):
    """What names a view in results: the tiler with its settings, empty for none, and encoder.

    Settings of more than 40 characters are named by six digits of their hash; the feature store
    keeps them in full.
    """

    tiler: str
    encoder: str

    def __str__(self) -> str:
        """Return the encoder, behind the tiler where there is one."""
        return f"{self.tiler} > {self.encoder}" if self.tiler else self.encoder


@dataclass(frozen=True)
class View:
    """An encoder, behind a tiler where the bags are pictures.

    Parameters
    ----------
    args
        Settings of the tiler.
    precision
        What the encoder computes in; part of the name where it is not float32.
    """

    encoder: Encoder
    tiler: Tiler | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    precision: Precision = "float32"

    @property
    def name(self) -> ViewName:
        """Return what names the view in results."""
        settings = self.settings
        if len(settings) > LONGEST:
            settings = "#" + self.settings_digest
        tiler = "" if self.tiler is None else self.tiler.name
        marked = f"@{self.precision}" * (self.precision != "float32")
        return ViewName(tiler + f"({settings})" * bool(settings), self.encoder.name + marked)

    @property
    def settings(self) -> str:
        """Return the settings of the tiler as text, in the order of their names."""
        return ", ".join(f"{key}={json.dumps(self.args[key])}" for key in sorted(self.args))

    @property
    def settings_digest(self) -> str:
        """Return six hexadecimal digits that name the settings of the tiler."""
        return sha256(self.settings.encode()).hexdigest()[:6]


def settings_from(text: str) -> dict[str, Any]:
    """Return the settings that :attr:`View.settings` wrote as ``text``.

    Raises
    ------
    ValueError
        If it did not write them.
    """
    found, place, decoder = {}, 0, json.JSONDecoder()
    while place < len(text):
        key, equals, _ = text[place:].partition("=")
        if not equals:
            raise ValueError(f"{text!r}: no = behind {key!r}")
        found[key], place = decoder.raw_decode(text, place + len(key) + 1)
        place += len(", ")
    return found


def sections(suite: Suite, registry: Registry) -> Iterator[tuple[Dataset, View]]:
    """Yield each data set of ``suite`` with each view that the suite gives it.

    Tilers of the suite are for data sets of pictures.
    """
    for name in suite.datasets:
        dataset = registry.record(Dataset, name)
        for tiling in (suite.tilers or (None,)) if dataset.tiler else (None,):
            for encoder in suite.encoders or tuple(dataset.views) or (dataset.encoder,):
                yield dataset, _view(registry, dataset, tiling, encoder)


def view_of(method: Method, dataset: Dataset, section: View, registry: Registry) -> View:
    """Return the view that ``method`` has in a section: what it does not name is the section's."""
    encoder, precision = section.encoder, section.precision
    if method.encoder is not None:
        encoder, precision = encoder_of(registry, dataset, method.encoder)
    if method.tiler is None or not dataset.tiler:
        return View(encoder, section.tiler, section.args, precision)
    tiler = registry.record(Tiler, method.tiler.name)
    return View(encoder, tiler, method.tiler.args, precision)


def named_encoder(registry: Registry, name: str) -> tuple[Encoder, Precision]:
    """Return the encoder of a name such as ``uni`` or ``uni@bfloat16``, and its precision.

    Raises
    ------
    PluginError
        If there is no such encoder, or it does not compute in that precision.
    """
    short, _, asked = name.partition("@")
    encoder = registry.record(Encoder, short)
    for precision in encoder.precisions:
        if precision == (asked or "float32"):
            return encoder, precision
    raise PluginError(
        f"encoder {short!r} does not compute in {asked or 'float32'!r}; it knows "
        f"{', '.join(encoder.precisions)}"
    )


def wanted(suite: Suite, registry: Registry) -> Iterator[tuple[Dataset, View]]:
    """Yield every view that a section or a method of ``suite`` needs, each once."""
    seen = set()
    for dataset, section in sections(suite, registry):
        own = (view_of(method, dataset, section, registry) for method in suite.methods)
        for view in own:
            if (dataset.name, view.name) not in seen:
                seen.add((dataset.name, view.name))
                yield dataset, view


def _view(registry: Registry, dataset: Dataset, tiling: Tiling | None, encoder: str) -> View:
    tiler, args = dataset.tiler, dataset.tiler_args
    if tiling is not None:
        tiler, args = tiling.name, tiling.args
    found = registry.record(Tiler, tiler) if tiler else None
    record, precision = encoder_of(registry, dataset, encoder)
    return View(record, found, args, precision)


def encoder_of(registry: Registry, dataset: Dataset, name: str) -> tuple[Encoder, Precision]:
    """Return an encoder; one whose features the data set brings itself comes before a plugin's."""
    if name not in dataset.views:
        return named_encoder(registry, name)
    summary = f"features that {dataset.name} brings"
    return Encoder(name=name, target=dataset.views[name], summary=summary), "float32"
