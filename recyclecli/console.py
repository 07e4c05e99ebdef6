"""rich's console for names that strangers chose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import console as rich
from rich.segment import Segment
from rich.text import Text

from recyclecli.printable import printable, shown


class Console(rich.Console):
    """Shows control characters in texts and cells as escapes, so that its own colours are the only ones."""

    def render_str(self, text: str, **options: Any) -> Text:
        """A text from a string, measured as it is shown."""
        return super().render_str(shown(text), **options)

    def render(self, renderable: rich.RenderableType, options: rich.ConsoleOptions | None = None) -> Iterable[Segment]:
        """The segments of anything, also of what builds its texts by itself."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
