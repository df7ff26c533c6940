"""Places in the events: everything once, in order, and every gap named."""

import re
import shutil
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hongbao.delivery.cursors import Cursor, check_name, notes_of
from hongbao.domain.packet import PacketKind
from hongbao.errors import CursorInUse, Damaged, EventNotFound, InvalidCursor
from hongbao.queries.watching import (
    GAP,
    HELD,
    KINDS,
    Place,
    event_in,
    is_called,
    known_kinds,
    place_at,
    read_on,
    spaced,
    unseen,
)
from hongbao.ui.watching import WHY
from hongbao.wallet import Wallet
from hongbao.wallet.group import together
from hongbao.wallet.restoring import restore
from tests.every import every
from tests.wallet.world import LI, WANG, YUAN, ZHANG, World, right

START = Place(0, 0, ())
ROOT = Path(__file__).parents[2]
DOCS, DELIVERY = ROOT / "docs", ROOT / "hongbao" / "delivery"


def numbers(wallet: Wallet, place: Place, *, everyone: bool = True, limit: int = 20) -> list[int]:
    """Return the numbers of all events from *place* on, read *limit* at a time."""
    found = []
    while True:
        read = read_on(wallet.home, place, everyone=everyone, limit=limit)
        found += [event["number"] for event in read.events]
        place = read.place
        if place.event >= read.last:
            return found


def events(world: World, place: Place, name: str | None = None) -> list[tuple[str, int]]:
    with world.open(name) as wallet:
        read = read_on(wallet.home, place, everyone=name is None, limit=1000)
        return [(event["event"], event["number"]) for event in read.events]


def here(world: World, after: int | None = None) -> Place:
    with world.open() as wallet:
        return place_at(wallet.home, after)


def send(wallet: Wallet, **terms: Any) -> str:
    return str(wallet.send(5 * YUAN, pin=right, **terms)["packet"])


def test_everything_is_read_once_whatever_the_size_of_a_look(world: World):
    """
    One at a time, or all at once.
    """
    send(world.zhang, count=3)
    with world.open() as wallet:
        last = place_at(wallet.home).event
        for limit in (1, 3, 1000):
            assert [*range(1, last + 1)] == numbers(wallet, place_at(wallet.home, 0), limit=limit)


def test_a_profile_is_told_what_concerns_it(world: World):
    """
    The sender each claim, a claimant the end, the invited a packet; and no one another's money.
    """
    place = here(world)
    lucky = send(world.zhang, count=2)
    only = send(world.zhang, recipient=LI, kind=PacketKind.EXCLUSIVE)
    world.li.claim(lucky)
    world.wang.claim(lucky)
    world.li.claim(only)

    first = place.event + 1
    kinds = ["new_packet", "new_packet", "claimed", "claimed", "claimed"]
    told = {name: events(world, place, name) for name in (None, ZHANG, LI, WANG)}
    assert [*zip(kinds, range(first, first + 5), strict=True)] == told[None] == told[ZHANG]
    assert told[None] == told[LI]  # it has a share of the one that Wang has finished
    assert [kinds[0], kinds[3]] == [kind for kind, _number in told[WANG]]


def test_the_last_share_is_told_as_such(world: World):
    """
    It is an event that can be waited for, by the seat and by the end of the packet.
    """
    place = here(world)
    packet = send(world.zhang, count=2)
    for wallet in (world.li, world.wang):
        wallet.claim(packet)
    with world.open() as wallet:
        claims = read_on(wallet.home, place, everyone=True).events[1:]

    assert [(1, 2, False), (2, 2, True)] == [
        (each["share"], each["shares"], each["finished"]) for each in claims
    ]
    assert [False, True] == [is_called(each, "finished") for each in claims]
    assert all(is_called(each, kind) for each in claims for kind in ("claimed", "claim"))


def test_no_event_tells_an_amount(world: World):
    """
    Whoever watches, and whatever leaves this machine.
    """
    send(world.zhang, count=2)
    with world.open() as wallet:
        read = read_on(wallet.home, START, everyone=True, limit=1000)

    assert all("fen" not in key for event in read.events for key in event)
    assert "5.00" not in str(read.events)


def test_a_restore_says_which_events_are_gone(world: World, tmp_path: Path):
    """
    To a reader who has seen them and to one who has not, in one event; and they read on behind it.
    """
    copy = tmp_path / "copy"
    before = here(world)
    world.open().backup(copy)
    send(world.zhang)
    middle = here(world)
    send(world.zhang)
    after = here(world)
    world.close()
    restore(world.env, copy, accept_older=lambda _last, _noted: True)
    send(world.zhang)

    for place in (middle, after):
        with world.open() as wallet:
            read = read_on(wallet.home, place, everyone=True)
        told = read.events[0]
        assert ["restored", "new_packet"] == [event["event"] for event in read.events]
        assert after.event + 1 == told["number"]
        assert (before.event + 1, after.event) == (told["from_event"], told["to_event"])


def test_a_home_that_is_put_back_is_a_gap(world: World, tmp_path: Path):
    """
    Keys and ledger of an older day, which then goes another way: the reader is told from where on
    what it has seen is gone, and gets all that has happened instead.
    """
    with world.open() as wallet:
        place = read_on(wallet.home, START, everyone=True, limit=1000).place
    common = place.event
    world.close()
    old = tmp_path / "old"
    shutil.copytree(world.folder, old)
    before = []
    for _number in range(3):
        send(world.zhang)
        with world.open() as wallet:
            read = read_on(wallet.home, place, everyone=True)
            place = read.place
            before += read.events
    world.close()
    shutil.rmtree(world.folder)
    shutil.copytree(old, world.folder)

    assert [("gap", common + 3)] == events(world, place)  # nothing has happened since
    for _number in range(6):
        send(world.zhang)
    with world.open() as wallet:
        read = read_on(wallet.home, place, everyone=True)
        again = read_on(wallet.home, read.place, everyone=True)
    gap = read.events[0]
    assert ("gap", common + 1, common + 3) == (gap["event"], gap["from_event"], gap["to_event"])
    assert [*range(common + 1, common + 7)] == [event["number"] for event in read.events[1:]]
    assert [] == again.events
    ids = [event["id"] for event in before + read.events]
    assert len(ids) == len({*ids})  # numbers came twice, and no receiver takes one for the other


def test_a_hole_in_the_numbers_is_a_gap(world: World):
    """
    Rows that someone has taken away are missed.
    """
    for _number in range(3):
        send(world.zhang)
    last = here(world).event
    world.edit(f"DELETE FROM entry WHERE id = {last - 1}")
    with world.open(trusting=True) as wallet:
        read = read_on(wallet.home, place_at(wallet.home, last - 3), everyone=True)

    assert [("new_packet", None), ("gap", last - 1), ("new_packet", None)] == [
        (event["event"], event["to_event"]) for event in read.events
    ]
    assert last - 1 == read.events[1]["from_event"]


def test_a_group_has_one_seal_and_is_read_one_by_one(world: World):
    """
    Events that were sealed together: a place between them stands on the seal before it.
    """
    start = here(world)
    with world.open(ZHANG) as wallet:
        together(wallet.home, [partial(send, wallet) for _number in range(3)])
    found, place = [], start
    with world.open() as wallet:
        for _number in range(3):
            read = read_on(wallet.home, place, everyone=True, limit=1)
            found += [event["event"] for event in read.events]
            place = read.place
        after = read_on(wallet.home, place, everyone=True)

    assert ["new_packet"] * 3 == found
    assert ([], start.event + 3) == (after.events, after.place.event)


def test_another_wallet_in_the_same_place_is_a_gap(world: World, empty_place: Place):
    """
    A cursor of a wallet that was made anew begins with its first event.
    """
    told = events(world, empty_place)

    assert ("gap", 7) == told[0]
    assert 1 == told[1][1]


@pytest.fixture
def empty_place() -> Place:
    return Place(999_999, 7, ((7, "0" * 16),))


@every("moves", [1, 2, 7, 20])
def test_a_place_remembers_few_seals_and_far_back(moves: int):
    """
    However it moves, they are some twenty, and none is twice as far back as the one before it.
    """
    seals: list[tuple[int, str]] = []
    for number in range(moves, 5000, moves):
        seals = spaced([(number, "x"), *seals])
        assert len(seals) <= 30
    newest = seals[0][0]
    ages = [newest - number for number, _seal in seals]
    assert ages[-1] >= newest // 2
    assert all(later <= 2 * max(age, moves) for age, later in pairwise(ages))


def test_what_others_did_is_new_until_it_was_seen(world: World):
    """
    A page at a time, and what one did oneself is no news.
    """
    with world.open(LI) as wallet:
        _, seen, _ = unseen(wallet.home, place_at(wallet.home), limit=10)
    packets = [send(world.zhang, count=1) for _number in range(3)]
    world.li.claim(packets[0])
    world.wang.claim(packets[1])

    with world.open(LI) as wallet:
        first, place, more = unseen(wallet.home, seen, limit=2)
        rest, end, no_more = unseen(wallet.home, place, limit=2)
        nothing, _, _ = unseen(wallet.home, end, limit=2)

    assert packets == [event["packet"] for event in first + rest]
    assert (True, False, []) == (more, no_more, nothing)


def test_a_cursor_moves_and_is_kept(world: World):
    """
    By its name, until another reads with it; and its note is not guessed at.
    """
    with world.open() as wallet:
        notes = notes_of(wallet.home)
        cursor, other = Cursor(notes, "till"), Cursor(notes, "till")
        place = place_at(wallet.home)
        assert cursor.place() is None
        with cursor.taken():
            cursor.move(place)
            with pytest.raises(CursorInUse), other.taken():
                pass
        with other.taken():
            assert place == other.place()
        assert Cursor(notes, "other").place() is None
        for content in (b"", b"{}", b'{"format": 2}', b"[" * 10_000):
            notes.write("cursor-till", content)
            with pytest.raises(Damaged):
                cursor.place()


@every("name", ["", "../x", ".x", "a b", "a/b", "红包", "a" * 65, "-x"])
def test_a_cursor_cannot_be_called_everything(name: str):
    """
    It is the name of a file.
    """
    with pytest.raises(InvalidCursor):
        check_name(name)


def test_an_event_can_be_asked_for_by_its_number(world: World):
    """
    As it was told the first time; and one that has not been is refused.
    """
    with world.open() as wallet:
        told = read_on(wallet.home, START, everyone=True, limit=1000).events
        again = [event_in(wallet.home, event["number"]) for event in told]
        with pytest.raises(EventNotFound):
            event_in(wallet.home, len(told) + 1)

    assert told == again
    assert len({event["id"] for event in told}) == len(told)
    assert {event["event"] for event in told} <= known_kinds()


def test_the_page_names_every_event():
    """
    Those that are called otherwise than their act are in its table, and nothing else is.
    """
    page = (DOCS / "reference" / "commands" / "watch.md").read_text("utf-8")
    table = page.partition("### What events are called")[2].partition("\n\n`--until")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))

    assert {*KINDS.values(), HELD, GAP} <= named <= known_kinds()


def test_every_reason_has_words():
    """
    What a target can answer is said in both languages.
    """
    source = "".join(path.read_text("utf-8") for path in DELIVERY.glob("*.py"))
    reasons = set(re.findall(r'Outcome\(\s*"(\w+)"', source)) | {"tls", "cut_off"}

    assert reasons == set(WHY)
