"""Recordings on the terminal: what was written, and whether it plays itself."""

from typing import TYPE_CHECKING

from hongbao.ui.screen import is_terminal, line, pipe
from hongbao.words import N_, counted, say

if TYPE_CHECKING:
    from hongbao.answers import RecordingMade

_MADE_UP = N_("its books differ from the recorded ones, since private facts are made up")
_OTHERWISE = N_("the recorded wallet ended with other books")


def show_made(made: "RecordingMade", reasons: dict[str, str]) -> None:
    """Print what became of a recording; *reasons* are the sentences of what was left out."""
    if not is_terminal():
        agrees = "agrees" if made["agrees"] else "differs"
        pipe((agrees, made["file"], made["commands"], made["digest"]))
        return
    commands = counted("{count} command", "{count} commands", made["commands"])
    line(say(N_("wrote {file}: {commands}"), file=made["file"], commands=commands))
    for each in made["left_out"]:
        reason = say(reasons[each["reason"]])
        line(say(N_("left out: `{typed}` ({reason})"), typed=each["command"], reason=reason))
    if made["agrees"]:
        said = say(N_("it played itself twice: the same books each time"))
        line(said, green=said)
        if made["digest"] != made["recorded_digest"]:
            line(say(_MADE_UP if made["made_up"] else _OTHERWISE))
    if made["digest"] is not None:
        line(say(N_("books digest {digest}"), digest=made["digest"]))
