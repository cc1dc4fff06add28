"""The light commands stay light: they import no library that computes."""

import os
import subprocess
import sys

import pytest

HEAVY = {"torch", "numpy", "pandas", "sklearn", "scipy", "h5py", "pydantic", "tabulate"}
HEAVY |= {"openslide", "tifffile", "PIL"}
SCRIPT = """
import sys
from milbench.cli import main
status = main(sys.argv[1:])
print("modules:", *sys.modules, file=sys.stderr)
sys.exit(status)
"""
COMMANDS = (
    "--help",
    "--version",
    "list aggregators",
    "list encoders",
    "list tilers",
    "list datasets",
    "list suites",
    "list aggregators --json",
    "plugins",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_light_command_imports_nothing_heavy(command):
    """After the command, none of the heavy libraries is loaded."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILBENCH_")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *command.split()],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(done.stderr.rpartition("modules:")[2].split())
    assert "milbench.cli" in loaded
    assert not loaded & HEAVY


def test_help_imports_no_command():
    """``milbench --help`` reads a table: neither the commands nor rich nor any plugin is loaded."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--help"], capture_output=True, text=True, check=True
    )

    loaded = set(done.stderr.rpartition("modules:")[2].split())
    assert not {name for name in loaded if name.startswith(("milbench.cli.", "rich", "milbench_"))}
