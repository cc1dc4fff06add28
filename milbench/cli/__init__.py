"""The command line: one command a module, imported when it is called.

``milbench --help`` reads the table below and imports no command.
"""

from __future__ import annotations

import logging
import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from milbench import __version__
from milbench.errors import MilbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = 2
INTERRUPTED = 130  # 128 + the number of SIGINT, as shells have it
CLOSED_PIPE = 1  # what click and rich end with


class Entry(NamedTuple):
    """One line of the table of commands: where the command is, and what it is for."""

    target: str
    summary: str


COMMANDS = {
    "run": Entry(
        "milbench.cli.run:run", "Run a suite: train, store the results, rank the methods."
    ),
    "validate": Entry(
        "milbench.cli.validate:validate", "List every error of a suite file at once."
    ),
    "leaderboard": Entry(
        "milbench.cli.leaderboard:leaderboard", "Rank the methods of a suite from its results."
    ),
    "compare": Entry(
        "milbench.cli.compare:compare", "Compare two methods in full, from stored results."
    ),
    "tiles": Entry(
        "milbench.cli.tiles:tiles", "Draw the tissue and the tiles of slides, for inspection."
    ),
    "encode": Entry("milbench.cli.encode:encode", "Encode the tiles of a data set ahead of a run."),
    "import": Entry(
        "milbench.cli.importing:import_", "Take over features, labels and splits of other tools."
    ),
    "export": Entry(
        "milbench.cli.exporting:export", "Write features, splits or predictions for other tools."
    ),
    "audit": Entry(
        "milbench.cli.audit:audit", "Look for leaks and missing classes in anyone's splits."
    ),
    "doctor": Entry(
        "milbench.cli.doctor:doctor", "Check packages, device, data sets, caches and disk."
    ),
    "explain": Entry(
        "milbench.cli.explain:explain", "Show the runs, hashes and versions behind one number."
    ),
    "verify": Entry(
        "milbench.cli.verify:verify", "Recompute a stored leaderboard and compare bit for bit."
    ),
    "merge": Entry("milbench.cli.merge:merge", "Join the results of several machines."),
    "reproduce": Entry(
        "milbench.cli.reproduce:reproduce", "Run the cell of a published number and print both."
    ),
    "scores": Entry(
        "milbench.cli.scores:scores", "Compare methods by scores of folds computed elsewhere."
    ),
    "report": Entry(
        "milbench.cli.report:report", "Write everything a paper needs about a suite's results."
    ),
    "fetch": Entry("milbench.cli.fetch:fetch", "Download data sets and check them."),
    "list": Entry(
        "milbench.cli.listing:listing", "List data sets, tilers, encoders, aggregators, suites, ..."
    ),
    "info": Entry("milbench.cli.info:info", "Show everything known about one name."),
    "plugins": Entry(
        "milbench.cli.plugins:plugins", "List the plugins and what is wrong with any."
    ),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names in the order a reader meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command ``cmd_name``; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of ``args``; an unknown one ends with the nearest name."""
        near = get_close_matches(args[0], COMMANDS, n=1)
        if args[0] not in COMMANDS and near and not ctx.resilient_parsing:
            ctx.fail(f"no command {args[0]!r}; did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the help from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Completion: eval "$(_MILBENCH_COMPLETE=bash_source milbench)", or zsh_source; '
    "fish: _MILBENCH_COMPLETE=fish_source milbench | source",
)
@click.version_option(__version__, prog_name="milbench")
@click.option("-v", "--verbose", count=True, help="Log what is done, on stderr; -vv more.")
def milbench(*, verbose: int) -> None:
    """Compare multiple-instance-learning methods with a valid test."""
    log = logging.getLogger("milbench")
    log.setLevel(max(logging.DEBUG, logging.WARNING - 10 * verbose))
    if not any(isinstance(handler, ConsoleHandler) for handler in log.handlers):
        log.addHandler(ConsoleHandler())


class ConsoleHandler(logging.Handler):
    """Write log records through the console of messages, so that a progress bar stays whole."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as ``level: message``."""
        from milbench.cli.console import messages

        messages.print(f"{record.levelname.lower()}: {self.format(record)}", markup=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 done; 1 some job failed, or nobody reads the output any more; 2 wrong usage, or an error
    that milbench names; 130 interrupted.

    Parameters
    ----------
    arguments
        Without the program's name; those of the process when None.
    """
    try:
        status: Any = milbench.main(arguments, prog_name="milbench", standalone_mode=False)
        sys.stdout.flush()
    except MilbenchError as error:
        click.echo(f"error: {error}", err=True)
        return USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes stdout once more when it ends; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    return status if isinstance(status, int) else 0
