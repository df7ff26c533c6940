"""``hongbao books``."""

from typing import TYPE_CHECKING, Annotated, Any

from hongbao.commands.caller import Caller
from hongbao.commands.choices import TRACEABLE, argument
from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import caller, listing, new_app
from hongbao.errors import ConflictingOptions
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import BookReplayed
    from hongbao.queries.replay import Replay
    from hongbao.wallet import Wallet

app = new_app()


@app.command(
    cls=listing("books:ACCOUNTS", pictured=True, replay="replay:REPLAY"),
    short_help=N_("Show the books of the platform, the banks and the central bank."),
    help=N_(
        "--diff shows them before and after the last act that moved money, or the one that you "
        "name: any ID that `trace` takes, a batch, or an entry's number."
    ),
    epilog=(
        "hongbao books\nhongbao books --diff 22\nhongbao books hb_7Q2M4K9X\nhongbao books --replay"
    ),
)
def books(
    ctx: Context,
    subject: Annotated[
        str | None,
        argument(
            TRACEABLE,
            metavar="SUBJECT",
            help=N_("the ID of a packet, request, message or batch, an entry's number, or `last`"),
        ),
    ] = None,
    diff: Annotated[
        bool, Option("--diff", help=N_("before and after one act (default: the last)"))
    ] = False,
    replay: Annotated[
        bool,
        Option(
            "--replay", help=N_("walk through the entries, forward and back; in a pipe, list them")
        ),
    ] = False,
) -> None:
    from hongbao.ui import books as screen

    call = caller(ctx)
    if replay:
        others = [*(["--diff"] if diff else []), *call.pictures]
        if others:
            raise ConflictingOptions("--replay", others[0], command=ctx.command_path)
        with call.wallet() as wallet:
            _replay(call, wallet, subject)
        return
    with call.wallet() as wallet:
        shown = wallet.books(subject, diff=diff)
    call.answer_list(shown, screen.ACCOUNTS, screen.show_books)
    if not shown["diff"]:
        call.hint(N_("see what the last act changed with `hongbao books --diff`"))


def _replay(call: Caller, wallet: "Wallet", subject: str | None) -> None:
    from hongbao.queries import replay as query
    from hongbao.ui import replay as screen

    replayed = query.replay(wallet.home)
    start = query.place_named(wallet.home, replayed, subject)

    def sentences(entry: int) -> Any:
        return query.sentences(wallet.home, entry)

    is_walked = call.is_watched and call.can_be_asked and not call.asks_plainly
    if is_walked and len(replayed) and not call.list_options:
        replayed.go_to(start)
        screen.walk(replayed, sentences, colours=not call.env.variables.get("NO_COLOR"))
        return
    entries = [_at(replayed, place) for place in range(start, len(replayed) + 1) if place]
    if call.as_json and call.columns is None:
        call.answer_in_lines(entries)
        return
    call.answer_list(
        {"entries": entries}, screen.REPLAY, lambda shown: screen.show_entries(shown, sentences)
    )


def _at(replayed: "Replay", place: int) -> "BookReplayed":
    replayed.go_to(place)
    return replayed.shown()
