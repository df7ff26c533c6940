"""Recordings on the terminal: what was written, and whether it plays itself."""

from typing import TYPE_CHECKING

from hongbao.ui.screen import is_terminal, line, pipe
from hongbao.words import N_, counted, say

if TYPE_CHECKING:
    from hongbao.answers import FilmMade, PictureVerified, RecordingMade

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


def show_film(made: "FilmMade") -> None:
    """Print which pictures were written of a story."""
    if not is_terminal():
        pipe(*((file, made["seconds"], made["digest"]) for file in made["files"]))
        return
    lasts = counted("{count} second", "{count} seconds", made["seconds"])
    for file in made["files"]:
        line(say(N_("wrote {path}"), path=file))
    line(say(N_("it plays for {lasts}"), lasts=lasts))
    if made["digest"] is not None:
        line(say(N_("books digest {digest}"), digest=made["digest"]))


def show_verified(seen: "PictureVerified") -> None:
    """Print whether a picture is still true."""
    if not is_terminal():
        pipe(("true" if seen["ok"] else "differs", seen["file"], seen["lines"], seen["digest"]))
        return
    said = say(N_("true") if seen["ok"] else N_("differs"))
    lines = counted("{count} line", "{count} lines", seen["lines"])
    style = {"green" if seen["ok"] else "bold_red": said}
    line(" · ".join([f"{said} {seen['file']}", lines]), **style)
