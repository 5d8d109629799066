"""How a command ends: exit statuses, errors as one sentence, and Ctrl-C."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from actwise.errors import ActwiseError, ActwiseWarning, InputError
from actwise.training.settings import option_name

BAD_INPUT = 2
FAILED = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
MOST_PRESSES = 2  # so many Ctrl-C are taken as one wish to stop; one more gives the work up
WRITTEN = "actwise.written"  # the key under which a command's context keeps what it wrote


# Characters that a terminal obeys instead of showing them (C0, C1, and what turns the direction of writing).
_COMMANDS = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\n\t"
}


def harmless(text: str) -> str:
    r"""Make visible what a terminal would obey, as names and labels of a foreign table or model may hold it.

    >>> harmless("lab\x1b[31mel")
    'lab\\x1b[31mel'
    """
    return text.translate(_COMMANDS)


def tell_written(place: Path) -> None:
    """Remember what a command has written, for the case that it is interrupted later."""
    click.get_current_context().meta[WRITTEN] = place


class Interruption:
    """Counts Ctrl-C; called, it says whether it was pressed."""

    def __init__(self) -> None:
        self._times = 0
        self._held_off = False

    def __call__(self) -> bool:
        """Say whether Ctrl-C was pressed."""
        return self._times > 0

    def hold_off(self) -> None:
        """From now on let no Ctrl-C interrupt: what was begun, such as saving, is to be finished."""
        self._held_off = True

    def press(self) -> None:
        """Take note of a Ctrl-C.

        Raises
        ------
        KeyboardInterrupt
            If it was pressed too often for a wish to stop cleanly, and is not held off.
        """
        self._times += 1
        if self._times > MOST_PRESSES and not self._held_off:
            raise KeyboardInterrupt


class GuardedGroup(click.Group):
    """A group of commands that tells what a user did wrong in one sentence, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; turn what Actwise raises on purpose into a line on stderr and an exit status."""
        try:
            with _told_warnings():
                return super().invoke(ctx)
        except ActwiseError as error:
            command = self.commands.get(ctx.invoked_subcommand or "")
            options = {each.name for each in command.params} if command is not None else set()

            def called(parameter: str) -> str:
                return option_name(parameter) if parameter in options else parameter

            said = error.told(called) if isinstance(error, InputError) else error
            click.echo(harmless(f"Error: {said}"), err=True)
            ctx.exit(BAD_INPUT)
        except click.UsageError as error:
            words = error.ctx.command_path if error.ctx is not None else ctx.command_path
            click.echo(harmless(f"Error: {error.format_message()} See '{words} --help'."), err=True)
            ctx.exit(BAD_INPUT)
        except KeyboardInterrupt:
            written = ctx.meta.get(WRITTEN)
            what = "nothing was written" if written is None else f"what was done before is kept in {written}"
            click.echo(harmless(f"Interrupted: {what}."), err=True)
            ctx.exit(INTERRUPTED)


@contextmanager
def _told_warnings() -> Iterator[None]:
    """Print Actwise's own warnings as lines on stderr, the same one once; leave others as they are."""
    ordinary = warnings.showwarning
    told: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, ActwiseWarning):
            if str(message) not in told:
                click.echo(harmless(f"Warning: {message}"), err=True)
            told.add(str(message))
        else:
            ordinary(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = ordinary


@contextmanager
def stop_on_interrupt() -> Iterator[Interruption]:
    """Let Ctrl-C ask for a clean end; pressed impatiently, a second time, it asks for no more than that.

    Yields
    ------
    Interruption
        Says whether Ctrl-C was pressed.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption  # only the main thread may set a handler
        return

    before = signal.signal(signal.SIGINT, lambda number, frame: interruption.press())
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
