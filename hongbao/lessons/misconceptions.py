"""
What a wrong prediction is a sign of: the fault of a broken engine that comes to just that.

What was typed in the lesson so far is typed to every engine of the laboratory (`hongbao.lab`), and
the one whose books have the predicted value has the rule that the learner has in mind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hongbao.domain.money import parse_yuan
from hongbao.errors import HongbaoError
from hongbao.lab.engine import Engine
from hongbao.lab.yields import yields
from hongbao.lessons.script import Lesson
from hongbao.queries.facts import Fact, Value
from hongbao.recordings.recorder import Recorded
from hongbao.story import parse
from hongbao.units import yuan
from hongbao.words import shell_word

_UNDERSTOOD = ("topup", "withdraw", "send", "claim", "refund")
_LONG = {"-c": "--count"}
_DROPPED = {"--greeting", "-g", "--cover", "--deal", "--pin-file"}


def fault_that_yields(
    lesson: Lesson, typed: Sequence[Recorded], answer: Fact, predicted: Value, found: Value
) -> str | None:
    """
    Return the fault of the engine for which *answer* is what was *predicted*, if there is one.

    *found* is what it is on hongbao, after the commands *typed*. Where the laboratory's own right
    engine comes to something else (as for the shares of a lucky packet), nothing can be compared.
    """
    names: dict[str, str] = {}
    text = "\n".join(_history(lesson, typed, names))
    try:
        came = yields(parse(text, lesson.name), _in_names(answer, lesson, names))
    except (HongbaoError, ValueError):  # the laboratory does not understand all that hongbao does
        return None
    if predicted in (None, found) or came.pop(Engine.name) != found:
        return None
    return next((name for name, value in came.items() if value == predicted), None)


def _history(lesson: Lesson, typed: Sequence[Recorded], names: dict[str, str]) -> Iterator[str]:
    """Yield what was *typed* as an engine understands it; *names* are filled for its packets."""
    for person in lesson.people:
        yield f"init {shell_word(person.name)} => 0"
    for person in lesson.people:
        if person.balance_fen:
            yield f"{person.name}: topup {yuan(person.balance_fen)} => 0"
    acting = lesson.people[0].name
    for command in typed:
        words = [*command.words]
        if words[:1] == ["use"] and len(words) > 1:
            acting = words[1]
        elif words[:2] == ["clock", "advance"] and len(words) > 2:
            yield f"clock advance {words[2]} => 0"
        elif words[:1] and words[0] in _UNDERSTOOD and not command.facts.get("dry_run"):
            who, line = _line(words, command.profile or acting, names)
            packet = command.facts.get("packet")
            if words[0] == "send" and isinstance(packet, str) and packet not in names:
                names[packet] = f"n{len(names) + 1}_packet"
                line += f' => 0  {{"packet": "[{names[packet]}]"}}'
            else:
                if isinstance(packet, str) and packet in names:
                    line = line.replace("last", f"[{names[packet]}]")
                line += " => 0"
            yield f"{who}: {line}"


def _line(words: list[str], acting: str, names: dict[str, str]) -> tuple[str, str]:
    """Return who types *words*, and what an engine is to get of them."""
    who, given, kept = acting, list[str](), dict[str, str]()
    rest = iter(words[1:])
    for word in rest:
        option, has_value, value = word.partition("=")
        if not word.startswith("-"):
            given.append(f"[{names[word]}]" if word in names else word)
            continue
        value = value if has_value else next(rest, "")
        if option in ("-p", "--profile"):
            who = value
        elif option not in _DROPPED:
            kept[_LONG.get(option, option)] = shell_word(value)
    if "--each" in kept:
        count = int(kept.get("--count", "1"))
        given = [yuan(parse_yuan(kept.pop("--each")) * count)]
    options = [part for option in kept.items() for part in option]
    return shell_word(who), " ".join([words[0], *given, *options])


def _in_names(answer: Fact, lesson: Lesson, names: dict[str, str]) -> str:
    """Return the name of *answer* with the newest packet as the story calls it."""
    newest = f"[{next(reversed(names.values()))}]" if names else ""
    people = {person.name for person in lesson.people}
    if answer.name.startswith("packet ") and answer.of[0] in people and newest:
        return str(answer._replace(of=(newest,))).replace("'", "")
    if answer.name == "share" and answer.of[1] in people and newest:
        return str(answer._replace(of=(answer.of[0], newest))).replace("'", "")
    return str(answer)
