"""The books replayed: running totals of the transfers end at what the books hold, from any way."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hongbao.errors import HongbaoError, RequestNotFound
from hongbao.queries.replay import Replay, place_named, replay
from hongbao.wallet import Wallet
from tests.wallet.world import CARD, YUAN, World, right, tail

DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["topup", "send", "send by card", "claim", "withdraw", "settle", "wait"]),
        st.integers(1, 40),
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def lived(_people: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A home to which more and more happens."""
    world = _people.copy(tmp_path_factory.mktemp("replayed") / "home")
    yield world
    world.close()


def happen(world: World, deeds: list[tuple[str, int]]) -> None:
    """Do *deeds*; what is refused moves nothing, which is as good."""
    zhang, li = world.zhang, world.li
    for deed, n in deeds:
        with suppress(HongbaoError):
            match deed:
                case "topup":
                    zhang.topup(n * YUAN, pin=right)
                case "send":
                    zhang.send(n * YUAN, pin=right, count=2)
                case "send by card":
                    zhang.send(n * YUAN, pin=right, count=2, paid_from=tail(CARD))
                case "claim":
                    li.claim(zhang.packets()[0]["packet"])
                case "withdraw":
                    zhang.withdraw(n * YUAN, pin=right)
                case "settle":
                    zhang.settle()
                case "wait":
                    world.turn(hours=n)
                    zhang.refund_due()


def books_of(wallet: Wallet) -> dict[tuple[str, str, str | None], int]:
    """Return what the books hold, as `books` has it, without what is empty."""
    return {
        (book["book"], line["kind"], line["owner"]): line["held_fen"]
        for book in wallet.books()["books"]
        for line in book["accounts"]
        if line["held_fen"]
    }


def ended(replayed: Replay) -> dict[tuple[str, str, str | None], int]:
    """Return the same from the replay's last entry."""
    found: dict[tuple[str, str, str | None], int] = defaultdict(int)
    for book in replayed.shown()["books"]:
        for line in book["accounts"]:
            summed = line["kind"] in ("balance", "packet", "pending", "held", "deposit")
            found[book["book"], line["kind"], None if summed else line["owner"]] += line["held_fen"]
    return {key: fen for key, fen in found.items() if fen}


@settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deeds=DEEDS, ways=st.lists(st.integers(0, 1000), max_size=4))
def test_it_ends_where_the_books_are(lived: World, deeds: list[tuple[str, int]], ways: list[int]):
    """
    From the transfers alone, whatever was done, and by whatever way one comes to the end.
    """
    happen(lived, deeds)
    wallet = lived.zhang
    replayed = replay(wallet.home)
    for way in ways:
        replayed.go_to(way % (len(replayed) + 1))
    replayed.go_to(len(replayed))

    assert books_of(wallet) == ended(replayed)
    with wallet.home.looking():
        for account, fen in replayed.held.items():
            assert wallet.home.store.balance_fen(account) == fen
    replayed.go_to(0)
    assert {} == replayed.held


def test_forward_and_back_each_entry_is_the_same(lived: World):
    """
    What an entry left is what the next one found, and both sides of every book are equal.
    """
    happen(lived, [("send", 20), ("claim", 1), ("settle", 1), ("wait", 30)])
    replayed = replay(lived.zhang.home)
    forward, held = [], []
    for place in range(1, len(replayed) + 1):
        replayed.go_to(place)
        forward.append(replayed.shown())
        held.append(replayed.held)
    for place in range(len(replayed), 0, -1):
        replayed.go_to(place)
        assert forward[place - 1] == replayed.shown()
        assert held[place - 1] == replayed.held
    for shown in forward:
        for book in shown["books"]:
            assert book["debits_fen"] == book["credits_fen"]
            for side in ("debit", "credit"):
                before = sum(a["before_fen"] for a in book["accounts"] if a["side"] == side)
                other = sum(a["before_fen"] for a in book["accounts"] if a["side"] != side)
                assert before == other


def test_an_entry_changes_what_books_says_of_it(lived: World):
    """
    One that is an act of its own: the same accounts before and after.
    """
    zhang = lived.zhang
    replayed = replay(zhang.home)
    for place, recorded in enumerate(replayed.entries, 1):
        if recorded.act not in ("send", "claim", "settle", "refund"):
            continue
        diff = zhang.books(str(recorded.entry), diff=True)
        replayed.go_to(place)
        shown = replayed.shown()
        if diff["transfers"] != shown["transfers"]:
            continue  # a payment's other steps are shown with it
        assert _changed(diff) == _changed(shown)


def _changed(shown: object) -> set[tuple[object, ...]]:
    books = shown["books"]  # type: ignore[index]
    return {
        (book["book"], line["kind"], line["owner"], line["before_fen"], line["held_fen"])
        for book in books
        for line in book["accounts"]
        if line["before_fen"] != line["held_fen"]
    }


def test_an_entry_is_found_by_what_names_it(lived: World):
    """
    Its number, or what `books` takes.
    """
    zhang = lived.zhang
    replayed = replay(zhang.home)
    third = replayed.entries[2].entry

    assert 1 == place_named(zhang.home, replayed, None)
    assert 3 == place_named(zhang.home, replayed, str(third))
    with pytest.raises(RequestNotFound):
        place_named(zhang.home, replayed, "999999")
