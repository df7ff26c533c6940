"""A new lesson: a file that passes the check once its blanks are filled in."""

import re
from pathlib import Path

from hongbao.errors import InvalidLesson

BLANK = re.compile(r"«[^»]*»")
"""What has to be replaced in a new lesson."""


def text_of(name: str) -> str:
    """Return the file of a new lesson called *name*. Raises InvalidLesson if that is no name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name):
        raise InvalidLesson(source=name, line=1, problem="bad_name", key="NAME", text=name)
    return _TEMPLATE.read_text(encoding="utf-8").replace("@NAME@", name)


_TEMPLATE = Path(__file__).with_name("template.txt")
