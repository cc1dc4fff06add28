"""What a plugin says about itself: frozen records that import nothing heavy.

A record names its code by ``target``: the object itself, or text ``"module:attribute"`` that is
imported on first use, so that listing a hundred methods loads none of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, cast

from milbench.errors import PluginError
from milbench.levels import Levels
from milbench.recipe import Recipe
from milbench.space import Space

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from milbench.download import Download
    from milbench.weights import Precision, Weights

Task = Literal[
    "binary", "multi-class", "multi-label", "ordinal", "hierarchical", "regression", "survival"
]
Fidelity = Literal["exact", "paper", "simplified"]
Need = Literal["coords", "order", "levels", "images"]
Material = Literal["masks"]

TOLD = ("multi_label",)  # keywords that the harness gives to an aggregator which takes them
NAME = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """What all records share: a name, the code behind it, one line about it, and its source."""

    name: str
    target: Callable[..., Any] | str
    summary: str
    paper: str = "-"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise PluginError(
                f"{type(self).__name__.lower()} name {self.name!r}: use lower-case letters, "
                "digits and hyphens, a letter first"
            )
        if isinstance(self.target, str) and not re.fullmatch(r"[\w.]+:[\w.]+", self.target):
            raise PluginError(
                f"{self.name}: target {self.target!r} is not 'module:attribute' and not an object"
            )

    @property
    def given(self) -> tuple[str, ...]:
        """Return what the harness gives to ``target``, before the settings of a suite."""
        return ()

    def load(self) -> Callable[..., Any]:
        """Return the code behind the record, importing it on first use.

        Raises
        ------
        PluginError
            If the module or the attribute cannot be imported.
        """
        return _resolve(self.name, self.target)


def _resolve(name: str, target: Callable[..., Any] | str) -> Callable[..., Any]:
    if not isinstance(target, str):
        return target
    module, _, attribute = target.partition(":")
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise PluginError(f"{name}: cannot load {target!r}: {error}") from error
    return cast("Callable[..., Any]", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(_Record):
    """A data set: ``target(data: Path)`` yields :class:`milbench.LabelledBag`.

    Parameters
    ----------
    classes
        Names of the classes; a bag's label is a position in this tuple. For the task
        ``multi-label`` names of the labels; a bag's label is then a tuple of 0 and 1, one for each.
    task
        What is predicted for a bag.
    primary_metric
        The metric that ranks methods on this data set; a name of :mod:`milbench.metrics`.
    encoder
        Name of the encoder used when a suite names none.
    tiler, tiler_args
        Name and settings of the tiler used when a suite names none. A data set names one if, and
        only if, its bags are pictures.
    masks
        ``target(data: Path)`` yielding :class:`milbench.MaskedPicture`, for tilers that are
        trained: pictures that are no bags, of patients that have none. Or None.
    version
        Of the generator or reader; a new version makes new features and new results.
    files
        Patterns, relative to the data folder, of the files the data set is read from. Their sizes
        and times tell whether cached features are stale. Empty for embedded data sets.
    cohort
        Data sets that share patients share a cohort; the data set's own name when empty.
    group_known
        Whether ``patient`` of a bag is really known; a leaderboard marks it when it is not.
    trained_as
        Name that random numbers of training follow from; the data set's own when empty. Data sets
        that differ in their test bags only share one, and so the trained models.
    published_splits
        ``target(data: Path)`` returning ``{repeat: {bag_id: fold}}`` of the published test folds,
        or None.
    given_splits
        ``target(data: Path)`` returning ``{(repeat, fold): {bag_id: role}}``, whole splits for the
        scheme ``given``, or None.
    views
        Features of the same bags by several encoders, computed elsewhere: name of the encoder and
        ``target(data: Path)`` yielding the bags with its features. They are the views of the data
        set where a suite names no encoder; ``target`` is then the first.
    coords_unit
        Of ``coords`` that the bags bring: ``level-0 pixels``, ``micrometres``; empty if unknown.
    patient_rule
        How bags of a patient are scored: each by itself when empty; as one by the ``mean`` of
        their probabilities; or by the largest, ``max``, for "any slide shows it".
    notes
        ``target(data: Path)`` returning lines that a reader of results must know, asked once the
        bags were read; or None.
    downloads
        What ``milbench fetch`` gets.
    how_to_get
        What to do by hand when the files are absent.
    levels
        The coarse classes above ``classes``, for hierarchical tasks; None where there is one level.

    Raises
    ------
    PluginError
        If ``levels`` do not fit ``classes``, or the task.
    """

    classes: tuple[str, ...]
    task: Task = "binary"
    primary_metric: str = "auroc"
    encoder: str = "precomputed"
    tiler: str = ""
    tiler_args: Mapping[str, Any] = field(default_factory=dict)
    masks: Callable[..., Any] | str | None = None
    version: str = "1"
    files: tuple[str, ...] = ()
    cohort: str = ""
    group_known: bool = True
    trained_as: str = ""
    published_splits: Callable[..., Any] | str | None = None
    given_splits: Callable[..., Any] | str | None = None
    views: Mapping[str, Callable[..., Any] | str] = field(default_factory=dict)
    coords_unit: str = ""
    patient_rule: Literal["", "max", "mean"] = ""
    notes: Callable[..., Any] | str | None = None
    downloads: tuple[Download, ...] = ()
    how_to_get: str = ""
    licence: str = "not stated"
    url: str = ""
    levels: Levels | None = None

    def __post_init__(self) -> None:
        _Record.__post_init__(self)  # super() does not find its way in a class with slots
        if self.levels is None:
            return
        if self.patient_rule:
            raise PluginError(
                f"{self.name}: a patient_rule with levels is not there; leave one out"
            )
        if self.is_multi_label:
            raise PluginError(f"{self.name}: levels with several labels a bag are not there")
        if not isinstance(self.levels, Levels):
            raise PluginError(f"{self.name}: levels are {self.levels!r}; expected milbench.Levels")
        try:
            self.levels.check(self.classes)
        except PluginError as error:
            raise PluginError(f"{self.name}: {error}") from None

    @property
    def is_multi_label(self) -> bool:
        """Return whether a bag may have several labels."""
        return self.task == "multi-label"

    def load_published_splits(self) -> Callable[..., Any] | None:
        """Return the reader of the published test folds, or None where there are none.

        Raises
        ------
        PluginError
            If its module cannot be imported.
        """
        if self.published_splits is None:
            return None
        return _resolve(self.name, self.published_splits)

    def load_view(self, encoder: str) -> Callable[..., Any]:
        """Return the reader of the bags with the features of ``encoder``.

        Raises
        ------
        PluginError
            If its module cannot be imported.
        """
        return _resolve(self.name, self.views.get(encoder, self.target))

    def load_beside(self, name: Literal["given_splits", "notes"]) -> Callable[..., Any] | None:
        """Return the code that the field ``name`` names, or None where there is none.

        Raises
        ------
        PluginError
            If its module cannot be imported.
        """
        target = getattr(self, name)
        return None if target is None else _resolve(self.name, target)

    def load_masks(self) -> Callable[..., Any] | None:
        """Return the reader of the masked pictures, or None where there are none.

        Raises
        ------
        PluginError
            If its module cannot be imported.
        """
        return None if self.masks is None else _resolve(self.name, self.masks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiler(_Record):
    """A tiler: ``target(**settings)`` returns a callable that cuts one picture into instances.

    The callable is given a :class:`milbench.Picture` and a numpy Generator that follows from the
    bag's name, and returns :class:`milbench.Tiles`. Every setting has a default.

    Parameters
    ----------
    needs
        ``masks``: the callable has a method ``fit`` that is given the data set's masked pictures
        once, before the first bag.
    fidelity
        As of an aggregator.
    version
        A new version makes new features.
    """

    needs: frozenset[Material] = frozenset()
    fidelity: Fidelity = "paper"
    version: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder(_Record):
    """An encoder: ``target()`` returns a callable on a uint8 tile batch (B, C, H, W).

    The callable returns features of shape (B, D), float32 or float16. An encoder with ``weights``
    or ``pretrain`` is built by ``target(path)``, where the file of its weights is.

    Parameters
    ----------
    dim
        D, or None when it depends on the tile size.
    tile_px, mpp
        Tile size in pixels and micrometres per pixel the encoder was trained at, if any.
    mean, std
        What it subtracts from the channels of a tile in [0, 1], and divides them by; empty where
        it takes pixels as they are.
    pretraining_data
        Corpora the weights have seen; a leaderboard flags an overlap with the benchmark.
    licence
        Of the weights.
    version
        A new version makes new features.
    weights
        Where its weights come from; None where it has none.
    pretrain
        ``target(images, rows, schedule)`` that trains weights on the tiles of a data set, without
        labels, and returns a state_dict; or None. See :mod:`milbench.features.pretrain`.
    pretrained_on
        Which bags ``pretrain`` sees: ``train``, those of the official training part, or ``all``
        of them, test bags included.
    precisions
        What it can compute in; the second and third are asked for as ``name@bfloat16``.
    """

    dim: int | None = None
    tile_px: int | None = None
    mpp: float | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    pretraining_data: tuple[str, ...] = ()
    licence: str = "Apache-2.0"
    version: str = "1"
    weights: Weights | None = None
    pretrain: Callable[..., Any] | str | None = None
    pretrained_on: Literal["train", "all"] = "train"
    precisions: tuple[Precision, ...] = ("float32",)

    @property
    def is_trained(self) -> bool:
        """Return whether it has weights, from outside or from ``pretrain``."""
        return self.weights is not None or self.pretrain is not None

    @property
    def given(self) -> tuple[str, ...]:
        """Return what the harness gives to ``target``."""
        return ("weights",) if self.is_trained else ()

    def load_pretrain(self) -> Callable[..., Any] | None:
        """Return what trains the weights on tiles, or None where nothing does.

        Raises
        ------
        PluginError
            If its module cannot be imported.
        """
        return None if self.pretrain is None else _resolve(self.name, self.pretrain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregator(_Record):
    """A MIL method: ``target(in_dim, n_classes, **settings)`` builds one model.

    One that needs ``levels`` is built by ``target(in_dim, n_classes, parents, **settings)``.

    Parameters
    ----------
    recipe
        The training settings the authors published; a suite may override them.
    needs
        What a bag must carry for this method, beyond its instances.
    fidelity
        ``exact``: equal to the authors' code; ``paper``: after the paper; ``simplified``: said in
        the docstring.
    control
        True for the controls (constant, bag size, pooled vectors) that a ranking must beat.
    excused
        ``{check: reason}`` for checks of the conformity kit that cannot hold.
    search
        What a suite may tune: for fields of the recipe (``lr``) and settings of the constructor
        (``dropout``) the values to try. None is learning rate and weight decay around the recipe,
        :func:`milbench.search.default_search`; an empty mapping is nothing.
    stackable
        Whether runs can be trained side by side on one bag a step: True claims it, and a test of
        the method should hold it to that; False forbids it; ``auto`` leaves it to the probe,
        which is asked in any case.
    multi_label
        Whether it serves bags with several labels, by one logit a label. ``auto``: a network that
        leaves its loss to the core does; a loss, a ``fit`` or a ``join`` of its own is taken to
        expect one class a bag. A constructor that has to know takes a keyword ``multi_label``.

    Raises
    ------
    PluginError
        If ``search`` holds something else than spaces.
    """

    recipe: Recipe = field(default_factory=Recipe)
    needs: frozenset[Need] = frozenset()
    fidelity: Fidelity = "paper"
    control: bool = False
    excused: Mapping[str, str] = field(default_factory=dict)
    search: Mapping[str, Space] | None = None
    stackable: Literal["auto", True, False] = "auto"
    multi_label: Literal["auto", True, False] = "auto"

    def __post_init__(self) -> None:
        _Record.__post_init__(self)  # super() does not find its way in a class with slots
        for key, space in (self.search or {}).items():
            if not isinstance(space, Space):
                raise PluginError(
                    f"{self.name}: search.{key} is {space!r}; expected a Choice, a Uniform or a "
                    "LogUniform of milbench"
                )

    @property
    def given(self) -> tuple[str, ...]:
        """Return what the data set gives to the constructor, before the settings."""
        return ("in_dim", "n_classes", *["parents"] * ("levels" in self.needs))
