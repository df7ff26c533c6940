"""``hongbao play --accept``: exact lines of stories are rewritten, after they were shown."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from hongbao.commands.caller import Caller
from hongbao.outputs import save_as
from hongbao.story import Failed, Story, parse, perform
from hongbao.story.accepting import accepted, diff
from hongbao.story.folders import lent_folder
from hongbao.words import N_, language

ROUNDS_MAX = 100
"""How often a story is played at most: each time shows what the first failure has hidden."""


class Rewritten(NamedTuple):
    """A story's file, what was in it, and what is to be in it."""

    source: str
    path: Path
    before: str
    after: str


def rewritten(
    call: Caller, source: str, path: Path, story: Story, given: Mapping[str, str]
) -> Rewritten:
    """Play *story* until nothing more of it can be accepted; its file stays as it is."""
    before = path.read_text(encoding="utf-8")
    text = before
    for _round in range(ROUNDS_MAX):
        came = accepted(story, text, _failures(call, story, given))
        if came == text:
            break
        text = came
        story = parse(text, source, path.parent)
    return Rewritten(source, path, before, text)


def _failures(call: Caller, story: Story, given: Mapping[str, str]) -> list[Failed]:
    with lent_folder() as folder:
        events = perform(
            story,
            folder,
            given=given,
            language=language(),
            variables=call.env.variables,
            run=call.run,
        )
        with closing(events):
            return [event for event in events if isinstance(event, Failed)]


def accept(
    call: Caller, stories: Sequence[Rewritten], show: Callable[[Sequence[str]], None]
) -> None:
    """*show* how the files of *stories* change, ask, and change them."""
    changed = [each for each in stories if each.before != each.after]
    for each in changed:
        show(diff(each.before, each.after, each.source))
    if not changed:
        call.remark(N_("nothing to accept: no exact line differs"))
        return
    call.confirm(N_("rewrite these lines?"))
    for each in changed:
        _write(each.path, each.after.encode("utf-8"))


def _write(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode
    save_as(path, lambda out: out.write(content), replace=True)
    path.chmod(mode & 0o7777)
