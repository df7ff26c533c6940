"""What pictures keep to themselves: other people's names, ids, card numbers, exact times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from typing import Any

from hongbao.domain.text import initial
from hongbao.queries.privacy import Known
from hongbao.ui.picture import Run, Screen, taken
from hongbao.ui.screen import line
from hongbao.ui.wording import only_days
from hongbao.words import SANDBOX

DOT = "•"

_CODES = frozenset(
    {
        *("act", "asked", "book", "by", "credit", "deal", "debit", "decision", "ends"),
        *("kind", "packet_kind", "period", "reason", "rule", "says", "side", "state", "status"),
        "title",
    }
)
"""Keys of codes, which are no one's name even where someone is called so."""

_FREE = frozenset({"greeting", "cover", "luck"})
"""Keys of free text, in which a name may stand anywhere."""

_GONE = frozenset({"id", "request_id", "payment", "message", "claim", "nonce", "seed"})
"""Keys of ids, and of what proves a share, that are no packet's: they are left out."""

_TAIL = "card_tail"

_ID = re.compile(r"\b(hb|rc|ch|bl)_[0-9A-Z]{1,8}|\b(rq|HB)[0-9A-Za-z_-]{8,}")
_TIME = re.compile(r"[ T]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d)?")
_AMOUNT = re.compile(r"[+-]?\d[\d,]*\.\d\d(?!\d)")


class Privacy:
    """What is hidden in a picture: what is *known* of a home, and perhaps amounts, too."""

    def __init__(self, known: Known, *, shows_names: bool, shows_amounts: bool) -> None:
        self.hides_names = not shows_names
        self._names = {} if shows_names else {name: initial(name) for name in known.others}
        self._cards = {name: name.replace(tail, DOT * len(tail)) for name, tail in known.cards}
        self.is_sandbox = known.sandbox
        self._hides_amounts = not shows_amounts

    def answer(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return *answer* with other things in the places of names, ids and cards."""
        kinds = answer.get("by") == "kind"
        return {
            key: value if kinds and key == "groups" else self._value(key, value)
            for key, value in answer.items()
        }

    def _value(self, key: str, value: Any) -> Any:
        match value:
            case dict():
                return self.answer(value)
            case list():
                return [self._value(key, each) for each in value]
            case str() if self.hides_names and key not in _CODES:
                return self._text(key, value)
        return value

    def _text(self, key: str, text: str) -> str | None:
        if key in _GONE:
            return None
        if key == _TAIL:
            return DOT * len(text)
        if key in _FREE:
            for name in sorted(self._names, key=len, reverse=True):
                text = text.replace(name, self._names[name])
            return text
        return self._names.get(text) or self._cards.get(text) or text

    def screen(self, screen: Screen) -> Screen:
        """Return *screen* without ids, times of day and, if they are hidden, amounts."""
        return screen._replace(lines=tuple(tuple(self._line(runs)) for runs in screen.lines))

    def _line(self, runs: tuple[Run, ...]) -> Iterator[Run]:
        text = "".join(run.text for run in runs)
        if self.hides_names:
            text = _ID.sub(_dotted, text)
            text = _TIME.sub(lambda found: " " * len(found[0]), text)
        if self._hides_amounts:
            text = _AMOUNT.sub(lambda found: f"{DOT * 3:>{len(found[0])}}", text)
        start = 0
        for run in runs:
            yield run._replace(text=text[start : start + len(run.text)])
            start += len(run.text)


def _dotted(found: re.Match[str]) -> str:
    """Return as many dots as what was *found* has letters behind its prefix."""
    prefix = found[0][:3] if found[1] else ""
    return prefix + DOT * (len(found[0]) - len(prefix))


def drawn(answer: Mapping[str, Any], show: Callable[[Any], None], privacy: Privacy) -> Screen:
    """Return the screen that *show* prints of *answer*, with everything hidden that is."""

    def show_all() -> None:
        if privacy.is_sandbox and "sandbox" not in answer:
            line(SANDBOX, bold_yellow=SANDBOX)
            print()
        show(privacy.answer(answer))

    with only_days() if privacy.hides_names else nullcontext():
        screen = taken(show_all)
    return privacy.screen(screen)
