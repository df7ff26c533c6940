"""What a picture of this home could show of other people."""

from typing import NamedTuple

from hongbao.home.opened import Home


class Known(NamedTuple):
    """Names of *others*, and *cards* by their names with the last digits of their numbers."""

    others: tuple[str, ...] = ()
    cards: tuple[tuple[str, str], ...] = ()
    sandbox: bool = False


def known(home: Home) -> Known:
    """Return what pictures hide: the names of everyone but the one who acts, and all cards."""
    with home.looking():
        me = home.me.id
        return Known(
            tuple(row.name for row in home.store.profiles() if row.id != me),
            tuple((card.name, card.tail) for card in home.store.cards(removed=True)),
            home.is_sandbox,
        )
