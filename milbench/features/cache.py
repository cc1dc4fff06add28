"""Features built once and kept: found by what they were built from, never used when stale."""

from __future__ import annotations

import json
import logging
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milbench.errors import FeatureError
from milbench.features.cut import LEVEL_0, cut_bags
from milbench.features.store import NEXT_STEP, SCHEMA, Features, open_features
from milbench.features.write import About, write_features

if TYPE_CHECKING:
    from collections.abc import Callable

    from milbench.records import Dataset, Encoder, Tiler
    from milbench.view import View

log = logging.getLogger(__name__)

PRECOMPUTED = "precomputed"  # the encoder of data sets that give features themselves


def default_cache() -> Path:
    """Return the folder for features.

    ``$MILBENCH_CACHE``, else ``$XDG_CACHE_HOME/milbench``, else ``~/.cache/milbench``.
    """
    if named := os.environ.get("MILBENCH_CACHE"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "milbench"


def cached_features(
    dataset: Dataset, view: View, *, data: Path, cache: Path, verify: bool = True
) -> Features:
    """Return the features of ``dataset`` in ``view``, building them when there are none yet.

    Features that are damaged, or whose files, version or code location changed, are built again,
    with a warning in the log.

    Parameters
    ----------
    view
        The encoder, and the tiler where the bags are pictures.
    data
        The folder of real data; embedded data sets ignore it.
    cache
        The folder for features, usually :func:`default_cache`.
    verify
        Read kept features once and compare their content hash; see :func:`open_features`. Needed
        before anything is trained on them.

    Raises
    ------
    MissingDataError
        If the files of the data set are not there.
    DatasetError
        If a bag is impossible.
    FeatureError
        If the tiler or the encoder does not fit the data set, or the folder cannot be written.
    """
    encoder = view.encoder
    fingerprint = source_fingerprint(dataset, view, data)
    path = cache / dataset.name / f"{_stem(view)}-{fingerprint[:12]}.h5"
    kept = _kept(path, fingerprint, verify=verify)
    if kept is not None:
        return kept
    about = About(
        dataset=dataset.name,
        dataset_version=dataset.version,
        encoder=encoder.name,
        encoder_version=encoder.version,
        classes=dataset.classes,
        fingerprint=fingerprint,
        tiler="" if view.tiler is None else f"{view.tiler.name}({view.settings})",
        coords_unit=dataset.coords_unit if view.tiler is None else LEVEL_0,
    )
    is_given = encoder.name == PRECOMPUTED or encoder.name in dataset.views
    encode = None if is_given else encoder.load()()
    return write_features(path, cut_bags(dataset, view, data), encode=encode, about=about)


def _stem(view: View) -> str:
    """Return the file's name before the fingerprint: other settings of a tiler are other files."""
    if view.tiler is None:
        return view.encoder.name
    settings = view.settings_digest if view.args else ""
    return "-".join(filter(None, (view.tiler.name, settings, view.encoder.name)))


def source_fingerprint(dataset: Dataset, view: View, data: Path) -> str:
    """Return the hash of what features are built from, 64 hexadecimal digits.

    The names, versions, classes and code locations of data set, encoder and tiler, the settings of
    the tiler, and the path, size and time of change of every file that the data set reads.
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


def _kept(path: Path, fingerprint: str, *, verify: bool) -> Features | None:
    """Return the features at ``path`` where they are there, whole and current."""
    if not path.exists():
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
    name, digits = path.stem.rsplit("-", 1)
    for other in sorted(path.parent.glob(f"{name}-{'[0-9a-f]' * len(digits)}.h5")):
        log.warning(
            "%s: built from other files or another version of %s; not used, may be deleted",
            other,
            path.parent.name,
        )
