"""The record of a judgement, as an act's entry in the chain keeps it."""

import json
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hongbao.domain.risk.acts import Asked, Seen, Verdict, What

SEEN = len(Seen._fields)

if TYPE_CHECKING:
    import re


class Record(NamedTuple):
    """
    The evidence of one decision; of an act that is not judged, only what is *seen* of it.

    *asked* and *values* are all that `hongbao.domain.risk.judge` was given and measured, so that
    the decision can be looked at again when counters have long moved on. *seen* is None if the
    act was stopped: nothing was done, so there is nothing to remember.
    """

    seen: Seen | None
    asked: Asked | None = None
    pack: str = ""
    model: str | None = None
    verdict: Verdict = Verdict.ALLOW
    rule: str | None = None
    reports: tuple[str, ...] = ()
    values: tuple[int, ...] = ()
    score: int | None = None
    challenge: str | None = None  # the one that had been passed before

    @property
    def columns(self) -> tuple[str | None, int | None, str | None]:
        """The search columns of an act: verdict, number of reports, and the challenge passed."""
        if self.asked is None:
            return None, None, None
        return str(self.verdict), len(self.reports), self.challenge

    def encode(self) -> str:
        """
        Return the record as compact JSON.

        >>> Record(Seen(0, What.PIN_CHANGE)).encode()
        '{"seen":[0,"pin_change",0,0,-1,0]}'
        """
        fields: dict[str, object] = {}
        if self.seen is not None:
            fields["seen"] = self.seen
        if self.asked is not None:
            fields |= {
                "asked": (*self.asked.seen, *self.asked[1:]),
                "by": (self.pack, self.model),
                "verdict": self.verdict,
                "rule": self.rule,
                "reports": self.reports,
                "values": self.values,
                "score": self.score,
            }
        if self.challenge is not None:
            fields["challenge"] = self.challenge
        return _ENCODER.encode(fields)


def decode(text: str) -> Record:
    """Return the record that `Record.encode` wrote. Raises ValueError for any other text."""
    try:
        fields: dict[str, Any] = json.loads(text)
        if not isinstance(fields, dict):
            raise TypeError
        seen = _seen(fields["seen"]) if "seen" in fields else None
        if "asked" not in fields:
            return Record(seen)
        asked = Asked(_seen(fields["asked"][:SEEN]), *fields["asked"][SEEN:])
        pack, model = fields["by"]
        return Record(
            seen,
            asked,
            pack,
            model,
            Verdict(fields["verdict"]),
            fields["rule"],
            tuple(fields["reports"]),
            tuple(fields["values"]),
            fields["score"],
            fields.get("challenge"),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("no record of a decision") from error


def in_short(text: str) -> tuple[Seen | None, tuple[str | None, int | None, str | None]]:
    """
    Return what was *seen* and the `columns` of the record *text*.

    Raises ValueError if it is no record. It is `decode` in a third of the time, because nearly all
    records are of one form, which one expression knows.

    >>> in_short(Record(Seen(0, What.PIN_CHANGE)).encode())[1]
    (None, None, None)
    """
    usual = _usual().fullmatch(text)
    if usual is not None:
        at, what, fen, other, ms, city, asked, verdict, reports = usual.groups()
        if what in _WHATS and asked in _WHATS and verdict in _VERDICTS:
            seen = Seen(int(at), _WHATS[what], int(fen), int(other), int(ms), int(city))
            return seen, (verdict, reports.count(",") + 1 if reports else 0, None)
    record = decode(text)
    return record.seen, record.columns


def seen_in(text: str) -> Seen | None:
    """
    Return the *seen* act in the record *text*, without reading further.

    Raises ValueError if it is no record.

    >>> seen_in(Record(Seen(0, What.PIN_CHANGE)).encode()).what.value
    'pin_change'
    """
    if not text.startswith(_SEEN_FIRST):
        return decode(text).seen
    try:
        fields, _end = _DECODER.raw_decode(text, len(_SEEN_FIRST))
        return _seen(fields)
    except TypeError as error:
        raise ValueError("no record of a decision") from error


def _seen(fields: list[Any]) -> Seen:
    at, what, *rest = fields
    if len(fields) != SEEN:
        raise TypeError
    return Seen(at, What(what), *rest)


@cache
def _usual() -> "re.Pattern[str]":
    """Return the form of a record of an act that was judged and done, with no challenge before."""
    import re  # only a check reads so many records

    number, word = r"(?:0|-?[1-9][0-9]*)", r"[\w./-]*"
    or_null, words = f'(?:null|"{word}")', f'(?:"{word}"(?:,"{word}")*)?'
    more = len(Asked._fields) - 1
    return re.compile(
        rf'{{"seen":\[({number}),"({word})"{f",({number})" * (SEEN - 2)}\],'
        rf'"asked":\[{number},"({word})"{f",{number}" * (SEEN - 2 + more)}\],'
        rf'"by":\["{word}",{or_null}\],"verdict":"({word})","rule":{or_null},'
        rf'"reports":\[({words})\],"values":\[(?:{number}(?:,{number})*)?\],'
        rf'"score":(?:null|{number})}}'
    )


_WHATS = {str(what): what for what in What}
_VERDICTS = frozenset(map(str, Verdict))

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder()

_SEEN_FIRST = '{"seen":'
"""What the record of an act begins with that was not stopped."""
