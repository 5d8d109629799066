"""rich's console, for text that others wrote: names and labels of tables and models."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from actwise.cli.status import harmless


class Console(RichConsole):
    """A console to which no text can send commands: what rich itself sends passes, all else is shown."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does, with control characters of the text made visible."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)
