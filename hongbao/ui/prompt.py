"""
A line of one's own prompt: with completion and a history on a terminal, and plainly elsewhere.

What was typed before is offered again with the arrow keys, as in a shell; nothing of it is kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit.document import Document

Complete = Callable[[str], Sequence[str]]
"""Returns what the last word of a line that was begun may be."""


def lines(prompt: Callable[[], str], complete: Complete) -> Iterator[str]:
    """
    Yield the lines that are typed at the terminal, until the input is ended (Ctrl-D).

    *prompt* says before each line what is in front of it. Ctrl-C drops the line, as in a shell.
    """
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.data_structures import Size
    from prompt_toolkit.input.vt100 import Vt100Input
    from prompt_toolkit.output.color_depth import ColorDepth
    from prompt_toolkit.output.vt100 import Vt100_Output

    class Offered(Completer):
        def get_completions(
            self, document: Document, _event: CompleteEvent
        ) -> Iterator[Completion]:
            typed = document.text_before_cursor
            word = typed.rsplit(" ", 1)[-1]
            for each in complete(typed):
                if each.startswith(word):
                    yield Completion(each, start_position=-len(word))

    def size() -> Size:
        columns, rows = os.get_terminal_size(sys.stderr.fileno())
        return Size(rows=rows or 24, columns=columns or 80)

    session: PromptSession[str] = PromptSession(
        completer=Offered(),
        complete_while_typing=False,
        color_depth=ColorDepth.DEPTH_1_BIT,
        input=Vt100Input(sys.stdin),
        # No terminal is queried (CPR): one that does not answer would make everyone wait.
        output=Vt100_Output(sys.stderr, size, term=os.environ.get("TERM"), enable_cpr=False),
    )
    while True:
        try:
            yield session.prompt(prompt())
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
