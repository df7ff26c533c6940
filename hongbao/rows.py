"""Rows: classes that a type checker takes for named tuples, and that cost little to define."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

__all__ = ["Row", "rows_of"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import NamedTuple as Row
else:
    from _collections import _tuplegetter  # the descriptor that `namedtuple` gives its fields

    class _RowType(type):
        """Gives a class of rows what a named tuple has."""

        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> type:
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body[field] for field in fields if field in body}
            body |= {field: _tuplegetter(place, None) for place, field in enumerate(fields)}
            body |= {"__slots__": (), "__match_args__": fields}
            body |= {"_fields": fields, "_field_defaults": defaults}
            return super().__new__(cls, name, bases, body)

    class Row(tuple, metaclass=_RowType):
        """
        A tuple with names for its fields, used and typed like `typing.NamedTuple`.

        That one compiles each annotation that is a string, and a constructor for each class: 0.1 ms
        for each of the classes of a command, of which there are dozens. Nothing here looks into an
        annotation, so a module of rows begins with ``from __future__ import annotations``.
        """

        __slots__ = ()

        def __new__(cls, *values: object, **named: object) -> Row:
            if named or len(values) != len(cls._fields):
                given = dict(zip(cls._fields, values, strict=False))
                known = {**cls._field_defaults, **given, **named}
                is_twice = len(values) > len(given) or not given.keys().isdisjoint(named)
                if is_twice or known.keys() != set(cls._fields):
                    raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
                values = [known[field] for field in cls._fields]
            return tuple.__new__(cls, values)

        @classmethod
        def _make(cls, values: Any) -> Row:
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"{cls.__name__} has the fields {', '.join(cls._fields)}")
            return made

        def _replace(self, **named: object) -> Row:
            values, place_of = [*self], self._fields.index
            try:
                for name, value in named.items():
                    values[place_of(name)] = value
            except ValueError:
                fields = ", ".join(self._fields)
                raise TypeError(f"{type(self).__name__} has the fields {fields}") from None
            return tuple.__new__(type(self), values)

        def _asdict(self) -> dict[str, object]:
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self) -> tuple[object, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            fields = (f"{field}={value!r}" for field, value in self._asdict().items())
            return f"{type(self).__name__}({', '.join(fields)})"


Made = TypeVar("Made", bound=tuple[Any, ...])


def rows_of(made: type[Made], fields: Iterable[tuple[Any, ...]]) -> Iterator[Made]:
    """
    Yield *fields* as rows of the class *made*, in a quarter of the time of its ``_make``.

    How many there are of them is not looked at: a query always has the same columns.
    """
    return map(cast("Callable[[Any], Made]", partial(tuple.__new__, made)), fields)
