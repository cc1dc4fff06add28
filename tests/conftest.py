"""Shared fixtures: the folder of real data, real small distributions, the command line."""

import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import settings

# As the harness trains; read when torch is imported. On a busy machine more threads of one product
# wait for each other: tests took ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A busy machine is slow; a property is not.
settings.register_profile("milbench", deadline=None)
settings.load_profile("milbench")

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure():
    """Refuse an environment that the tests do not describe, and let Ctrl-C be heard in it."""
    found = {entry.dist.name for entry in entry_points(group="milbench.v1") if entry.dist}
    if others := sorted(found - {"milbench"}):
        raise pytest.UsageError(
            f"plugins are installed beside milbench: {', '.join(others)}; the tests describe "
            f"milbench alone: pip uninstall {' '.join(others)}, or use a fresh environment"
        )
    # A runner that was started in the background hands down that Ctrl-C is ignored.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real data, or skip with the reason."""
    named = os.environ.get("MILBENCH_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder; set MILBENCH_DATA")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return an empty folder that tests install distributions into."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def install(site: Path) -> Callable[..., str]:
    """Return a function that installs a distribution of one module: metadata and entry points.

    ``install("milbench-mean", code)`` has the entry point ``plugin``; ``entries`` gives others,
    ``group`` another group. It returns the module's name.
    """

    def write(
        distribution: str, code: str, group: str = "milbench.v1", entries: tuple[str, ...] = ()
    ) -> str:
        module = distribution.replace("-", "_")
        (site / f"{module}.py").write_text(dedent(code), encoding="utf-8")
        folder = site / f"{module}-1.0.dist-info"
        folder.mkdir(exist_ok=True)
        folder.joinpath("METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n", encoding="utf-8"
        )
        lines = entries or (f"plugin = {module}",)
        with folder.joinpath("entry_points.txt").open("a", encoding="utf-8") as file:
            file.write("\n".join([f"[{group}]", *lines, ""]))
        return module

    return write


@pytest.fixture
def milbench(site: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the command line with the distributions of ``site`` installed."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MILBENCH_")}
        path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, "-m", "milbench", *arguments],
            env={**kept, "PYTHONPATH": path, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Build the example's wheel with its own build backend."""
    pytest.importorskip("hatchling", reason="the example is built with hatchling, not installed")
    wheels = tmp_path_factory.mktemp("wheels")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels],
        cwd=ROOT / "examples" / "third_party",
        check=True,
        capture_output=True,
    )
    (built,) = wheels.glob("*.whl")
    return built


@pytest.fixture
def installed(site, wheel):
    """Unpack the wheel as an installer does."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site
