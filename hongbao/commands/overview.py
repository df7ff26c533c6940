"""The page of `hongbao` itself, which lists all commands: made from tables, without the library."""

from typing import Any

from hongbao.commands.aliases import aliases_of
from hongbao.commands.caller import Caller
from hongbao.commands.declared import App, Group
from hongbao.commands.options import EVERY_COMMAND, kept_options
from hongbao.commands.page import Page
from hongbao.commands.table import COMMANDS
from hongbao.parser_words import COMMAND, OPTIONS, OPTIONS_HEADING
from hongbao.words import _, say


def overview(call: Caller, root: App) -> str:
    """Return the page, with *call*'s aliases, as the library makes it of what *root* declares."""
    own = root.own
    assert own is not None
    page = Page()
    page.write_usage("hongbao", f"{OPTIONS} {COMMAND}")
    page.write_paragraph()
    with page.indentation():
        page.write_text(_(own.short_help))
        page.write_paragraph()
        page.write_examples(str(own.epilog).splitlines())
    with page.section(_(OPTIONS_HEADING)):
        options = [(", ".join(sorted(option.names, key=len)), option.help) for option in own.params]
        page.write_dl(options)
    write_commands(page, call)
    page.write_paragraph()
    *_others, shared = kept_options(Group, lambda _ctx: "")
    page.write_text(say(EVERY_COMMAND, options=", ".join(option.names[0] for option in shared)))
    return page.getvalue().rstrip("\n")


def write_commands(page: Any, call: Caller | None) -> None:
    """Write every command under its heading, then *call*'s aliases, and the topics of help."""
    from hongbao.commands.topics import TOPICS

    for heading, commands in COMMANDS.items():
        with page.section(_(heading)):
            page.write_dl([*commands.items()])
    if own := aliases_of(call):
        with page.section(_("Your aliases")):
            page.write_dl([*own.items()])
    with page.section(_("Topics of `hongbao help`")):
        page.write_text(" · ".join(TOPICS))


def answer_overview(call: Caller, root: App) -> None:
    """Answer with the page, as ``hongbao --help`` does."""
    call.answer(
        {"command": "hongbao", "help": overview(call, root)}, lambda shown: print(shown["help"])
    )
