"""Pictures: the options that save a command's screen as a file, and the saving."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from hongbao.commands.declared import (
    Value,
    wrong_usage,
)
from hongbao.commands.streams import answering
from hongbao.errors import ConflictingOptions
from hongbao.words import N_, say

if TYPE_CHECKING:
    from hongbao.commands.caller import Caller


def options(option: Callable[..., Value]) -> list[Value]:
    """Return the options of a command whose screen can be saved."""
    return [
        option("--svg", metavar="FILE", help=N_("save the screen as an SVG picture")),
        option("--html", metavar="FILE", help=N_("save the screen as a page of HTML")),
        option(
            "--names",
            "with_names",
            is_flag=True,
            help=N_("in the file, show other people's names, IDs and exact times"),
        ),
        option("--no-amounts", is_flag=True, help=N_("in the file, hide the amounts")),
    ]


def check(call: "Caller", command: str) -> None:
    """
    Refuse what does not go together, before anything is done.

    Raises ConflictingOptions.
    """
    if (call.with_names or call.no_amounts) and not call.pictures:
        raise wrong_usage("Missing option '--svg'.", command=command)
    streamed = [f"{option} -" for option, file in call.pictures.items() if file == "-"]
    for other in (*(["--json"] if call.as_json else []), *call.list_options):
        if streamed and other in ("--json", "--csv", "--header"):
            raise ConflictingOptions(other, streamed[0], command=command)
    if len(streamed) > 1:
        raise ConflictingOptions(*streamed, command=command)


def save(
    call: "Caller", answer: Mapping[str, Any], show: Callable[[Any], None], *, title: str
) -> None:
    """
    Save the screen that *show* prints of *answer* in the files that were asked for, and say so.

    Raises FileExists, InsideHome and StorageRefused.
    """
    from hongbao.outputs import check_free, save_as
    from hongbao.ui import picture, privacy
    from hongbao.ui.screen import line, safe

    assert call.known is not None
    hidden = privacy.Privacy(
        call.known, shows_names=call.with_names, shows_amounts=not call.no_amounts
    )
    writers = {"--svg": picture.svg, "--html": picture.html}
    paths = {option: call.output(file, streams=True) for option, file in call.pictures.items()}
    for path in paths.values():
        check_free(path, call.yes)
    screen = privacy.drawn(answer, show, hidden)
    for option, path in paths.items():
        document = writers[option](screen, title=title)
        with answering():
            if str(path) == "-":
                sys.stdout.write(document)
                continue
            save_as(path, partial(_write, document.encode()), call.yes)
            if not (call.as_json or call.layout.is_for_programs):
                line(say(N_("wrote {path}"), path=safe(str(path))))
    if not call.with_names:
        call.remark(
            N_(
                "hidden in it: other people's names, IDs, card numbers and times of day;"
                " --names shows them"
            )
        )
    if call.no_amounts:
        call.remark(N_("hidden in it: amounts"))


def _write(document: bytes, out: BinaryIO) -> None:
    out.write(document)
