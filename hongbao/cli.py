"""The command line: finds the command, runs it, and reports errors with an exit code."""

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from hongbao import words
from hongbao.commands.caller import Caller, addressed, talk
from hongbao.commands.options import ASKING_HELP, Group, UsageError, caller, new_app
from hongbao.commands.streams import ReaderGone, answering, forget_output, prepare_streams
from hongbao.documents import to_json
from hongbao.env import forbid_core_dumps
from hongbao.errors import (
    AnswerUnwritable,
    BadCommandLine,
    ExitCode,
    HongbaoError,
    NotUtf8,
    Stopped,
    SystemRefused,
    Unexpected,
)
from hongbao.parser_words import in_our_words
from hongbao.settings import place_of_command
from hongbao.words import N_, _

COMMANDS = {
    # In the order of a first visit; each has its own file in hongbao/commands/.
    N_("Setting up"): ("sandbox", "init", "profiles", "use", "identify", "card", "pin", "policy"),
    N_("Money"): ("status", "balance", "topup", "withdraw", "limits"),
    N_("Red packets"): ("send", "claim", "show", "packets", "refund", "verify"),
    N_("Banks"): ("bank", "settle", "reconcile", "operator"),
    N_("Guards"): ("device", "totp", "challenge", "risk", "review"),
    N_("History and checks"): ("history", "year", "trace", "books", "check"),
    N_("Events"): ("events", "watch", "inbox", "webhook"),
    N_("Statements"): ("export", "verify-statement", "receipt", "key", "import", "compare"),
    N_("The wallet"): ("clock", "lock", "unlock", "rekey", "backup", "restore"),
    N_("More"): (
        "learn",
        "demo",
        "play",
        "lab",
        "race",
        "record",
        "class",
        "config",
        "alias",
        "why",
        "help",
        "version",
        "completion",
    ),
}
"""Every command, under the heading that help puts it."""

NAMES = frozenset(name for names in COMMANDS.values() for name in names)

REPAIRING = frozenset({"alias", "config", "help", "version", "why"})
"""The commands that work with settings that cannot be read: by them they are put right."""

RECORDING = "HONGBAO_RECORDING"
"""The variable that names the log of a recording (see `hongbao record`)."""

ERROR_FILE = "HONGBAO_ERROR_FILE"
"""The variable that names a file for the code of the error that a command ends with."""

COMPLETE = "_HONGBAO_COMPLETE"
"""The variable by which a shell asks what could be typed next (see `hongbao completion`)."""


class House(Group):
    """All commands; a file is opened only when its command is wanted: that keeps the start fast."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # The parser suggests from these names what a mistyped command may have meant.
        self.commands: Any = {name: None for names in COMMANDS.values() for name in names}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that *args* begin with; the text of an alias is completed, too."""
        if args[0] not in NAMES:
            try:
                args = _of_alias(args, caller(ctx)) or args
            except HongbaoError:
                if not ctx.resilient_parsing:  # as it is where a shell completes
                    raise
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return what a shell may offer: a person's aliases as well."""
        found = super().shell_complete(ctx, incomplete)
        item = type(next(iter(found or super().shell_complete(ctx, ""))))
        return [*found, *(item(name) for name in _aliases(ctx) if name.startswith(incomplete))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            return None
        module = import_module(f"hongbao.commands.{cmd_name.replace('-', '_')}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for heading, names in COMMANDS.items():
            with formatter.section(_(heading)):
                formatter.write_dl(
                    [(name, self.get_command(ctx, name).get_short_help_str()) for name in names]
                )
        if own := _aliases(ctx):
            with formatter.section(_("Your aliases")):
                formatter.write_dl(list(own.items()))
        from hongbao.commands.topics import TOPICS

        with formatter.section(_("Topics of `hongbao help`")):
            formatter.write_text(" · ".join(TOPICS))


def _aliases(ctx: Any) -> Mapping[str, str]:
    """Return the aliases that can be used; none where no settings can be read."""
    call = ctx.find_object(Caller)
    try:
        found = {} if call is None else call.settings.aliases
    except (HongbaoError, OSError):
        return {}
    return {name: text for name, text in found.items() if name not in NAMES}


app = new_app(
    name="hongbao",
    cls=House,
    context_settings={"help_option_names": [*ASKING_HELP]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in *arguments* (default: the command line's), and return the exit code."""
    call = Caller(main=main)
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    with suppress(HongbaoError, OSError):  # said when the command is looked for
        arguments = _expanded(arguments, call)
    if os.environ.get(RECORDING) and COMPLETE not in os.environ:
        from hongbao.commands.recorded import recorded

        return recorded(os.environ[RECORDING], arguments, call, _answered)
    return _answered(arguments, call)


def _answered(arguments: list[str], call: Caller) -> int:
    """Run the command in *arguments*, say what is wrong with it, and return the exit code."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    as_json = "--json" in options
    words.use_language(words.preferred(os.environ, _language(call)))
    asks_help = any(option in ASKING_HELP for option in options)
    if as_json and asks_help:
        words.use_language("en")  # programs get the same in every language
    try:
        prepare_streams()
        forbid_core_dumps()
        call.asks_help = asks_help
        call.as_json = as_json and asks_help  # help comes before the parser sees other options
        _run(arguments, call)
    except AnswerUnwritable as error:
        _say(error, call=call, as_json=as_json)
        forget_output()
        return error.exit_code
    except HongbaoError as error:
        _say(error, call=call, as_json=as_json)
        _keep(error, call)
        return error.exit_code
    except KeyboardInterrupt:
        forget_output()  # it may have been written already
        _say(Stopped(), call=call, as_json=as_json)
        return ExitCode.INTERRUPTED
    except ReaderGone:
        forget_output()
    except Exception as error:
        if os.environ.get("HONGBAO_DEBUG"):
            raise
        refusal = _refusal(error)
        _say(refusal, call=call, as_json=as_json)
        return refusal.exit_code
    finally:
        if call is not None:
            call.leave_terminal()
    return ExitCode.OK


_OF_THE_MACHINE = {
    *(errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    *(errno.ENOSPC, errno.EROFS),
    errno.ENOENT,  # the folder that we are in, or every one that is meant for temporary files
}
"""What a system says of itself, for any operation."""


def _refusal(error: Exception) -> HongbaoError:
    """Return the refusal for an unexpected *error*: the system's, or a bug of ours."""
    if isinstance(error, MemoryError):
        return SystemRefused(path=None, reason=os.strerror(errno.ENOMEM))
    if isinstance(error, OSError):
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
        if path is not None or error.errno in _OF_THE_MACHINE:
            return SystemRefused(path=path, reason=error.strerror or type(error).__name__)
    return Unexpected(kind=type(error).__name__)


def _expanded(arguments: list[str], call: Caller) -> list[str]:
    """Return *arguments* with an alias replaced by its text, where no command has its name."""
    place = place_of_command(arguments)
    if place is None or arguments[place] in NAMES:
        return arguments
    words = _of_alias(arguments[place:], call)
    return arguments if words is None else [*arguments[:place], *words]


def _of_alias(words: list[str], call: Caller) -> list[str] | None:
    """Return *words* with the alias that they begin with expanded; None if it is none."""
    if words[0] not in call.settings.aliases:
        return None
    from hongbao.settings import aliases

    return aliases.expanded(words, call.settings, NAMES)


def _language(call: Caller) -> str | None:
    """Return the language that *call*'s settings ask for; what is wrong with them is said later."""
    try:
        return call.settings.language
    except (HongbaoError, OSError):
        return None


def _run(arguments: Sequence[str], call: Caller) -> None:
    _check_encoding(arguments)
    house = typer.main.get_command(app)
    if COMPLETE in os.environ:
        _complete(house, call)
    try:
        with (
            answering(),
            house.make_context("hongbao", list(arguments), obj=call) as context,
        ):
            house.invoke(context)
    except typer.Exit:
        pass  # help was shown
    except UsageError as error:
        where = getattr(error, "ctx", None)
        command = "hongbao" if where is None else where.command_path
        problem = error.format_message()  # type: ignore[attr-defined]  # as all of its family have
        placeholders = getattr(getattr(where, "command", None), "placeholders", {})
        raise BadCommandLine(in_our_words(problem, placeholders), command=command) from None


def _check_encoding(arguments: Sequence[str]) -> None:
    """Raise NotUtf8 if an argument, or a variable meant for us, has bytes that are not UTF-8."""
    meant = {name: text for name, text in os.environ.items() if name.startswith("HONGBAO_")}
    for name, text in (*((None, argument) for argument in arguments), *meant.items()):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            shown = text.encode("utf-8", "backslashreplace").decode()
            raise NotUtf8(name or f"'{shown}'") from None


def _complete(house: Any, call: Caller) -> None:
    """Print the shell's completions, and exit."""
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
    house.main([], prog_name="hongbao", complete_var=COMPLETE, obj=call)


@app.callback(
    invoke_without_command=True,
    short_help=N_("A terminal wallet for red packets (红包), on a real double-entry ledger."),
    epilog="hongbao sandbox\nhongbao demo\nhongbao init 小明",
)
def hongbao(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", help=N_("show the version and exit"))
    ] = False,
) -> None:
    if version:
        from hongbao.commands.version import answer_version

        answer_version(caller(ctx))
        raise typer.Exit
    if not (ctx.invoked_subcommand in REPAIRING or caller(ctx).asks_help):
        caller(ctx).check_settings(NAMES)
        if ctx.invoked_subcommand in caller(ctx).settings.aliases:
            caller(ctx).remark(
                N_("note: your alias {alias} is ignored, since hongbao has a command of that name"),
                alias=ctx.invoked_subcommand,
            )
    if ctx.invoked_subcommand is None:
        if caller(ctx).settings.bare == "help" and not caller(ctx).as_json:
            print(ctx.get_help())
            return
        from hongbao.commands.status import answer_status

        answer_status(caller(ctx))


def _keep(error: HongbaoError, call: Caller) -> None:
    """Remember *error* for `hongbao why`."""
    from hongbao.commands import last_refusal  # woken by refusals only

    last_refusal.keep(call, error)


def _leave_code(error: HongbaoError, file: Path) -> None:
    """Write the code of *error* to *file*; where that cannot be, it is said with the error."""
    try:
        file.write_text(f"{error.code}\n", encoding="utf-8")
    except OSError as refused:
        reason = refused.strerror or str(refused)
        talk(_("hongbao: cannot write {path}: {reason}").format(path=file, reason=reason))


def _say(error: HongbaoError, *, call: Caller, as_json: bool) -> None:
    call.notes.error = error.code
    if file := os.environ.get(ERROR_FILE):
        _leave_code(error, Path(file))
    acting_as = call.named_profile
    if acting_as is not None and error.is_of_device:  # another device has to act, or none
        acting_as = acting_as.partition("@")[0] or None
    if as_json:
        encoding = getattr(sys.stderr, "encoding", None)
        text = error.as_dict()
        if isinstance(text["hint"], str):
            text["hint"] = addressed(text["hint"], acting_as)
        document: dict[str, object] = {"error": text}
        if call.explained is not None:
            document["explained"] = call.explained
        talk(to_json(document, encoding=encoding), wrapped=False)
        return
    if error.exit_code is ExitCode.PENDING:  # not an error: the outcome is only not known yet
        talk(_("hongbao: pending: {message}").format(message=error.message))
    else:
        talk(_("hongbao: error: {message}").format(message=error.message))
    if error.hint is not None:
        talk(_("hongbao: hint: {hint}").format(hint=addressed(error.hint, acting_as)))
