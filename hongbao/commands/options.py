"""
The options that commands share, and what comes before a command's own function.

Sentences are marked with `N_` where a command is declared, and translated when help is asked for:
by then the language is known.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from hongbao.commands import lists, pictures
from hongbao.commands.caller import Caller
from hongbao.commands.choices import LAST, NEWEST, Asked, Chosen
from hongbao.commands.declared import (
    ASKING_HELP,
    Command,
    Context,
    Group,
    Kind,
    MoneyCommand,
    Option,
    Value,
    kept_option,
    listing,
    listing_group,
    new_app,
    wrong_usage,
)
from hongbao.commands.placeholders import PROFILE_NAME
from hongbao.domain.ids import check_request_id
from hongbao.errors import HongbaoError, InvalidNumber, InvalidRequestId, NumberTooLarge
from hongbao.words import N_

__all__ = [
    "ASKING_HELP",
    "STANDARD_OUTPUT",
    "Command",
    "DryRun",
    "Group",
    "Limit",
    "MoneyCommand",
    "Output",
    "RequestId",
    "ask_for",
    "caller",
    "listing",
    "listing_group",
    "new_app",
    "whole",
]

if TYPE_CHECKING:
    from hongbao.wallet import Wallet


def caller(ctx: Context) -> Caller:
    """Return the caller of the command."""
    found = ctx.find_object(Caller)
    assert found is not None
    return found


# --- options that several commands share ---------------------------------------------------------


def whole(option: str, least: int, most: int | None = None) -> "Callable[[str], int]":
    """
    Return a parser of *option*'s number, in plain digits and from *least* on, up to *most*.

    `int` would also take ١٠, 1_000 and ' 5 '.
    """

    def read(text: str) -> int:
        # The parser hands a default over as the number that it is.
        digits = str(text).lstrip("0")
        is_number = re.fullmatch(r"[0-9]+", digits) is not None
        if most is not None and is_number and (len(digits) > 18 or int(digits) > most):
            raise NumberTooLarge(str(text), option=option, most=most)
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
    Option(
        "--request-id",
        metavar="ID",
        parser=_request_id,
        help=N_("idempotency key: repeating an ID returns the first result"),
    ),
]

DryRun = Annotated[
    bool,
    Option("--dry-run", "-n", help=N_("dry run: show what would happen, change nothing")),
]

Limit = Annotated[
    int,
    Option("--limit", metavar="COUNT", parser=whole("--limit", 1), help=N_("at most this many")),
]

Output = Annotated[
    str,
    Option("--output", "-o", metavar="FILE", help=N_("write to FILE; - is standard output")),
]

STANDARD_OUTPUT = "-"


# --- what comes before a command ----------------------------------------------------------------


EVERY_COMMAND = N_("Every command also takes {options}; see `hongbao help options`.")


def kept_options(kind: Kind, listed: "Callable[[Any], str]") -> "tuple[list[Value], ...]":
    """
    Return the options of commands of a *kind* that the caller keeps: of explanations, of pictures,
    of lists, and of every command. *listed* says which list a command in a context answers with.
    """
    explaining = []
    if kind.moves_money:
        explain = N_("show each step: who acts, what is checked, what moves")
        explaining = [kept_option("--explain", is_flag=True, help=explain)]
    return (
        explaining,
        pictures.options(kept_option) if kind.pictured else [],
        lists.options(kept_option, listed) if kind.listed else [],
        _shared_options(),
    )


def complete(ctx: Any, params: "list[Value]", asked_for: Collection[str]) -> None:
    """Look up which is the newest of *params*, and ask for those of *asked_for* left out."""
    for param in params:
        if (asked := asked_of(param)) is None:
            continue
        value = ctx.params[param.name]
        if value is NEWEST:
            assert isinstance(asked, Chosen)
            ctx.params[param.name] = asked.newest(caller(ctx))
        elif value is None and param.name in asked_for:
            ctx.params[param.name] = ask_for(ctx, param.name, asked)


def asked_of(param: Value) -> Asked | None:
    """Return what *param* is asked for with, if it can be."""
    return param.parser if isinstance(param.parser, Asked) else None


def check(ctx: Any, kind: Kind) -> None:
    """Refuse options for lists and pictures that do not go together, before anything is done."""
    call = caller(ctx)
    if kind.listed:
        where = kind.list_of(ctx.params)
        lists.check(call, where, command=ctx.command_path, usual=where == kind.listed)
    if kind.pictured:
        call.command = ctx.command_path
        pictures.check(call, ctx.command_path)


def ask_for(ctx: Any, name: str, asked: Asked) -> Any:
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
        raise wrong_usage(
            problem, command=ctx.command_path, placeholders=command.placeholders, **listed
        )
    return asked.ask(call, what.strip("'"))


def _shared_options() -> "list[Value]":
    option = kept_option
    return [
        option("--json", "as_json", is_flag=True, help=N_("print one JSON document")),
        option(
            "--profile",
            "-p",
            metavar=PROFILE_NAME,
            autocompletion=profile_names,
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


def profile_names(ctx: Context, incomplete: str) -> list[str]:
    return _offered(ctx, lambda wallet: [line["profile"] for line in wallet.profiles()])


def other_names(ctx: Context, incomplete: str) -> list[str]:
    """Return everybody but the one who acts."""

    def others(wallet: "Wallet") -> list[str]:
        with wallet.looking():
            me = wallet.me.name
        return [line["profile"] for line in wallet.profiles() if line["profile"] != me]

    return _offered(ctx, others)


def card_names(ctx: Context, incomplete: str) -> list[str]:
    return _offered(ctx, lambda wallet: [line["card"] for line in wallet.cards()])


def places_to_pay_from(ctx: Context, incomplete: str) -> list[str]:
    return ["balance", *card_names(ctx, incomplete)]


def operator_names(ctx: Context, incomplete: str) -> list[str]:
    return _offered(ctx, lambda wallet: [line["operator"] for line in wallet.operators()])


def lesson_names(incomplete: str) -> list[str]:
    from hongbao.lessons import names

    return [name for name in names() if name.startswith(incomplete)]


def task_names(incomplete: str) -> list[str]:
    from hongbao.classroom import names

    return [name for name in names() if name.startswith(incomplete)]


def bill_ids(ctx: Context, incomplete: str) -> list[str]:
    return _offered(ctx, lambda wallet: [line["bill"] for line in wallet.bills()])


def cursor_names(ctx: Context, incomplete: str) -> list[str]:
    """Return the cursors that watchers have used."""

    def names(wallet: "Wallet") -> list[str]:
        from hongbao.delivery.cursors import cursors, notes_of

        return cursors(notes_of(wallet.home))

    return _offered(ctx, names)


def webhook_urls(ctx: Context, incomplete: str) -> list[str]:
    """Return where the webhooks are."""

    def urls(wallet: "Wallet") -> list[str]:
        from hongbao.delivery.cursors import notes_of
        from hongbao.delivery.hooks import Hooks

        return [hook.url for hook in Hooks(notes_of(wallet.home)).all()]

    return _offered(ctx, urls)


def policy_names(ctx: Context, incomplete: str) -> list[str]:
    """Return the policies that ship, and those that were used here."""
    from hongbao import policies

    return [*policies.names(), *_offered(ctx, lambda wallet: wallet.policies())]


def pack_names(ctx: Context, incomplete: str) -> list[str]:
    """Return the risk packs that ship, and those that were used here."""
    from hongbao import packs

    return [*packs.names(), *_offered(ctx, lambda wallet: wallet.risk_packs())]


def one_of(*values: str) -> "Callable[[str], list[str]]":
    """Return a completion of those of *values* that begin with the typed text."""
    return lambda incomplete: [value for value in values if value.startswith(incomplete)]


def bank_codes(incomplete: str) -> list[str]:
    from hongbao.domain.identity import BANKS

    return [bank.code for bank in BANKS if bank.code.startswith(incomplete)]


def _offered(ctx: Context, look: "Callable[[Wallet], list[str]]") -> list[str]:
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
