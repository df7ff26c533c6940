"""
The trial of a recording: it plays itself twice before it is done.

Both plays are recorded as the commands were, so that answers are compared fact by fact and not by
their words; the second play is in the other language, in another time zone.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from hongbao.errors import StorageRefused
from hongbao.recordings import recorder
from hongbao.recordings.composing import Draft, Step
from hongbao.recordings.recorder import Recorded
from hongbao.story import HOME, Answered, Closed, Failed, Run, Screen, parse, perform
from hongbao.story.folders import lent_folder
from hongbao.story.promises import plain
from hongbao.story.running import Ran
from hongbao.story.script import NAME
from hongbao.units import yuan

LANGUAGES = ("en", "zh_CN")
ZONES = ("UTC", "America/New_York")


class Difference(NamedTuple):
    """A command of the story that came out otherwise than it was recorded."""

    typed: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Tried:
    """
    What came of a trial: the story's *text*, and the digest of its books in each play.

    *differences* are what came out otherwise than in the recording, in either play.
    """

    text: str
    digests: tuple[str | None, ...]
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Whether both plays did what was recorded, and ended with the same books."""
        return not self.differences and None not in self.digests and len({*self.digests}) == 1


class _Play(NamedTuple):
    """What one play answered, what its own recorder kept, its digest and its first failure."""

    answers: list[Answered]
    entries: list[Recorded]
    digest: str | None
    failed: Failed | None


def tried(
    draft: Draft,
    *,
    run: Run,
    variables: Mapping[str, str],
    salt: bytes,
    language: str,
    exact: bool,
    before: str = "",
) -> Tried:
    """
    Play *draft* twice, and return it with what both plays answered as its expectations.

    *exact* ones are all lines that both plays print, in one *language*; otherwise they are amounts
    and ids, which are the same in every language. The text of the story *before* comes first.
    """
    text = draft.expecting([_naming(step) for step in draft.steps]).text(before=before)
    languages = (language, language) if exact else LANGUAGES
    plays = [
        _played(text, run, {**variables, "TZ": zone}, salt, language)
        for language, zone in zip(languages, ZONES, strict=True)
    ]
    answers = [play.answers[-len(draft.steps) :] for play in plays]
    differences = _differences(draft.steps, plays)
    if not differences:
        names = {value: name for step in draft.steps for name, value in step.names.items()}
        expected = [
            _whole_lines(step, (first, second), names) if exact else _amounts(step, (first, second))
            for step, first, second in zip(draft.steps, *answers, strict=True)
        ]
        text = draft.expecting(expected).text(before=before)
    return Tried(text, tuple(play.digest for play in plays), tuple(differences))


def _played(
    text: str,
    run: Run,
    variables: Mapping[str, str],
    salt: bytes,
    language: str,
) -> _Play:
    """Play *text* once, recorded in a separate log. Raises StorageRefused if that has no room."""
    with lent_folder("story") as lent:
        folder, log = lent.resolve() / "play", lent.resolve() / "log"
        folder.mkdir()
        recorder.begin(log, salt=salt, home=folder / HOME, founds=False, more={})
        story = parse(text, "recording", folder)
        answers: list[Answered] = []
        digest, failed = None, None
        lost: list[str] = []
        outcomes = perform(
            story, folder, language=language, variables=variables, run=_recording(run, log, lost)
        )
        with closing(outcomes):
            for outcome in outcomes:
                match outcome:
                    case Answered():
                        answers.append(outcome)
                    case Failed() if failed is None:
                        failed = outcome
                    case Closed():
                        digest = outcome.digest
        if lost and failed is None:
            raise StorageRefused(path=str(log), reason="a command is missing there")
        _, entries = recorder.read(log)
    return _Play(answers, entries[: len(answers)], digest, failed)  # without the check at the end


def digest_of(run: Run, folder: Path, home: Path, variables: Mapping[str, str]) -> str | None:
    """Return the digest of the books in *home*; None where `hongbao check` refuses."""
    kept = {name: text for name, text in variables.items() if not name.startswith("HONGBAO_")}
    code, out, _ = run(["check", "--json"], folder, {**kept, "HONGBAO_HOME": str(home)}, None)
    return None if code else str(json.loads(out)["digest"])


def _recording(run: Run, log: Path, lost: list[str]) -> Run:
    """Return *run* with its commands recorded in *log*, and those *lost* that it does not have."""

    def recorded(
        words: list[str], folder: Path, variables: Mapping[str, str], screen: Screen | None
    ) -> Ran:
        before = log.read_bytes().count(b"\n")
        ran = run(words, folder, {**variables, recorder.VARIABLE: str(log)}, screen)
        is_kept = log.read_bytes().count(b"\n") > before
        if ran.exit_code >= 0 and not is_kept and not recorder.is_silent(words):
            lost.append(" ".join(words))
        return ran

    return recorded


def _differences(steps: Sequence[Step], plays: Sequence[_Play]) -> list[Difference]:
    """Return what came out otherwise than it was recorded, each command once."""
    found: dict[str, Difference] = {}
    for play in plays:
        if play.failed is not None:
            failed = play.failed
            found.setdefault(
                failed.command, Difference(failed.command, failed.expected, failed.got)
            )
            continue
        for step, entry in zip(steps, play.entries[-len(steps) :], strict=True):
            if step.entry is None:
                continue
            expected, got = _result(step.entry), _result(entry)
            if expected != got:
                differing = sorted(dict(expected.items() ^ got.items()))
                said = (
                    ", ".join(f"{name} {facts.get(name)}" for name in differing)
                    for facts in (expected, got)
                )
                found.setdefault(step.typed, Difference(step.typed, *said))
    return [*found.values()]


def _result(entry: Recorded) -> dict[str, int | str | None]:
    return {**entry.facts, "exit_code": entry.code, "error": entry.error}


# --- what is expected -----------------------------------------------------------------------------


def _is_json(step: Step) -> bool:
    return "--json" in step.typed.split()


def _naming(step: Step) -> list[str]:
    """Return the expectations that fill the names which *step* is the first to answer with."""
    if _is_json(step):
        return _documents(step, {name.rpartition("_")[2]: f"[{name}]" for name in step.names})
    return [f"…[{name}]…" for name in step.names]


def _documents(step: Step, facts: Mapping[str, object]) -> list[str]:
    if step.code and facts:
        facts = {"error": facts}
    return [json.dumps(facts, ensure_ascii=False)] if facts else []


def _amounts(step: Step, answers: tuple[Answered, Answered]) -> list[str]:
    """Return the ids that *step* names and the amounts that both *answers* to it show."""
    if step.entry is None:
        return []
    facts = step.entry.facts
    amounts = {name: value for name, value in facts.items() if name.endswith("_fen")}
    if _is_json(step):
        named = {name.rpartition("_")[2]: f"[{name}]" for name in step.names}
        if step.code:
            return _documents(step, {"code": step.entry.error, **named})
        return _documents(step, {**amounts, **named})
    tokens = {value: f"[{name}]" for name, value in step.names.items()}
    if not step.code:
        tokens |= {
            shown: shown for value in amounts.values() if value and (shown := yuan(int(value)))
        }
    lines = [_lines(answer.out) + _lines(answer.err) for answer in answers]
    tokens = {
        value: said for value, said in tokens.items() if all(_has(each, value) for each in lines)
    }
    if not tokens:
        return []
    orders = [_order(each, tokens) for each in lines]
    if orders[0] is not None and orders[0] == orders[1]:
        return ["…" + "…".join(tokens[value] for value in orders[0]) + "…"]
    place = {value: all(_has(_lines(answer.out), value) for answer in answers) for value in tokens}
    return [f"{'>' if place[value] else '2>'} …{said}…" for value, said in tokens.items()]


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in plain(text).splitlines() if line.strip()]


def _place(line: str, token: str) -> int | None:
    found = re.search(rf"(?<![0-9A-Za-z_.]){re.escape(token)}(?![0-9A-Za-z_])", line)
    return None if found is None else found.start()


def _has(lines: Sequence[str], token: str) -> bool:
    return any(_place(line, token) is not None for line in lines)


def _order(lines: Sequence[str], tokens: Mapping[str, str]) -> list[str] | None:
    """Return *tokens* in their order on the first of *lines* that has them all; None if none."""
    for line in lines:
        places = {token: _place(line, token) for token in tokens}
        if None not in places.values():
            return sorted(tokens, key=lambda token: places[token] or 0)
    return None


def _whole_lines(
    step: Step, answers: tuple[Answered, Answered], names: Mapping[str, str]
) -> list[str]:
    """Return every line that both *answers* print, with … for what only one of them does."""
    if step.entry is None:
        return []
    expected: list[str] = []
    for mark, outputs in (
        (">", [answer.out for answer in answers]),
        ("2>", [answer.err for answer in answers]),
    ):
        pairs = [_lines(output) for output in outputs]
        if len(pairs[0]) != len(pairs[1]):
            return _amounts(step, answers)
        if not pairs[0]:
            expected.append(mark)
        for first, second in zip(*pairs, strict=True):
            line = first if first == second else _common(first, second)
            line = NAME.sub("…", line)
            for value, name in names.items():
                line = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", f"[{name}]", line)
            expected.append(f"{mark} {line}")
    return expected


def _common(first: str, second: str) -> str:
    """
    Return the words that two lines share, and … for the others.

    >>> _common("key a1b2 of 张三", "key c3d4 of 张三")
    'key … of 张三'
    """
    pairs = zip_longest(first.split(), second.split())
    words = [one if one == other else "…" for one, other in pairs]
    return re.sub(r"…(?: …)+", "…", " ".join(words))
