"""``hongbao help``."""

import shlex
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from hongbao import words
from hongbao.commands.options import Command, caller, new_app
from hongbao.commands.topics import TOPICS
from hongbao.errors import NoSuchTopic
from hongbao.words import N_, _, say

app = new_app()


def _offered(ctx: typer.Context, incomplete: str) -> list[str]:
    names = [*getattr(ctx.find_root().command, "commands", {}), *TOPICS]
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


@app.command(
    cls=Command,
    short_help=N_("Explain a command or a topic; without a name, list all commands."),
    epilog="hongbao help send\nhongbao help card add\nhongbao help exit-codes",
)
def help(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOPIC",
            autocompletion=_offered,
            show_default=False,
            help=N_("a command or a topic; the list of commands ends with the topics"),
        ),
    ] = None,
) -> None:
    call = caller(ctx)
    if call.as_json:
        words.use_language("en")  # programs get the same in every language
    asked = " ".join(names or ())
    pages = _command_pages(ctx.find_root(), names or [])
    if not pages and asked in call.settings.aliases:
        pages = _alias_pages(ctx, asked)
    if asked in TOPICS:
        pages.append(topic_page(ctx, asked))
    if not pages:
        raise NoSuchTopic(asked, other=_close(ctx, names or []))
    call.answer({"topic": asked, "help": "\n".join(pages)}, lambda said: print(said["help"]))


def topic_page(ctx: Any, name: str) -> str:
    """Return the page of the topic *name* for the terminal of *ctx*."""
    page = ctx.make_formatter()
    page.write_text(_(TOPICS[name].title))
    page.write_paragraph()
    with page.indentation():
        TOPICS[name].write(page)
    return str(page.getvalue()).rstrip("\n")


def _command_pages(root: Any, names: list[str]) -> list[str]:
    """Return the page of the command that *names* call; none if there is no such command."""
    context, command = root, root.command
    for name in names:
        command = getattr(command, "commands", {}) and command.get_command(context, name)
        if not command:
            return []
        context = command.context_class(
            command, info_name=name, parent=context, resilient_parsing=True, obj=root.obj
        )
    return [context.get_help()]


def _alias_pages(ctx: typer.Context, alias: str) -> list[str]:
    """Return what *alias* stands for, and the page of its command."""
    text = caller(ctx).settings.aliases[alias]
    command = shlex.split(text)[:1]
    said = say(N_("{alias} stands for {command}"), alias=alias, command=f"`hongbao {text}`")
    return [f"{said}\n", *_command_pages(ctx.find_root(), command)]


def _close(ctx: typer.Context, names: list[str]) -> str | None:
    """Return what may have been meant by *names*, whose first is the one to look at."""
    known = _offered(ctx, "")
    if names[0] in known and len(names) > 1:
        return names[0]
    return next(iter(get_close_matches(names[0], known, n=1)), None)
