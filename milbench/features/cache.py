"""Features built once and kept: found by what they were built from, never used when stale."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from milbench.code import code_hash
from milbench.errors import FeatureError, MissingEncoderError
from milbench.features.alone import alone
from milbench.features.build import Build
from milbench.features.cut import LEVEL_0, cutter_of
from milbench.features.encode import Encoding, built_encoder
from milbench.features.shared import Shared
from milbench.features.store import NEXT_STEP, SCHEMA, Features, open_features
from milbench.features.weights import download_weights, find_weights, weights_hash
from milbench.features.write import About, write_features

if TYPE_CHECKING:
    from collections.abc import Callable

    from milbench.features.build import Step
    from milbench.records import Dataset, Encoder, Tiler
    from milbench.view import View

log = logging.getLogger(__name__)

PRECOMPUTED = "precomputed"  # the encoder of data sets that give features themselves
DIGITS = "[0-9a-f]" * 12  # of a fingerprint, in the name of a file


def default_cache() -> Path:
    """Return the folder for features.

    ``$MILBENCH_CACHE``, else ``$XDG_CACHE_HOME/milbench``, else ``~/.cache/milbench``.
    """
    if named := os.environ.get("MILBENCH_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "milbench"


@dataclass(frozen=True, kw_only=True)
class Making:
    """How features are checked and built; nothing here changes what they are.

    Parameters
    ----------
    verify
        Read kept features once and compare their content hash; see :func:`open_features`. Needed
        before anything is trained on them.
    observe
        Told how far the building is.
    encoding
        Where and how tiles are encoded.
    """

    verify: bool = True
    observe: Callable[[Step], None] | None = None
    encoding: Encoding = field(default_factory=Encoding)


VERIFIED = Making()


def cached_features(
    dataset: Dataset, view: View, *, data: Path, cache: Path, making: Making = VERIFIED
) -> Features:
    """Return the features of ``dataset`` in ``view``, building them when there are none yet.

    Features that are damaged, or whose files, version or code location changed, are built again,
    with a warning in the log. Encoded bags are kept as they are finished, so that a building that
    was interrupted goes on; another process that wants the same features waits for them. Rows that
    were encoded before for another data set, or another version of this one, are taken from there.

    The weights of an encoder are part of what features are built from. Where the weights are not
    there, features that were built with them still serve, as long as they are of one file only.

    Parameters
    ----------
    view
        The encoder, and the tiler where the bags are pictures.
    data
        The folder of real data; embedded data sets ignore it.
    cache
        The folder for features, usually :func:`default_cache`.
    making
        Whether kept features are verified, who is told of the progress, where they are computed.

    Raises
    ------
    MissingDataError
        If the files of the data set are not there.
    MissingEncoderError
        If the weights of the encoder are not there, or a package that it needs.
    DatasetError
        If a bag is impossible.
    FeatureError
        If the tiler or the encoder does not fit the data set, or the folder cannot be written.
    """
    weights = _weights((dataset, view, data), cache, making)
    if isinstance(weights, Features):
        return weights
    digest = "" if weights is None else weights_hash(weights, cache)
    fingerprint = source_fingerprint(dataset, view, data, digest)
    path = cache / dataset.name / f"{_stem(view)}-{fingerprint[:12]}.h5"
    kept = _kept(path, fingerprint, verify=making.verify)
    if kept is not None:
        return kept
    about = replace(_about(dataset, view, fingerprint), weights=digest)
    bags = dataset.load_view(view.encoder.name)(data)
    cut = cutter_of(dataset, view, data)
    if view.encoder.name == PRECOMPUTED or view.encoder.name in dataset.views:
        # nothing dear that a journal could save
        return write_features(path, bags, encode=None, about=about, build=Build(cut=cut))
    with alone(path) as is_alone:
        kept = _kept(path, fingerprint, verify=making.verify, is_told=False)
        if kept is not None:  # by the process that was waited for
            return kept
        journal = _journal(path, dataset, view) if is_alone else None
        encode = built_encoder(view, making.encoding, weights)
        with Shared(cache, view, digest, journal) as shared:
            build = Build(cut=cut, journal=journal, shared=shared, observe=making.observe)
            return write_features(path, bags, encode=encode, about=about, build=build)


def trained_path(dataset: Dataset, view: View, data: Path, cache: Path) -> Path:
    """Return where the weights lie that an encoder was given on the tiles of a data set.

    They belong to these tiles: other files, another tiler or other settings have their own. The
    precision in which tiles are encoded has no part in them.
    """
    plain = replace(view, precision="float32")
    digits = source_fingerprint(dataset, plain, data)[:12]
    return cache / dataset.name / f"{_stem(plain)}-weights-{digits}.pt"


def _weights(
    sources: tuple[Dataset, View, Path], cache: Path, making: Making
) -> Path | Features | None:
    """Return the file of the encoder's weights; without it, the features that were made with it."""
    encoder = sources[1].encoder
    if not encoder.is_trained:
        return None
    trained = None if encoder.pretrain is None else trained_path(*sources, cache)
    try:
        return find_weights(encoder, making.encoding.weights, trained=trained)
    except MissingEncoderError:
        kept = _kept_of_any_weights(sources, cache, verify=making.verify)
        if kept is not None:
            return kept
        if not making.encoding.download:
            raise
        return download_weights(encoder)


def _kept_of_any_weights(
    sources: tuple[Dataset, View, Path], cache: Path, *, verify: bool
) -> Features | None:
    """Return the features in a view whose weights only the file of features knows, or None."""
    dataset, view, data = sources
    found = []
    for path in sorted((cache / dataset.name).glob(f"{_stem(view)}-{DIGITS}.h5")):
        try:
            features = open_features(path, verify=verify)
        except FeatureError:
            continue
        if features.fingerprint == source_fingerprint(dataset, view, data, features.weights):
            found.append(features)
    if len(found) > 1:
        raise FeatureError(
            f"{dataset.name}: {len(found)} files of features of encoder {view.encoder.name!r}, of "
            "different weights, and the weights are not there to choose one; name their folder by "
            f"MILBENCH_WEIGHTS, or delete all but one: {', '.join(str(f.path) for f in found)}"
        )
    return found[0] if found else None


def _journal(path: Path, dataset: Dataset, view: View) -> Path:
    """Return the folder for what is finished; what other code began is removed."""
    journal = path.with_name(f".{path.stem}-{_code(dataset, view)}.journal")
    for other in set(path.parent.glob(f".{path.stem}-*.journal")) - {journal}:
        rmtree(other, ignore_errors=True)
    return journal


def _about(dataset: Dataset, view: View, fingerprint: str) -> About:
    return About(
        dataset=dataset.name,
        dataset_version=dataset.version,
        encoder=view.encoder.name,
        encoder_version=view.encoder.version,
        classes=dataset.classes,
        is_multi_label=dataset.is_multi_label,
        fingerprint=fingerprint,
        tiler="" if view.tiler is None else f"{view.tiler.name}({view.settings})",
        coords_unit=dataset.coords_unit if view.tiler is None else LEVEL_0,
        precision=view.precision,
    )


def _code(dataset: Dataset, view: View) -> str:
    """Return digits of the code that makes the features: a journal never joins two versions."""
    records = (dataset, view.encoder, *((view.tiler,) if view.tiler else ()))
    return sha256("".join(code_hash(record) for record in records).encode()).hexdigest()[:12]


def _stem(view: View) -> str:
    """Return the file's name before the fingerprint: other settings of a tiler are other files."""
    precision = "" if view.precision == "float32" else view.precision
    tiler = "" if view.tiler is None else view.tiler.name
    settings = view.settings_digest if view.tiler is not None and view.args else ""
    return "-".join(filter(None, (tiler, settings, view.encoder.name, precision)))


def source_fingerprint(dataset: Dataset, view: View, data: Path, weights: str = "") -> str:
    """Return the hash of what features are built from, 64 hexadecimal digits.

    The names, versions, classes and code locations of data set, encoder and tiler, the settings of
    the tiler, the path, size and time of change of every file that the data set reads, the
    SHA-256 of the encoder's ``weights``, and the precision.
    """
    encoder = view.encoder
    files = {path for pattern in dataset.files for path in data.glob(pattern) if path.is_file()}
    sources = [(path.relative_to(data).as_posix(), *_stamp(path)) for path in sorted(files)]
    content: list[Any] = [
        SCHEMA,
        *(dataset.name, dataset.version, dataset.classes, _location(dataset)),
        *(encoder.name, encoder.version, _location(encoder)),
        sources,
    ]
    if view.tiler is not None:  # features from before tilers keep their fingerprint
        masks = "" if dataset.masks is None else _place(dataset.masks)
        content += [
            view.tiler.name,
            view.settings,
            view.tiler.version,
            _location(view.tiler),
            masks,
        ]
    if dataset.is_multi_label:  # those of one class a bag keep theirs
        content += [dataset.task]
    if weights or view.precision != "float32":  # the same for those from before weights
        content += [{"weights": weights, "precision": view.precision}]
    return sha256(json.dumps(content).encode()).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _location(record: Dataset | Encoder | Tiler) -> str:
    """Return where the code of a record is, so that two plugins never share a cache."""
    return _place(record.target)


def _place(target: Callable[..., Any] | str) -> str:
    if isinstance(target, str):
        return target
    named = target if hasattr(target, "__qualname__") else type(target)
    return f"{named.__module__}:{named.__qualname__}"


def _kept(path: Path, fingerprint: str, *, verify: bool, is_told: bool = True) -> Features | None:
    """Return the features at ``path`` where they are there, whole and current."""
    if not path.exists():
        if is_told:
            _tell_stale(path)
        return None
    try:
        features = open_features(path, verify=verify)
    except FeatureError as error:
        log.warning("%s; building it again", str(error).removesuffix(NEXT_STEP))
        return None
    if features.fingerprint != fingerprint:
        log.warning("%s: built from other sources; building it again", path)
        return None
    return features


def _tell_stale(path: Path) -> None:
    name = path.stem.rpartition("-")[0]
    for other in sorted(path.parent.glob(f"{name}-{DIGITS}.h5")):
        log.warning(
            "%s: built from other files or weights, or another version of %s; not used, may be "
            "deleted",
            other,
            path.parent.name,
        )
