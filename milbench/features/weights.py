"""Find the file of an encoder's weights, and say by a hash which weights they are."""

from __future__ import annotations

import os
from hashlib import file_digest, sha256
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milbench.atomic import write_atomic
from milbench.errors import FeatureError, MissingEncoderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milbench.records import Encoder
    from milbench.weights import Weights

ENDINGS = (".safetensors", ".pt", ".pth", ".bin")
INSTALL = "pip install 'milbench[encoders]'"


def weights_folder() -> Path | None:
    """Return the folder of ``$MILBENCH_WEIGHTS``, or None."""
    named = os.environ.get("MILBENCH_WEIGHTS")
    return Path(named).expanduser() if named else None


def find_weights(
    encoder: Encoder, folder: Path | None = None, *, trained: Path | None = None
) -> Path:
    """Return the file of the weights of ``encoder``, without asking any network.

    Looked for, in this order: in the folder, as ``name.safetensors`` (or ``.pt``, ``.pth``,
    ``.bin``), the one such file of a folder ``name``, or the name it has at its source; where
    ``milbench encode --pretrain`` puts it; in the caches of torch and of the Hugging Face hub.

    Parameters
    ----------
    folder
        ``$MILBENCH_WEIGHTS`` when None.
    trained
        Where weights lie that were trained on the tiles of the data set.

    Raises
    ------
    FeatureError
        If the folder holds several.
    MissingEncoderError
        If there are none; the message says where they were looked for and how to get them.
    """
    folder = folder or weights_folder()
    found = list(_in_folder(encoder, folder)) if folder is not None else []
    if len(found) > 1:
        names = " and ".join(path.relative_to(str(folder)).as_posix() for path in found[:2])
        raise FeatureError(
            f"encoder {encoder.name!r}: {folder} holds {names}; keep one of them there"
        )
    if found:
        return found[0]
    if trained is not None and trained.is_file():
        return trained
    cached = None if encoder.weights is None else _cached(encoder.weights)
    if cached is None:
        raise MissingEncoderError(_missing(encoder, folder))
    return cached


def download_weights(encoder: Encoder) -> Path:
    """Download the weights of ``encoder`` from their source and return the file.

    Raises
    ------
    MissingEncoderError
        If there is no source, no network or no access; the message says what to do.
    """
    weights = encoder.weights
    if weights is None or not (weights.hub or weights.url):
        raise MissingEncoderError(_missing(encoder, weights_folder()))
    return _from_hub(encoder, weights) if weights.hub else _from_site(encoder, weights)


def weights_hash(path: Path, cache: Path) -> str:
    """Return the SHA-256 of a file of weights, 64 hexadecimal digits.

    A file of gigabytes takes seconds, so the answer is kept in ``cache`` for its path, size and
    time of change.
    """
    status = path.stat()
    stamp = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    kept = cache / f"weights-{sha256(stamp.encode()).hexdigest()[:16]}.txt"
    if kept.is_file():
        return kept.read_text(encoding="ascii").strip()
    with path.open("rb") as file:
        found = file_digest(file, "sha256").hexdigest()
    write_atomic(kept, found + "\n")
    return found


def _in_folder(encoder: Encoder, folder: Path) -> Iterator[Path]:
    beside = {folder / f"{encoder.name}{ending}" for ending in ENDINGS}
    if encoder.weights is not None and not encoder.weights.hub:  # of the hub, names are all alike
        beside.add(folder / encoder.weights.file)
    yield from sorted(path for path in beside if path.is_file())
    inside = (folder / encoder.name).glob("*")
    yield from sorted(path for path in inside if path.suffix in ENDINGS and path.is_file())


def _cached(weights: Weights) -> Path | None:
    """Return the file where torch or the hub keep what they downloaded, or None."""
    if weights.url:
        path = _torch_cache() / weights.file
        return path if path.is_file() else None
    if not weights.hub:
        return None
    try:
        hub: Any = import_module("huggingface_hub")
    except ImportError:
        return None
    found = hub.try_to_load_from_cache(weights.hub, weights.file)
    return Path(found) if isinstance(found, str) else None


def _torch_cache() -> Path:
    """Return where torch keeps downloaded weights; see ``torch.hub.get_dir``."""
    base = os.environ.get("XDG_CACHE_HOME")
    usual = (Path(base) if base else Path.home() / ".cache") / "torch"
    return Path(os.environ.get("TORCH_HOME", usual)).expanduser() / "hub" / "checkpoints"


def _from_hub(encoder: Encoder, weights: Weights) -> Path:
    try:
        hub: Any = import_module("huggingface_hub")
        errors: Any = import_module("huggingface_hub.errors")
    except ImportError as error:
        raise MissingEncoderError(
            f"encoder {encoder.name!r}: to download its weights, {INSTALL}; or get them by hand: "
            f"{_by_hand(encoder, weights)}"
        ) from error
    try:
        return Path(hub.hf_hub_download(weights.hub, weights.file))
    except errors.GatedRepoError as error:
        raise MissingEncoderError(
            f"encoder {encoder.name!r}: no access to {weights.source}; ask for it there (licence: "
            f"{encoder.licence}), then: hf auth login"
        ) from error
    except (OSError, errors.HfHubHTTPError) as error:  # offline, unknown, refused
        raise MissingEncoderError(_not_got(encoder, weights, error)) from error


def _from_site(encoder: Encoder, weights: Weights) -> Path:
    import torch  # noqa: PLC0415  # only to download

    path = _torch_cache() / weights.file
    path.parent.mkdir(parents=True, exist_ok=True)
    digits = path.stem.rpartition("-")[2]  # torchvision's files are named by their SHA-256
    try:
        torch.hub.download_url_to_file(weights.url, str(path), digits, progress=False)
    except (OSError, RuntimeError) as error:  # offline; another hash
        raise MissingEncoderError(_not_got(encoder, weights, error)) from error
    return path


def _not_got(encoder: Encoder, weights: Weights, error: Exception) -> str:
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return (
        f"encoder {encoder.name!r}: {weights.file} cannot be downloaded from {weights.source}: "
        f"{why}; get it by hand: {_by_hand(encoder, weights)}"
    )


def _missing(encoder: Encoder, folder: Path | None) -> str:
    where = "MILBENCH_WEIGHTS names no folder" if folder is None else f"none in {folder}"
    first = f"encoder {encoder.name!r}: no weights ({where}"
    if encoder.weights is None:
        return (
            f"{first}); train them on the tiles: milbench encode DATASET {encoder.name} --pretrain"
            f"; or put a file {encoder.name}.pt into that folder"
        )
    by_hand = _by_hand(encoder, encoder.weights)
    if not (encoder.weights.hub or encoder.weights.url):
        return f"{first}); {by_hand}"
    return (
        f"{first}, none in the caches); milbench encode DATASET {encoder.name} downloads them; "
        f"or by hand: {by_hand}"
    )


def _by_hand(encoder: Encoder, weights: Weights) -> str:
    gate = " after access is granted" if weights.gated else ""
    ending = Path(weights.file).suffix
    return (
        f"get {weights.file} from {weights.source}{gate} (licence: {encoder.licence}) and put it "
        f"as {encoder.name}{ending} into the folder of MILBENCH_WEIGHTS"
    )
