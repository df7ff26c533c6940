"""A TOML reader for rules, table by table, each refusal with its line number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import time
from typing import TYPE_CHECKING, Any, cast

from hongbao.domain.money import parse_yuan, parse_yuan_or_zero
from hongbao.errors import InvalidAmount, InvalidPolicy, shortened

if TYPE_CHECKING:
    from hongbao.domain.toml_lines import Path

CONFIDENCES = ("A", "B", "C")
"""A: official, or several sources agree. B: one decent source. C: unconfirmed, and shown so."""

TEXT_LENGTH_MAX = 65_536

Loads = Callable[[str], dict[str, Any]]
"""Parses a text in TOML, and raises what `tomllib` raises."""


def parsed_toml(text: str) -> dict[str, Any]:
    """Parse *text* with `tomllib`, which takes longer to import than a rule to be asked."""
    import tomllib

    return tomllib.loads(text)


class Document:
    """The text being read, and the one way to refuse it."""

    def __init__(
        self,
        text: str,
        source: str,
        refusal: type[InvalidPolicy] = InvalidPolicy,
        loads: Loads = parsed_toml,
    ) -> None:
        self.text = text.removeprefix("\ufeff")  # some editors put it there
        self.source = source
        self.refusal = refusal
        self._loads = loads
        self.confidence: dict[str, str] = {}

    def content(self) -> dict[str, Any]:
        if len(self.text) > TEXT_LENGTH_MAX:
            line = self.text.count("\n", 0, TEXT_LENGTH_MAX) + 1
            raise self.error(line, "too_long", length_max=TEXT_LENGTH_MAX)
        try:
            return self._loads(self.text)
        except (RecursionError, ValueError) as exc:
            import tomllib

            if isinstance(exc, tomllib.TOMLDecodeError):
                line, column = self._position(str(exc))
                # Every refusal of tomllib's that starts like this is about a second definition.
                problem = "defined_twice" if str(exc).startswith("Cannot ") else "syntax"
                raise self.error(line, problem, column=column) from None
            # Brackets nested too deep, or a number of thousands of digits: tomllib lets Python's
            # own errors through, without a position.
            raise self.error(self._first_line_with(type(exc)), "syntax", column=1) from None

    def error(self, line: int, problem: str, **facts: Any) -> InvalidPolicy:
        return self.refusal(source=self.source, line=line, problem=problem, **facts)

    def refuse(self, path: Path, problem: str, **facts: object) -> InvalidPolicy:
        from hongbao.domain.toml_lines import line_of  # woken by refusals only

        return self.error(line_of(self.text, path), problem, **facts)

    def _position(self, message: str) -> tuple[int, int]:
        if at := re.search(r"\(at line (\d+), column (\d+)\)", message):
            return int(at[1]), int(at[2])
        lines = self.text.split("\n")  # "(at end of document)"
        return len(lines), len(lines[-1]) + 1

    def _first_line_with(self, kind: type[Exception]) -> int:
        """Find the line that makes the parser raise *kind*: the parser goes from top to bottom."""
        lines = self.text.split("\n")
        low, high = 1, len(lines)
        while low < high:
            middle = (low + high) // 2
            try:
                self._loads("\n".join(lines[:middle]))
            except (RecursionError, ValueError) as exc:
                found = type(exc) is kind
            else:
                found = False
            low, high = (low, middle) if found else (middle + 1, high)
        return low


class Table:
    """One table of the file: its keys are known, and each is asked for by the kind it must be."""

    def __init__(
        self,
        reader: Document,
        path: Path,
        content: dict[str, Any],
        needed: tuple[str, ...],
        optional: tuple[str, ...] = (),
    ) -> None:
        self.reader, self.path, self.content = reader, path, content
        known = (*needed, *optional)
        for key in content:  # before what is missing: a mistyped key is both
            if key not in known:
                raise self.refuse(key, "unknown_key", text=shortened(key), known=", ".join(known))
        for key in needed:
            if key not in content:
                raise reader.refuse(path, "missing_key", key=key)

    def refuse(self, key: str, problem: str, **facts: object) -> InvalidPolicy:
        return self.reader.refuse((*self.path, key), problem, key=key, **facts)

    def text(self, key: str, length_max: int) -> str:
        value = self.content[key]
        if type(value) is not str:
            raise self.refuse(key, "not_text")
        if not (value.strip() and value.isprintable() and len(value) <= length_max):
            raise self.refuse(key, "bad_text", length_max=length_max)
        return value

    def name(self, key: str) -> str:
        value = self.content[key]
        if type(value) is not str or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", value):
            raise self.refuse(key, "bad_name", text=_shown(value))
        return value

    def one_of(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.content[key]
        if value not in choices:
            raise self.refuse(key, "not_one_of", text=_shown(value), known=_list(choices))
        return cast(str, value)

    def whole(self, key: str, least: int, most: int) -> int:
        value = self.content[key]
        if type(value) is not int or not least <= value <= most:  # a bool is an int, but not here
            raise self.refuse(key, "not_whole", least=least, most=most)
        return value

    def flag(self, key: str) -> bool:
        value = self.content[key]
        if type(value) is not bool:
            raise self.refuse(key, "not_flag")
        return value

    def amount(self, key: str, *, zero: bool = False) -> int:
        value = self.content[key]
        if type(value) is not str:  # a bare 0.1 would be a float, and no float touches money
            raise self.refuse(key, "bad_amount", text=_shown(value))
        try:
            return parse_yuan_or_zero(value) if zero else parse_yuan(value)
        except InvalidAmount:
            raise self.refuse(key, "bad_amount", text=_shown(value)) from None

    def percentage_ppm(self, key: str) -> int:
        value = self.content[key]
        if type(value) is str and re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?%", value):
            percents, _point, decimals = value[:-1].partition(".")
            rate_ppm = int(percents) * 10_000 + int(decimals.ljust(4, "0"))
            if rate_ppm <= 1_000_000:
                return rate_ppm
        raise self.refuse(key, "bad_percentage", text=_shown(value))

    def time_of_day(self, key: str) -> time:
        value = self.content[key]
        if type(value) is str and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
            return time(int(value[:2]), int(value[3:]))
        raise self.refuse(key, "bad_time", text=_shown(value))

    def some_of(
        self, key: str, choices: tuple[str, ...], problem: str = "not_one_of"
    ) -> tuple[str, ...]:
        """Read a list of at least one of *choices*; *problem* is what any other is refused as."""
        value = self.content[key]
        if type(value) is not list or not value:
            raise self.refuse(key, "not_list", known=_list(choices))
        for place, item in enumerate(value):
            path = (*self.path, key, place)
            if item not in choices:
                raise self.reader.refuse(
                    path, problem, key=key, text=_shown(item), known=_list(choices)
                )
            if item in value[:place]:
                raise self.reader.refuse(path, "used_twice", key=key, text=_shown(item))
        return tuple(value)

    def table(self, key: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> Table:
        value = self.content[key]
        if type(value) is not dict:
            raise self.refuse(key, "not_table")
        return Table(self.reader, (*self.path, key), value, needed, optional)

    def table_or(self, key: str, default: Mapping[str, Any]) -> Table:
        """Return the table at *key*, if there is one; what it does not say, *default* does."""
        if key in self.content:
            table = self.table(key, needed=(), optional=(*default, "confidence"))
            table.note_confidence()
        else:
            table = Table(self.reader, (*self.path, key), {}, needed=())
        table.content = {**default, **table.content}
        return table

    def tables(
        self, key: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> list[Table]:
        value = self.content[key]
        if type(value) is not list or not value or any(type(item) is not dict for item in value):
            raise self.refuse(key, "not_tables")
        return [
            Table(self.reader, (*self.path, key, place), item, needed, optional)
            for place, item in enumerate(value)
        ]

    def note_confidence(self) -> None:
        """Read the table's own ``confidence = {key = "C"}``, where it has one."""
        if "confidence" not in self.content:
            return
        numbers = tuple(
            key for key, value in self.content.items() if not isinstance(value, dict | list)
        )
        letters = self.table("confidence", needed=(), optional=numbers)
        for key in letters.content:
            name = ".".join(str(part) for part in (*self.path, key))
            self.reader.confidence[name] = letters.one_of(key, CONFIDENCES)


def _shown(value: object) -> str:
    """Quote *value* of any kind for a sentence."""
    if isinstance(value, int) and abs(value) > 10**40:  # Python will not write out a huge number
        return "…"
    return shortened(str(value))


def _list(choices: tuple[str, ...]) -> str:
    return ", ".join(choices)
