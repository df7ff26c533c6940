"""
What every command is made of: its options, its help, its place in the reader's language.

Sentences are marked with `N_` where a command is declared, and translated here, when it is built:
by then the language is known.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from hongbao.commands import lists, pictures
from hongbao.commands.caller import Caller
from hongbao.commands.choices import LAST, NEWEST, Asked, Chosen
from hongbao.commands.placeholders import PROFILE_NAME, placeholder
from hongbao.domain.ids import check_request_id
from hongbao.errors import (
    BadCommandLine,
    HongbaoError,
    InvalidAmount,
    InvalidNumber,
    InvalidRequestId,
)
from hongbao.parser_words import ARGUMENTS, OPTIONS_HEADING, SHOW_HELP, in_our_words
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.wallet import Wallet


def caller(ctx: typer.Context) -> Caller:
    """Return the caller of the command."""
    found = ctx.find_object(Caller)
    assert found is not None
    return found


def new_app(**settings: Any) -> typer.Typer:
    """Return an empty app for one command, or for a group of them."""
    return typer.Typer(
        rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False, **settings
    )


UsageError: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError"
)
"""The parser's base exception for wrong usage. Of its family, typer publishes one."""


ASKING_HELP = ("--help", "-h")


# --- options that several commands share ---------------------------------------------------------


def whole(option: str, least: int) -> "Callable[[str], int]":
    """
    Return a parser of *option*'s number, in plain digits and from *least* on.

    `int` would also take ١٠, 1_000 and ' 5 '.
    """

    def read(text: str) -> int:
        # The parser hands a default over as the number that it is.
        if re.fullmatch(r"[0-9]{1,18}", str(text)) is None or int(text) < least:
            raise InvalidNumber(str(text), option=option, least=least)
        return int(text)

    return read


def _request_id(text: str) -> str:
    """Read a request's id, which cannot be `last`: elsewhere that is the newest."""
    if text.casefold() in LAST:
        raise InvalidRequestId
    return check_request_id(text)


RequestId = Annotated[
    str | None,
    typer.Option(
        "--request-id",
        metavar="ID",
        parser=_request_id,
        help=N_("idempotency key: repeating an ID returns the first result"),
    ),
]

DryRun = Annotated[
    bool,
    typer.Option("--dry-run", "-n", help=N_("dry run: show what would happen, change nothing")),
]

Limit = Annotated[
    int,
    typer.Option(
        "--limit", metavar="COUNT", parser=whole("--limit", 1), help=N_("at most this many")
    ),
]

Output = Annotated[
    str,
    typer.Option("--output", "-o", metavar="FILE", help=N_("write to FILE; - is standard output")),
]

STANDARD_OUTPUT = "-"


# --- commands ------------------------------------------------------------------------------------


class Speaking(typer.Context):
    """A command's context whose help is written on a `hongbao.commands.page.Page`."""

    def make_formatter(self) -> Any:
        from hongbao.commands.page import Page

        return Page(width=self.terminal_width, max_width=self.max_content_width)


class _Spoken:
    """Help in the reader's language, and the options which every command takes."""

    context_class: Any = Speaking
    placeholders: dict[str, str]
    """The placeholders, by what the reader's language calls them."""

    elsewhere: dict[str, list[TyperOption]]
    """The options that a page only names, by the sentence that says where they are explained."""

    listed = ""
    """Where the list that it answers with is declared (see `listing`)."""

    listed_by: Mapping[str, str] = MappingProxyType({})
    """Where the other lists are declared that it answers with, by the option that asks for one."""

    pictured = False
    """Whether its screen can be saved as a picture."""

    moves_money = False
    """Whether it moves money, and can explain how."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        own = [*(settings.get("params") or ())]
        of_lists = lists.options(kept_option, self.list_of) if self.listed else []
        of_pictures = pictures.options(kept_option) if self.pictured else []
        if self.moves_money:
            own.append(_explain_option())
        shared = _shared_options()
        self.elsewhere = {
            N_("As a list, it also takes {options}; see `hongbao help formatting`."): [
                *of_lists,
                *of_pictures,
            ],
            N_("Every command also takes {options}; see `hongbao help options`."): shared,
        }
        settings["params"] = [*own, *of_pictures, *of_lists, *shared]
        for param in settings["params"]:
            if getattr(param, "help", None):
                param.help = _(param.help)
        self.placeholders = {}
        for param in settings["params"]:
            if param.metavar:
                word = placeholder(param.metavar)
                param.metavar = _(word)
                self.placeholders[param.metavar] = word
        super().__init__(*args, **settings)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if self.listed:
            args = lists.with_values(args)
        try:
            return super().parse_args(ctx, args)  # type: ignore[misc, no-any-return]
        except UsageError as error:  # the parser does not always say whose page explains it
            error.ctx = error.ctx or ctx  # type: ignore[attr-defined]
            raise

    def invoke(self, ctx: Any) -> Any:
        if self.listed:
            where = self.list_of(ctx)
            usual = where == self.listed
            lists.check(caller(ctx), where, command=ctx.command_path, usual=usual)
        if self.pictured:
            caller(ctx).command = ctx.command_path
            pictures.check(caller(ctx), ctx.command_path)
        return super().invoke(ctx)  # type: ignore[misc]

    def list_of(self, ctx: Any) -> str:
        """Return where the list is declared that it answers with, by the options in *ctx*."""
        asked = (where for option, where in self.listed_by.items() if ctx.params.get(option))
        return next(asked, self.listed)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the usage line; the library's braces would mean a choice."""
        pieces = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        return [piece[1:-1] if re.fullmatch(r"\{.*\}", piece) else piece for piece in pieces]

    def get_short_help_str(self, limit: int = 45) -> str:
        return _said(self, "short_help")

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what the command does, then examples to copy: help leads with an example."""
        said = [_said(self, "short_help"), _said(self, "help")]
        examples: str = getattr(self, "epilog", None) or ""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text("\n\n".join(text for text in said if text))
            if examples:
                formatter.write_paragraph()
                formatter.write_examples(examples.splitlines())

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what only this command takes; then, in a line, what others take as well."""
        known = {option.name for options in self.elsewhere.values() for option in options}
        params = [param for param in self.get_params(ctx) if param.name not in known]  # type: ignore[attr-defined]
        help_option = self.get_help_option(ctx)
        for heading, kind in ((ARGUMENTS, "argument"), (OPTIONS_HEADING, "option")):
            records = [
                param.get_help_record(ctx)
                for param in params
                if param.param_type_name == kind and param is not help_option
            ]
            if shown := [record for record in records if record is not None]:
                with formatter.section(_(heading)):
                    formatter.write_dl(shown)
        if hasattr(self, "format_commands"):
            self.format_commands(ctx, formatter)
        formatter.write_paragraph()
        for sentence, options in self.elsewhere.items():
            names = [option.opts[0] for option in options]
            if names:
                formatter.write_text(say(sentence, options=", ".join(names)))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write nothing more: the examples stand at the top."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.help = _(SHOW_HELP)
            option.callback = _show_help
        return option


def _show_help(ctx: typer.Context, _option: Any, is_wanted: bool) -> None:
    if is_wanted and not ctx.resilient_parsing:
        caller(ctx).answer({"command": ctx.command_path, "help": ctx.get_help()}, _print_help)
        ctx.exit()


def _print_help(shown: Mapping[str, str]) -> None:
    print(shown["help"])


def _said(command: Any, which: str) -> str:
    sentence: str | None = getattr(command, which, None)
    return _(sentence) if sentence else ""


class Command(_Spoken, TyperCommand):
    """
    A command that also takes the options which every command takes.

    What can be `Asked` for may be left out; without a terminal that is the parser's refusal, with
    the command that lists what there is.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.asked_for = [param for param in self.params if param.required and _asked(param)]
        for param in self.asked_for:
            param.required = False

    def invoke(self, ctx: Any) -> Any:
        if not self.listed and (typed := caller(ctx).list_options):
            # Its group is a list, and was given an option for lists.
            raise UsageError(f"No such option: {typed[0]}", ctx)
        return super().invoke(ctx)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        typed = [*args]
        try:
            rest: list[str] = super().parse_args(ctx, args)
        except UsageError as error:
            # A sum below zero looks like an option to the parser. No option of ours is a digit.
            start = str(getattr(error, "option_name", ""))
            if re.fullmatch(r"-[0-9.]", start) and "amount" in (p.name for p in self.params):
                raise InvalidAmount(next(arg for arg in typed if arg.startswith(start))) from None
            raise
        if not ctx.resilient_parsing:
            self._complete(ctx)
        return rest

    def _complete(self, ctx: Any) -> None:
        """Look up what is the newest, and ask for what was left out."""
        for param in self.params:
            if (asked := _asked(param)) is None:
                continue
            value = ctx.params[param.name]
            if value is NEWEST:
                assert isinstance(asked, Chosen)
                ctx.params[param.name] = asked.newest(caller(ctx))
            elif value is None and param in self.asked_for:
                ctx.params[param.name] = ask_for(ctx, str(param.name), asked)


def _asked(param: Any) -> Asked | None:
    reader = getattr(param.type, "func", None)
    return reader if isinstance(reader, Asked) else None


def ask_for(ctx: typer.Context, name: str, asked: Asked) -> Any:
    """
    Ask the terminal for the value called *name*, and return it.

    Raises BadCommandLine, as the parser does for a missing value, if there is no one to ask.
    """
    call, command = caller(ctx), ctx.command
    param = next(param for param in command.params if param.name == name)
    what = param.get_error_hint(ctx)
    if not call.can_be_asked:
        listed = {"list_command": asked.list_command} if asked.list_command else {}
        problem = f"Missing {param.param_type_name} {what}"
        placeholders = getattr(command, "placeholders", {})
        raise BadCommandLine(
            in_our_words(problem, placeholders), command=ctx.command_path, **listed
        )
    return asked.ask(call, what.strip("'"))


class Group(_Spoken, TyperGroup):
    """Commands that stand together under one name."""


class MoneyCommand(Command):
    """A command that moves money, and with ``--explain`` shows how."""

    moves_money = True


def _explain_option() -> TyperOption:
    return kept_option(
        "--explain",
        is_flag=True,
        help=N_("show each step: who acts, what is checked, what moves"),
    )


def listing(
    where: str, *, pictured: bool = False, moves_money: bool = False, **by_option: str
) -> type[Command]:
    """
    Return the class of a command that answers with the list declared at *where*.

    That is a module of `hongbao.ui` and a name in it, such as ``people:CARDS``. The command takes
    the options of lists. An option of the command may ask for another list: see *by_option*.
    What it shows can be saved if it is *pictured*; what it does can be explained if it *moves
    money*.
    """
    facts = {"listed": where, "listed_by": by_option, "pictured": pictured}
    facts["moves_money"] = moves_money
    return type("Listing", (Command,), facts)


def listing_group(where: str) -> type[Group]:
    """Return the class of a group that, without a command, answers with a list (see `listing`)."""
    return type("ListingGroup", (Group,), {"listed": where})


def kept_option(*declared: str, help: str, **settings: Any) -> TyperOption:
    """Return an option that the caller keeps, not the command."""

    def keep(ctx: typer.Context, param: Any, value: Any) -> None:
        if value is not None:
            setattr(caller(ctx), param.name, value)

    return TyperOption(
        param_decls=[*declared],
        help=help,
        expose_value=False,
        callback=keep,
        default=None,
        **settings,
    )


def shared_options() -> list[tuple[str, str]]:
    """Return how each option of every command is written, and what it is for, as help has them."""
    command = Command("hongbao")
    context = Speaking(command, help_option_names=[*ASKING_HELP])
    options = [*next(reversed(command.elsewhere.values())), command.get_help_option(context)]
    return [record for option in options if (record := option.get_help_record(context))]


def _shared_options() -> list[TyperOption]:
    option = kept_option
    return [
        option("--json", "as_json", is_flag=True, help=N_("print one JSON document")),
        option(
            "--profile",
            "-p",
            metavar=PROFILE_NAME,
            autocompletion=lambda ctx, _args, incomplete: profile_names(ctx, incomplete),
            help=N_("act as NAME (or set HONGBAO_PROFILE)"),
        ),
        option("--yes", "-y", is_flag=True, help=N_("answer yes to every question")),
        option("--no-input", is_flag=True, help=N_("never prompt; fail if input is needed")),
        option(
            "--pin-file",
            metavar="FILE",
            help=N_("read the payment PIN from FILE; - is standard input"),
        ),
        option(
            "--totp-file",
            metavar="FILE",
            help=N_("read the authenticator's code, or its secret, from FILE"),
        ),
    ]


# --- completion: what a shell offers for a value -------------------------------------------------


def profile_names(ctx: typer.Context, incomplete: str) -> list[str]:
    return _offered(ctx, lambda wallet: [line["profile"] for line in wallet.profiles()])


def other_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return everybody but the one who acts."""

    def others(wallet: "Wallet") -> list[str]:
        with wallet.looking():
            me = wallet.me.name
        return [line["profile"] for line in wallet.profiles() if line["profile"] != me]

    return _offered(ctx, others)


def card_names(ctx: typer.Context, incomplete: str) -> list[str]:
    return _offered(ctx, lambda wallet: [line["card"] for line in wallet.cards()])


def places_to_pay_from(ctx: typer.Context, incomplete: str) -> list[str]:
    return ["balance", *card_names(ctx, incomplete)]


def operator_names(ctx: typer.Context, incomplete: str) -> list[str]:
    return _offered(ctx, lambda wallet: [line["operator"] for line in wallet.operators()])


def lesson_names(_ctx: typer.Context, incomplete: str) -> list[str]:
    from hongbao.lessons import names

    return [name for name in names() if name.startswith(incomplete)]


def task_names(_ctx: typer.Context, incomplete: str) -> list[str]:
    from hongbao.classroom import names

    return [name for name in names() if name.startswith(incomplete)]


def bill_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    return _offered(ctx, lambda wallet: [line["bill"] for line in wallet.bills()])


def cursor_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the cursors that watchers have used."""

    def names(wallet: "Wallet") -> list[str]:
        from hongbao.delivery.cursors import cursors, notes_of

        return cursors(notes_of(wallet.home))

    return _offered(ctx, names)


def webhook_urls(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return where the webhooks are."""

    def urls(wallet: "Wallet") -> list[str]:
        from hongbao.delivery.cursors import notes_of
        from hongbao.delivery.hooks import Hooks

        return [hook.url for hook in Hooks(notes_of(wallet.home)).all()]

    return _offered(ctx, urls)


def policy_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the policies that ship, and those that were used here."""
    from hongbao import policies

    return [*policies.names(), *_offered(ctx, lambda wallet: wallet.policies())]


def pack_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the risk packs that ship, and those that were used here."""
    from hongbao import packs

    return [*packs.names(), *_offered(ctx, lambda wallet: wallet.risk_packs())]


def one_of(*values: str) -> "Callable[[str], list[str]]":
    """Return a completion of those of *values* that begin with the typed text."""
    return lambda incomplete: [value for value in values if value.startswith(incomplete)]


def bank_codes(incomplete: str) -> list[str]:
    from hongbao.domain.identity import BANKS

    return [bank.code for bank in BANKS if bank.code.startswith(incomplete)]


def _offered(ctx: typer.Context, look: "Callable[[Wallet], list[str]]") -> list[str]:
    """Return the result of *look*, or nothing if the home is not there or would prompt."""
    from hongbao.wallet import Wallet

    call = caller(ctx)
    try:
        with Wallet.open(call.env, profile=call.acting_as, passphrase=None) as wallet:
            return look(wallet)
    except HongbaoError:
        return []


def titles(wallet: "Wallet") -> Mapping[str, str]:
    """Return the title of each tier in the active policy, in the reader's language."""
    from hongbao.words import language

    return {tier.name: tier.title.text(language()) for tier in wallet.policy.tiers}
