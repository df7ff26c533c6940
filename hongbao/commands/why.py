"""``hongbao why``."""

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

from hongbao.commands import last_refusal
from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
)
from hongbao.commands.options import caller, listing, new_app
from hongbao.commands.placeholders import placeholder
from hongbao.commands.topics import EXIT_CODES, SCRIPTS
from hongbao.errors import ConflictingOptions, ExitCode, NoSuchCode
from hongbao.words import N_, spoken

if TYPE_CHECKING:
    from hongbao.answers import CodeLine, CodesListed, ErrorExplained, ExitExplained

app = new_app()


def _offered(incomplete: str) -> list[str]:
    from hongbao import why

    known = [*why.codes(), *(str(int(code)) for code in ExitCode)]
    return [code for code in known if code.startswith(incomplete)]


@app.command(
    cls=listing("why:CODES"),
    short_help=N_("Explain an error: what it means, an example, what to do."),
    help=N_(
        "CODE is an error's code, as --json has it, or an exit code. Without one, it explains "
        "the last refusal that you saw, or lists every code. `hongbao risk why` is another "
        "question: how risk control judged one act of yours."
    ),
    epilog="hongbao why\nhongbao why insufficient_balance\nhongbao why 11",
)
def why(
    ctx: Context,
    code: Annotated[
        str | None,
        Argument(
            metavar="CODE",
            autocompletion=_offered,
            show_default=False,
            help=N_("an error's code or an exit code (default: the last refusal)"),
        ),
    ] = None,
    all_codes: Annotated[bool, Option("--all", help=N_("list every code"))] = False,
    story: Annotated[
        bool, Option("--story", help=N_("print the example as a story for `hongbao play`"))
    ] = False,
) -> None:
    from hongbao.ui import why as screen

    call = caller(ctx)
    for option, is_typed in (("--all", all_codes), ("--story", story)):
        if option == "--all" and is_typed and (code is not None or story):
            other = "--story" if code is None else placeholder("CODE")
            raise ConflictingOptions(option, other, command=ctx.command_path)
    if code is None and not all_codes and not call.list_options:
        code = last_refusal.of(call)
    meanings = {int(number): said for number, said in EXIT_CODES.items()}
    if code is None:
        listed: CodesListed = {"codes": _lines()}
        call.answer_list(listed, screen.CODES, lambda listed: screen.show_codes(listed, meanings))
        call.hint(N_("see what one of them means with `hongbao why CODE`"))
        return
    if call.list_options:
        raise ConflictingOptions(
            placeholder("CODE"), call.list_options[0], command=ctx.command_path
        )
    if (number := _exit_code(code)) is not None:
        if story:
            raise ConflictingOptions(code, "--story", command=ctx.command_path)
        texts = EXIT_CODES[number], SCRIPTS[number]
        call.answer(_of_exit_code(number), lambda shown: screen.show_exit_code(shown, texts))
        return
    found = _found(code)
    if story:
        _print_story(ctx, found)
        return
    call.answer(_explained(found), lambda shown: screen.show_error(shown, meanings))


def _exit_code(text: str) -> ExitCode | None:
    return next((code for code in ExitCode if text.strip() == str(int(code))), None)


def _found(typed: str) -> str:
    """Return the code that is *typed*, with either line between its words. Raises NoSuchCode."""
    from hongbao import why

    text = typed.strip().casefold().replace("-", "_")
    known = why.codes()
    if text in known:
        return text
    raise NoSuchCode(typed, other=next(iter(get_close_matches(text, known, n=1)), None))


def _print_story(ctx: Context, code: str) -> None:
    from hongbao import why

    explanation = why.explanations()[code]
    if explanation.story is None:
        raise ConflictingOptions(code, "--story", command=ctx.command_path)
    call = caller(ctx)
    call.answer({"story": why.story_of(explanation)}, lambda said: print(said["story"], end=""))


def _line(code: str) -> "CodeLine":
    from hongbao import why

    said = why.explanations()[code].said
    return {
        "code": code,
        "exit_code": int(why.kinds_by_code()[code][0].exit_code),
        "meaning": {language: each.meaning for language, each in said.items()},
        "remedy": {language: each.remedy for language, each in said.items()},
    }


def _lines() -> "list[CodeLine]":
    from hongbao import why

    return [_line(code) for code in why.codes()]


def _explained(code: str) -> "ErrorExplained":
    from hongbao import why

    explanation, example = why.explanations()[code], why.example(code)
    return {
        **_line(code),
        "example": [*example.lines],
        "refusal": example.error.as_dict(),
        "unplayed": explanation.unplayed,
        "seen": explanation.seen,
    }


def _of_exit_code(number: ExitCode) -> "ExitExplained":
    english = spoken("en")
    found: Any = [line for line in _lines() if line["exit_code"] == number]
    return {
        "exit_code": int(number),
        "meaning": english(EXIT_CODES[number]),
        "script": english(SCRIPTS[number]),
        "codes": found,
    }
