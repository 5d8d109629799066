"""How a command ends: exit statuses, errors as one sentence, and Ctrl-C."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import click

from actwise.errors import ActwiseError, ActwiseWarning

BAD_INPUT = 2
FAILED = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class GuardedGroup(click.Group):
    """A group of commands that tells what a user did wrong in one sentence, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; turn what Actwise raises on purpose into a line on stderr and an exit status."""
        try:
            with _told_warnings():
                return super().invoke(ctx)
        except ActwiseError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(BAD_INPUT)
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx is not None else ctx.command_path
            click.echo(f"Error: {error.format_message()} See '{command} --help'.", err=True)
            ctx.exit(BAD_INPUT)
        except KeyboardInterrupt:
            click.echo("Interrupted: nothing was written.", err=True)
            ctx.exit(INTERRUPTED)


@contextmanager
def _told_warnings() -> Iterator[None]:
    """Print Actwise's own warnings as lines on stderr; leave others as they are."""
    ordinary = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, ActwiseWarning):
            click.echo(f"Warning: {message}", err=True)
        else:
            ordinary(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = ordinary


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C ask for a clean end, and the second interrupt at once.

    Yields
    ------
    callable
        Says whether Ctrl-C was pressed.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set  # only the main thread may set a handler
        return

    def ask_to_stop(number: int, frame: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask_to_stop)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
