"""Download the files of a data set, each checked against its checksum before it is kept."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from milbench.errors import DatasetError, MilbenchError, MissingDataError, PluginError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from requests import RequestException, Response

    from milbench.download import Download
    from milbench.records import Dataset

logger = logging.getLogger(__name__)

PAUSES = (1.0, 2.0)  # seconds before the second and the third try
TIMEOUT = 30  # seconds without a byte
READABLE = 0o644  # temporary files are made for their owner alone; a data folder is shared
SERVER_FAULT = 500  # HTTP: from here on the server may recover, below the request is wrong
BLOCK = 64 * 1024  # bytes


class Bar(Protocol):
    """A progress bar as pooch drives it: the part of tqdm's interface that it uses."""

    total: float | None

    def update(self, amount: int) -> object:
        """Add ``amount`` bytes."""

    def reset(self) -> object:
        """Start again from zero."""

    def close(self) -> object:
        """End the bar."""


def fetch(
    dataset: Dataset,
    data: Path,
    *,
    base_url: str | None = None,
    bar: Callable[[str], Bar] | None = None,
) -> list[Path]:
    """Download what a data set declares, and return where its files lie.

    A file that is there with the right checksum is kept and not asked for again. A download goes
    to a temporary name in the same folder and takes its own name only once its checksum is right;
    a wrong or broken one leaves nothing behind and any older file as it was.

    Parameters
    ----------
    data
        The data folder; made when absent.
    base_url
        A mirror that holds the files under their paths in the data folder; the checksums stay.
    bar
        Called with a file's path in the data folder before its download; None shows nothing.

    Returns
    -------
    list of Path
        One a file, in the order of ``dataset.downloads``; empty where there is none.

    Raises
    ------
    MissingDataError
        If a file cannot be downloaded, after three tries where trying again can help.
    DatasetError
        If a downloaded file has another checksum, or cannot be written.
    PluginError
        If the data set declares a path outside the data folder.
    MilbenchError
        If pooch is not installed.
    """
    if dataset.downloads:
        require_pooch()
    places = [place_of(dataset, download, data) for download in dataset.downloads]
    for download, place in zip(dataset.downloads, places, strict=True):
        if not is_right(place, download.checksum):
            url = download.url if base_url is None else f"{base_url.rstrip('/')}/{download.path}"
            fetch_file(Source(dataset, download.path, url, download.checksum), place, bar)
    return places


def require_pooch() -> None:
    """Refuse to go on without pooch, which is an optional dependency.

    Raises
    ------
    MilbenchError
        Naming the command that installs it.
    """
    try:
        import pooch  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MilbenchError(
            "downloads need the package pooch, which is not installed; run: "
            "pip install 'milbench[data]'"
        ) from error
    pooch.get_logger().setLevel(logging.WARNING)  # it would announce every file on its own


def place_of(dataset: Dataset, download: Download, data: Path) -> Path:
    """Return where a download goes.

    Raises
    ------
    PluginError
        If that is outside the data folder.
    """
    root = data.resolve()
    place = (root / download.path).resolve()
    if root not in place.parents:
        raise PluginError(
            f"data set {dataset.name!r}: download path {download.path!r} leads out of the data "
            "folder, expected a path inside it; tell the plugin's author"
        )
    return data / download.path


def is_right(place: Path, checksum: str) -> bool:
    """Tell whether the file is there and has the checksum (``sha256:...`` or ``md5:...``)."""
    import pooch  # noqa: PLC0415 - optional

    algorithm, _, digest = checksum.partition(":")
    return place.is_file() and pooch.file_hash(str(place), alg=algorithm) == digest


class Source(NamedTuple):
    """Where one file comes from, and how it is recognised."""

    dataset: Dataset
    path: str
    url: str
    checksum: str


def fetch_file(source: Source, place: Path, bar: Callable[[str], Bar] | None) -> None:
    """Download one file, trying again after faults that may pass.

    Raises
    ------
    MissingDataError
        If it cannot be downloaded.
    DatasetError
        If it has another checksum, or cannot be written.
    """
    from requests import RequestException  # noqa: PLC0415 - comes with pooch

    shown = bar(source.path) if bar else None
    for pause in (*PAUSES, None):
        try:
            return download_once(source, place, shown)
        except RequestException as error:
            if pause is None or not may_pass(error):
                raise out_of_reach(source, place, error) from error
            logger.warning("%s: %s; trying again in %g s", source.url, type(error).__name__, pause)
            time.sleep(pause)
        except ValueError as error:
            raise DatasetError(
                f"{source.dataset.name}: {source.url}: expected a file with {source.checksum}, "
                f"found another ({error}); nothing was kept; {by_hand(source, place)}"
            ) from error
        except OSError as error:
            raise DatasetError(
                f"{source.dataset.name}: cannot write {place}: {error}; "
                "choose another folder with --data"
            ) from error
    return None


def download_once(source: Source, place: Path, shown: Bar | None) -> None:
    """Download one file and move it to its place once its checksum is right."""
    import pooch  # noqa: PLC0415 - optional

    if shown is not None:
        shown.reset()
    responses: list[Response] = []
    downloader = pooch.HTTPDownloader(
        progressbar=shown,
        chunk_size=BLOCK,
        timeout=TIMEOUT,
        # Sizes and bytes are then those of the file, not of a compressed transfer.
        headers={"Accept-Encoding": "identity"},
        hooks={"response": lambda response, **_: responses.append(response)},
    )
    try:
        pooch.retrieve(
            source.url, source.checksum, fname=place.name, path=place.parent, downloader=downloader
        )
    finally:
        for response in responses:  # pooch leaves the connection of a broken download open
            response.close()
    place.chmod(READABLE)


def may_pass(error: RequestException) -> bool:
    """Tell whether trying again can help: a broken connection or a fault of the server."""
    from requests import exceptions  # noqa: PLC0415 - comes with pooch

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return error.response.status_code >= SERVER_FAULT
    passing = (exceptions.ConnectionError, exceptions.Timeout, exceptions.ChunkedEncodingError)
    return isinstance(error, passing)


def out_of_reach(source: Source, place: Path, error: RequestException) -> MissingDataError:
    """Return the error for a file that could not be downloaded."""
    return MissingDataError(
        f"{source.dataset.name}: cannot download {source.url}: {error}; nothing was kept; "
        f"{by_hand(source, place)}"
    )


def by_hand(source: Source, place: Path) -> str:
    """Say what to do when the download does not work."""
    return (
        "try again later or with --mirror, or get the file by other means "
        f"(public source: {source.dataset.url or source.url}) and put it at {place}"
    )
