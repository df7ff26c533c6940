"""
Answers shown by the window alone: for answers that no home of a test has, and widths of all kinds.

``windows.py FILE`` reads its calls from a file: each has a *room* of `hongbao.ui`, a *show* of it,
and the *answer* that is shown. In a pipe the answer of a list is printed as its list says.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

from hongbao import words
from hongbao.ui.listing import Layout

LISTS = {"show_books": "ACCOUNTS", "show_trace": "TRACE", "show_banks": "BANKS"}
"""The lists that these show on a terminal."""


def main() -> int:
    """Show the answers, one after another."""
    words.use_language(words.preferred(os.environ))
    for room, show, answer in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        sys.stdout.write("\x1e")
        module = import_module(f"hongbao.ui.{room}")
        if show in LISTS and not sys.stdout.isatty():
            found = getattr(module, LISTS[show])
            found.print_rows(answer if isinstance(answer, list) else found.of(answer), Layout())
        else:
            getattr(module, show)(answer)
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
