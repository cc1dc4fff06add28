"""Downloads: checked, atomic, tried again where that can help; against a real server."""

import gzip
import hashlib
import sys
import threading
from collections import Counter
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from milbench import Dataset, Download
from milbench import fetch as module
from milbench.cli.fetch import fetch as command
from milbench.errors import DatasetError, MilbenchError, MissingDataError, PluginError
from milbench.fetch import fetch

CONTENT = b"not many bytes, " * 10_000


class Site:
    """What the server answers: files by path, faults still to come by path, requests so far."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.asked: Counter[str] = Counter()
        self.url = ""


class Handler(BaseHTTPRequestHandler):
    """Serve a Site, with its faults."""

    def __init__(self, site: Site, *arguments: object) -> None:
        self.site = site
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer one request."""
        path = self.path.lstrip("/")
        self.site.asked[path] += 1
        fault = self.site.faults[path].pop(0) if self.site.faults.get(path) else ""
        content = self.site.files.get(path)
        if fault == "error" or content is None:
            self.send_error(500 if fault else 404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def site(monkeypatch):
    """Run a server on the loopback address; no waiting between tries."""
    monkeypatch.setattr(module, "PAUSES", (0.0, 0.0))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, made))
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def dataset(site: Site, path: str = "set/a.bin", digest: str | None = None) -> Dataset:
    """Return a data set of one file of ``CONTENT`` that lies at the site's ``a``."""
    right = hashlib.sha256(CONTENT).hexdigest()
    return Dataset(
        name="toy",
        target="nowhere:nothing",
        summary="",
        classes=("a", "b"),
        files=("set/*",),
        url="https://example.org/toy",
        downloads=(Download(path=path, url=f"{site.url}/a", checksum=f"sha256:{digest or right}"),),
    )


def below(folder: Path) -> list[str]:
    """Return all files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_file_is_downloaded_to_its_place(site, tmp_path) -> None:
    """The file lies below the data folder, byte for byte, and nothing else does."""
    site.files["a"] = CONTENT

    assert fetch(dataset(site), tmp_path) == [tmp_path / "set" / "a.bin"]
    assert (tmp_path / "set" / "a.bin").read_bytes() == CONTENT
    assert below(tmp_path) == ["set/a.bin"]


def test_others_may_read_the_file(site, tmp_path) -> None:
    """A data folder is shared: a downloaded file is readable for everybody."""
    site.files["a"] = CONTENT
    (place,) = fetch(dataset(site), tmp_path)

    assert place.stat().st_mode & 0o044 == 0o044


def test_md5_is_a_checksum_too(site, tmp_path) -> None:
    """The official digests of MNIST are md5."""
    site.files["a"] = CONTENT
    download = Download(
        path="a",
        url=f"{site.url}/a",
        checksum=f"md5:{hashlib.md5(CONTENT).hexdigest()}",  # noqa: S324 - a checksum, no secret
    )
    record = Dataset(name="toy", target="m:a", summary="", classes=("a",), downloads=(download,))

    assert fetch(record, tmp_path) == [tmp_path / "a"]


def test_right_file_is_kept_without_asking(site, tmp_path) -> None:
    """A file that is there with the right checksum is not downloaded again."""
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.bin").write_bytes(CONTENT)

    assert fetch(dataset(site), tmp_path) == [tmp_path / "set" / "a.bin"]
    assert site.asked.total() == 0


def test_damaged_file_is_replaced(site, tmp_path) -> None:
    """A file with another checksum is downloaded anew."""
    site.files["a"] = CONTENT
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.bin").write_bytes(CONTENT[:100])
    fetch(dataset(site), tmp_path)

    assert (tmp_path / "set" / "a.bin").read_bytes() == CONTENT


def test_wrong_checksum_keeps_nothing(site, tmp_path) -> None:
    """A file with another checksum is refused once, named, and leaves nothing behind."""
    site.files["a"] = b"something else"

    with pytest.raises(DatasetError, match=rf"toy: {site.url}/a: expected a file with sha256:"):
        fetch(dataset(site), tmp_path)
    assert below(tmp_path) == []
    assert site.asked["a"] == 1


def test_wrong_checksum_leaves_the_older_file(site, tmp_path) -> None:
    """A failed download does not take away the file that was there."""
    site.files["a"] = b"something else"
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.bin").write_bytes(b"older")

    with pytest.raises(DatasetError):
        fetch(dataset(site), tmp_path)
    assert (tmp_path / "set" / "a.bin").read_bytes() == b"older"


def test_absent_file_is_not_asked_for_again(site, tmp_path) -> None:
    """404 will not pass: one request, and an error that names the address and the site."""
    with pytest.raises(MissingDataError, match=r"404.*https://example.org/toy") as caught:
        fetch(dataset(site), tmp_path)
    assert f"{site.url}/a" in str(caught.value)
    assert site.asked["a"] == 1
    assert below(tmp_path) == []


@pytest.mark.parametrize("fault", ["cut", "error"])
def test_passing_fault_is_tried_again(site, tmp_path, fault) -> None:
    """A broken connection or a fault of the server is tried again, up to three times in all."""
    site.files["a"] = CONTENT
    site.faults["a"] = [fault, fault]
    (place,) = fetch(dataset(site), tmp_path)

    assert place.read_bytes() == CONTENT
    assert site.asked["a"] == 3


def test_lasting_interruption_keeps_nothing(site, tmp_path) -> None:
    """A file that is cut short every time is an error, and no half of it stays."""
    site.files["a"] = CONTENT
    site.faults["a"] = ["cut"] * 3

    with pytest.raises(MissingDataError, match="nothing was kept"):
        fetch(dataset(site), tmp_path)
    assert below(tmp_path) == []


def test_server_out_of_reach(site, tmp_path) -> None:
    """No server at the address is an error of ours, not a traceback of the network library."""
    record = dataset(site)
    gone = record.downloads[0].url.replace(site.url, "http://127.0.0.1:9")

    with pytest.raises(MissingDataError, match=r"cannot download http://127\.0\.0\.1:9/set/a"):
        fetch(record, tmp_path, base_url=gone.removesuffix("/a"))


def test_mirror_holds_files_under_their_paths(site, tmp_path) -> None:
    """With a base address the file is asked for under its path in the data folder."""
    site.files["mirror/set/a.bin"] = CONTENT
    fetch(dataset(site), tmp_path, base_url=f"{site.url}/mirror/")

    assert site.asked == {"mirror/set/a.bin": 1}


@pytest.mark.parametrize("path", ["../a", "/etc/a", "set/../../a", "."])
def test_path_outside_the_folder_is_refused(site, tmp_path, path) -> None:
    """A plugin cannot write outside the data folder."""
    with pytest.raises(PluginError, match="leads out of the data folder"):
        fetch(dataset(site, path), tmp_path)
    assert site.asked.total() == 0


def test_bytes_are_those_of_the_file(site, tmp_path) -> None:
    """A gzipped file stays gzipped."""
    packed = gzip.compress(CONTENT)
    site.files["a"] = packed
    (place,) = fetch(dataset(site, digest=hashlib.sha256(packed).hexdigest()), tmp_path)

    assert place.read_bytes() == packed


class CountingBar:
    """Count bytes as a progress bar would."""

    total: float | None = None
    count = 0

    def update(self, amount: int) -> None:
        self.count += amount

    def reset(self) -> None:
        self.count = 0

    def close(self) -> None:
        pass


def test_bar_counts_every_byte(site, tmp_path) -> None:
    """The progress bar ends at the size of the file, and is asked for once a file."""
    site.files["a"] = CONTENT
    site.faults["a"] = ["cut"]
    bars: dict[str, CountingBar] = {}

    fetch(dataset(site), tmp_path, bar=lambda path: bars.setdefault(path, CountingBar()))

    assert {path: (bar.count, bar.total) for path, bar in bars.items()} == {
        "set/a.bin": (160_000, 160_000)
    }


def test_folder_that_cannot_be_made(site, tmp_path) -> None:
    """A data folder that is a file is one clear error."""
    site.files["a"] = CONTENT
    (tmp_path / "set").write_text("a file")

    with pytest.raises(DatasetError, match="cannot write"):
        fetch(dataset(site), tmp_path)


def run(*arguments: str):
    """Run ``milbench fetch`` in this process."""
    return CliRunner().invoke(command, list(arguments))


def test_command_refuses_other_files(site, tmp_path) -> None:
    """Files that are not musk1's are refused on stderr with status 2, and none is kept."""
    for name in ("X_musk_original", "Bag2_musk_original", "bagI_musk1_original"):
        site.files[f"musk1/milpy/{name}.mat"] = b"another file"

    result = run("musk1", "--data", str(tmp_path), "--mirror", site.url)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "expected a file with sha256:90a5a034" in result.stderr
    assert below(tmp_path) == []


@pytest.mark.data
def test_command_fetches_real_files_from_a_mirror(site, tmp_path, data_dir) -> None:
    """The checksums of elephant are those of the published files, which then give its bags."""
    for name in ("X.mat", "Bag2.mat", "BagI.mat"):
        path = data_dir / "elephant" / "milpy" / name
        site.files[f"elephant/milpy/{name}"] = path.read_bytes()

    result = run("elephant", "--data", str(tmp_path), "--mirror", site.url)

    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"elephant: {tmp_path / 'elephant' / 'milpy' / name}"
        for name in ("X.mat", "Bag2.mat", "BagI.mat")
    ]
    assert below(tmp_path) == [f"elephant/milpy/{n}.mat" for n in ("Bag2", "BagI", "X")]


def test_command_goes_on_after_a_failure(site, tmp_path) -> None:
    """One data set that fails does not keep the next from being tried; the exit code tells."""
    result = run("fox", "tiger", "--data", str(tmp_path), "--mirror", site.url)

    assert result.exit_code == 2
    assert set(site.asked) == {"fox/milpy/X.mat", "tiger/milpy/X.mat"}


def test_built_in_set_needs_no_fetching(tmp_path) -> None:
    """An embedded data set says so, and succeeds."""
    result = run("digits-bags", "--data", str(tmp_path))

    assert (result.exit_code, result.stdout) == (
        0,
        "digits-bags: nothing to fetch, the data set is built in\n",
    )


def test_unknown_name_is_refused_before_any_download(site, tmp_path) -> None:
    """A misspelt name ends the command with a suggestion, and nothing was asked for."""
    result = run("elephant", "musk11", "--data", str(tmp_path), "--mirror", site.url)

    assert isinstance(result.exception, PluginError)
    assert "musk1" in str(result.exception)
    assert site.asked.total() == 0


@pytest.mark.parametrize("arguments", [(), ("musk1", "--all")])
def test_names_or_all(arguments) -> None:
    """Neither names nor --all, or both, is a usage error."""
    assert run(*arguments).exit_code == 2


def test_all_asks_for_every_declared_set(site, tmp_path) -> None:
    """--all tries each built-in set that has a download: the 14 that are not embedded."""
    run("--all", "--data", str(tmp_path), "--mirror", site.url)

    assert {path.split("/")[0] for path in site.asked} == {
        "birds_brown_creeper",
        "corel_african",
        "elephant",
        "fox",
        "mnist",
        "musk1",
        "musk2",
        "mutagenesis1",
        "newsgroups",
        "slides",
        "tiger",
    }


def test_without_pooch(site, tmp_path, monkeypatch) -> None:
    """Where pooch is not installed the error names the command that installs it."""
    monkeypatch.setitem(sys.modules, "pooch", None)

    with pytest.raises(MilbenchError, match=r"pip install 'milbench\[data\]'"):
        fetch(dataset(site), tmp_path)
