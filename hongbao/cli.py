"""The counter: reads what was typed, asks the desk, says what happened."""

import errno
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any

import typer

from hongbao import words
from hongbao.commands.caller import Caller, answering, talk
from hongbao.commands.window import Group, UsageError, caller, window
from hongbao.errors import (
    AnswerUnwritable,
    BadCommandLine,
    ExitCode,
    HongbaoError,
    Stopped,
    Unexpected,
)
from hongbao.words import N_, _

COMMANDS = {
    # In the order of a first visit; each stands in a file of its own in hongbao/commands/.
    N_("Setting up"): ("init", "profiles", "use", "identify", "card", "pin", "policy"),
    N_("Money"): ("balance", "topup", "withdraw", "limits"),
    N_("Red packets"): ("send", "claim", "show", "packets", "refund", "verify"),
    N_("Banks"): ("bank", "settle", "reconcile", "operator"),
    N_("Guards"): ("device", "totp", "challenge", "risk", "review"),
    N_("Looking back"): ("history", "events", "trace", "books", "check"),
    N_("Statements"): ("export", "verify-statement", "receipt", "key", "import", "compare"),
    N_("The home"): ("clock", "lock", "unlock", "rekey", "backup", "restore"),
    N_("Around"): ("demo", "completion"),
}
"""Every command, under the heading that help puts it."""

COMPLETE = "_HONGBAO_COMPLETE"
"""The variable by which a shell asks what could be typed next (see `hongbao completion`)."""


class House(Group):
    """All commands; a file is opened only when its command is wanted: that keeps the start fast."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # The parser suggests from these names what a mistyped command may have meant.
        self.commands: Any = {name: None for names in COMMANDS.values() for name in names}

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


app = window(
    name="hongbao",
    cls=House,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what *arguments* (the command line's, by default) say, and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    words.use_language(words.preferred(os.environ))
    as_json = "--json" in arguments[: _end_of_options(arguments)]
    try:
        _prepare_streams()
        _run(arguments)
    except AnswerUnwritable as error:
        _say(error, as_json=as_json)
        _forget_output()
        return error.exit_code
    except HongbaoError as error:
        _say(error, as_json=as_json)
        return error.exit_code
    except KeyboardInterrupt:
        _say(Stopped(), as_json=as_json)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough
        _forget_output()
    except Exception as error:
        if os.environ.get("HONGBAO_DEBUG"):
            raise
        _say(Unexpected(error), as_json=as_json)
        return ExitCode.UNEXPECTED
    return ExitCode.OK


def _end_of_options(arguments: Sequence[str]) -> int:
    return arguments.index("--") if "--" in arguments else len(arguments)


def _prepare_streams() -> None:
    """Make the three standard streams safe to use, however the caller has left them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # A closed one would be given to the next file that opens: the ledger, say.
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        # What a terminal's encoding cannot show is shown as an escape, never as a crash.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    if sys.stdout is None:
        raise AnswerUnwritable(reason=os.strerror(errno.EBADF))


def _forget_output() -> None:
    """Drop what standard output still holds, so that Python does not complain while closing it."""
    with suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: Sequence[str]) -> None:
    house = typer.main.get_command(app)
    call = Caller()
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
        raise BadCommandLine(problem, command=command, placeholders=placeholders) from None


def _complete(house: Any, call: Caller) -> None:
    """Tell the shell what could be typed next, and leave."""
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
    house.main([], prog_name="hongbao", complete_var=COMPLETE, obj=call)


@app.callback(
    invoke_without_command=True,
    short_help=N_("A terminal wallet for red packets (红包), on a real double-entry ledger."),
    epilog="hongbao demo\nhongbao init 小明\nhongbao send 66.66 --count 5",
)
def hongbao(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help=N_("show the version and exit"))
    ] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        number = version_of("hongbao")
        caller(ctx).answer({"version": number}, lambda _: print("hongbao", number))
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


def _say(error: HongbaoError, *, as_json: bool) -> None:
    if as_json:
        document = json.dumps({"error": error.as_dict()}, ensure_ascii=False)
        # What a screen would obey is escaped as JSON has it: \x7f would be no JSON any more.
        told = (c if c.isprintable() else json.dumps(c)[1:-1] for c in document)
        talk("".join(told), wrapped=False)
        return
    talk(_("hongbao: error: {message}").format(message=error.message))
    if error.hint is not None:
        talk(_("hongbao: hint: {hint}").format(hint=error.hint))
