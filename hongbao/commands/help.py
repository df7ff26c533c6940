"""``hongbao help``."""

import shlex
import shutil
import subprocess
import sys
import tempfile
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from hongbao import words
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import Command, caller, new_app
from hongbao.commands.table import COMMANDS
from hongbao.commands.topics import TOPICS
from hongbao.errors import NoSuchTopic
from hongbao.words import N_, _, say

app = new_app()


def _offered(incomplete: str) -> list[str]:
    names = [*(name for names in COMMANDS.values() for name in names), *TOPICS]
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


@app.command(
    cls=Command,
    short_help=N_("Explain a command or a topic; without a name, list all commands."),
    epilog="hongbao help send\nhongbao help card add\nhongbao help exit-codes --man",
)
def help(
    ctx: Context,
    names: Annotated[
        list[str] | None,
        Argument(
            metavar="TOPIC",
            autocompletion=_offered,
            show_default=False,
            help=N_("a command or a topic; the list of commands ends with the topics"),
        ),
    ] = None,
    man: Annotated[
        bool, Option("--man", help=N_("open the man page; in a pipe, print its source"))
    ] = False,
) -> None:
    call = caller(ctx)
    if call.as_json:
        words.use_language("en")  # programs get the same in every language
    asked = " ".join(names or ())
    if man and (sources := _man_pages(ctx, names or [])):
        if call.as_json or not sys.stdout.isatty():
            source = "".join(sources.values())
            call.answer({"topic": asked, "man": source}, lambda said: print(said["man"], end=""))
            return
        if _open_with_man(sources):
            return
    pages = _command_pages(ctx.find_root(), names or [])
    if not pages and asked in call.settings.aliases:
        pages = _alias_pages(ctx, asked)
    if asked in TOPICS:
        pages.append(topic_page(ctx, asked))
    if not pages:
        raise NoSuchTopic(asked, other=_close(ctx, names or []))
    call.answer({"topic": asked, "help": "\n\n".join(pages)}, lambda said: print(said["help"]))


def topic_page(ctx: Any, name: str) -> str:
    """Return the page of the topic *name* for the terminal of *ctx*."""
    page = ctx.make_formatter()
    page.write_text(_(TOPICS[name].title))
    page.write_paragraph()
    with page.indentation():
        TOPICS[name].write(page)
    return str(page.getvalue()).rstrip("\n")


def _man_pages(ctx: Context, names: list[str]) -> dict[str, str]:
    """Return the man pages of the command and of the topic that *names* say, by their files."""
    from importlib.metadata import version as version_of

    from hongbao.commands import manual

    version, root = version_of("hongbao"), ctx.find_root()
    pages = {}
    if not names:
        pages["hongbao.1"] = manual.command_page(root.command, root, version)
    elif command := _command(root, names[:1]):
        pages[f"hongbao-{names[0]}.1"] = manual.command_page(command.command, command, version)
    if (asked := " ".join(names)) in TOPICS:
        name = f"hongbao-{asked}.{TOPICS[asked].section}"
        pages[name] = manual.topic_page(asked, version)
    return pages


def _open_with_man(sources: dict[str, str]) -> bool:
    """Have ``man`` show *sources*, and return whether there is a ``man`` to do so."""
    program = shutil.which("man")
    if program is None:
        return False
    with tempfile.TemporaryDirectory(prefix="hongbao-man-") as folder:
        files = [Path(folder) / name for name in sources]
        for file, source in zip(files, sources.values(), strict=True):
            file.write_text(source, encoding="utf-8")
        return subprocess.run([program, *files], check=False).returncode == 0  # noqa: S603 - theirs


def _command_pages(root: Any, names: list[str]) -> list[str]:
    """Return the page of the command that *names* call; none if there is no such command."""
    context = _command(root, names)
    return [] if context is None else [context.get_help()]


def _command(root: Any, names: list[str]) -> Any:
    """Return the context of the command that *names* call; None if there is no such command."""
    context, command = root, root.command
    for name in names:
        command = getattr(command, "commands", {}) and command.get_command(context, name)
        if not command:
            return None
        context = command.context_class(
            command, info_name=name, parent=context, resilient_parsing=True, obj=root.obj
        )
    return context


def _alias_pages(ctx: Context, alias: str) -> list[str]:
    """Return what *alias* is short for, and the page of its command."""
    text = caller(ctx).settings.aliases[alias]
    command = shlex.split(text)[:1]
    said = say(N_("{alias} is short for {command}"), alias=alias, command=f"`hongbao {text}`")
    return [said, *_command_pages(ctx.find_root(), command)]


def _close(ctx: Context, names: list[str]) -> str | None:
    """Return what may have been meant by *names*, whose first is the one to look at."""
    known = _offered("")
    if names[0] in known and len(names) > 1:
        return names[0]
    return next(iter(get_close_matches(names[0], known, n=1)), None)
