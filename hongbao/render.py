"""The answer that people and programs see of an act, made from the facts that its entry keeps."""

from typing import Any

from hongbao.domain.facts import ASKED, COLUMN, SHAPES, Columns, Facts, read
from hongbao.errors import recall


def render(act: str, text: str, row: Columns) -> Facts:
    """
    Return the answer of an *act* from its facts in *text* and its *row*.

    First answers are made here as well as those to a request that comes again, so that both are
    the same. Raises ValueError if the text is not of a shape of this act.

    >>> row = Columns("rq_1", "2026-02-17T20:00:00+08:00", None)
    >>> render("device_login", '[1,"小明","tablet",2]', row)["session"]
    2
    """
    return render_read(act, read(act, text), row)


def render_read(act: str, found: tuple[int, Facts], row: Columns) -> Facts:
    """Return the answer of an *act* from its facts, read or not yet written (see `facts.read`)."""
    number, facts = found
    answer: dict[str, Any] = {}
    for name, kind in SHAPES[act][number].fields.items():
        if kind is COLUMN or (kind is ASKED and facts[name] is None):
            answer[name] = getattr(row, name)
        elif name in facts:
            answer[name] = facts[name]
    if answer.get("error") is not None:
        answer["error"] = recall(answer["error"]).as_dict()
    return answer
