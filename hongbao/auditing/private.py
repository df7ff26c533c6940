"""The check of personal data: each sealed value opens in its row, and is what its row says."""

from collections.abc import Iterator

from hongbao.auditing.context import Context, Keys
from hongbao.errors import Damaged
from hongbao.store import CardRow, ProfileRow

CARD_NUMBER = "card_number"
"""What a card's number is known by: its place, with the card's id, and its blind index."""


def place_of_card(card: int) -> str:
    """Return the place that the number of the *card* with this id is sealed for."""
    return f"{CARD_NUMBER}/{card}"


def card_number(keys: Keys, card: CardRow) -> str:
    """
    Open the number of *card*, and compare it with the account behind it and the digits it shows.

    Raises Damaged if it does not open here, or is another card's.
    """
    try:
        number = keys.unseal(card.profile, place_of_card(card.id), card.number)
    except Damaged:
        raise Damaged(path=f"{CARD_NUMBER}/{card.name}") from None
    if keys.blind(CARD_NUMBER, number) != card.number_index or not number.endswith(card.tail):
        raise Damaged(path=f"{CARD_NUMBER}/{card.name}")
    return number


def check_person(keys: Keys, row: ProfileRow) -> None:
    """
    Open what is sealed of *row*, and compare it with the indexes of the person it belongs to.

    Raises Damaged if something does not open, or is another's.
    """
    for place, sealed, mark in (
        ("real_name", row.real_name, row.real_name_index),
        ("id_number", row.id_number, row.id_number_index),
    ):
        text = None if sealed is None else keys.unseal(row.id, place, sealed)
        if mark != (None if text is None else keys.blind(place, text)):
            raise Damaged(path=place)
    if row.totp_secret is not None:
        keys.unseal(row.id, "totp_secret", row.totp_secret)


def check_sealed(context: Context) -> Iterator[str]:
    """Open every sealed value, and compare it with its index and with what is shown of it."""
    for row in context.store.profiles():
        try:
            check_person(context.keys, row)
        except Damaged as error:
            yield f"{row.name}: {error.facts['path']}"
    for card in context.store.cards(removed=True):
        try:
            card_number(context.keys, card)
        except Damaged as error:
            yield f"profile {card.profile}: {error.facts['path']}"
