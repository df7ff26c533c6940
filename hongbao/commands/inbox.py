"""``hongbao inbox``."""

from typing import TYPE_CHECKING, Annotated

from hongbao.commands.declared import (
    Context,
    Option,
)
from hongbao.commands.options import Limit, caller, listing, new_app
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import Inbox

app = new_app()


@app.command(
    cls=listing("watching:INBOX"),
    short_help=N_("Show what is new for you since you last looked."),
    help=N_(
        "What others, banks and the platform did with your money, and packets that you "
        "can open; what you did yourself is not news. What is shown counts as seen, "
        "unless you say --keep."
    ),
    epilog="hongbao inbox\nhongbao inbox --keep\nhongbao inbox -p 小红",
)
def inbox(
    ctx: Context,
    keep: Annotated[bool, Option("--keep", help=N_("do not mark it as seen"))] = False,
    limit: Limit = 20,
) -> None:
    from hongbao.delivery.cursors import Cursor, notes_of
    from hongbao.delivery.tries import Tries, given_up
    from hongbao.queries.watching import place_at, unseen
    from hongbao.ui import watching as screen

    call = caller(ctx)
    with call.wallet() as wallet:
        home = wallet.home
        notes = notes_of(home)
        with home.looking():
            me = home.me
            cursor = Cursor.of_inbox(notes, me.id)
            events, place, more = unseen(home, cursor.place() or place_at(home, 0), limit=limit)
        answer: Inbox = {
            "profile": me.name,
            "events": events,
            "more": more,
            "given_up": len(given_up(Tries(notes).all())),
            "kept": keep,
        }
        call.answer_list(answer, screen.INBOX, screen.show_inbox)
        if not keep:
            cursor.move(place)
    if more:
        call.hint(
            N_("more is new: `hongbao inbox --limit {limit}`")
            if keep
            else N_("more is new: `hongbao inbox` again"),
            limit=5 * limit,
        )
