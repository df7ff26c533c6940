"""The engines of the laboratory: each act in turns, on a marked ledger of its own."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from hongbao.domain.policy import parse_policy
from hongbao.errors import (
    AlreadyClaimed,
    LabLedger,
    LimitExceeded,
    NotLabLedger,
    PacketFinished,
    PacketNotExpired,
    PacketRefunded,
    RequestConflict,
)
from hongbao.lab import engine as lab
from hongbao.lab.broken import MODULES, engine
from hongbao.lab.engine import Engine, finish
from hongbao.lab.ledger import LedgerFile
from hongbao.policies import text_of
from tests.every import every
from tests.wallet.world import World

ZHANG, LI, WANG = "张三", "李四", "王五"


def opened(kind: type[Engine], folder: Path) -> Engine:
    made = kind.new(folder / "lab-ledger.json")
    for person in (ZHANG, LI, WANG):
        made.open(person)
    finish(made.topup(ZHANG, "1000"))
    return made


@pytest.fixture
def small(tmp_path: Path) -> Engine:
    return opened(Engine, tmp_path)


def broken(name: str, folder: Path) -> Engine:
    return opened(engine(name), folder)


def fen(made: Engine, person: str) -> int:
    return made.books().balances[f"balance {person}"]


def missing(made: Engine) -> int:
    """Return what the reserve holds and users are not owed."""
    books = made.books()
    return books.reserve_fen - books.owed_fen


# --- the right one -------------------------------------------------------------------------------


def test_a_packet_is_shared_to_the_last_fen(small: Engine):
    """
    What is sent is what is claimed, and the reserve is what users are owed all the way.
    """
    packet = finish(small.send(ZHANG, "10", count=2))["packet"]
    first = finish(small.claim(LI, packet))
    last = finish(small.claim(WANG, packet))

    assert 1000 == first["amount_fen"] + last["amount_fen"]
    assert (False, True) == (first["finished"], last["finished"])
    assert 0 == missing(small)
    with pytest.raises(PacketFinished):
        finish(small.claim(ZHANG, packet))


def test_no_order_of_turns_harms_the_right_engine(small: Engine):
    """
    Each act is one turn: whoever comes second meets what the first has left.
    """
    packet = finish(small.send(ZHANG, "5"))["packet"]
    first, second = small.claim(LI, packet), small.claim(WANG, packet)

    next(first)
    with pytest.raises(PacketFinished):
        next(second)

    assert (500, 0) == (fen(small, LI), fen(small, WANG))


def test_what_expired_goes_back_once(small: Engine):
    """
    After expiry no one can claim, and the refund happens a single time.
    """
    packet = finish(small.send(ZHANG, "5"))["packet"]
    small.advance(timedelta(hours=23))
    with pytest.raises(PacketNotExpired):
        finish(small.refund(ZHANG, packet))
    small.advance(timedelta(hours=1))

    for act in (small.claim(LI, packet), small.refund(ZHANG, packet)):
        with pytest.raises(PacketRefunded):
            finish(act)
    assert (100_000, 0) == (fen(small, ZHANG), missing(small))


def test_a_key_stands_for_one_request(small: Engine):
    """
    The same request gets the same answer, and another one is refused.
    """
    first = finish(small.topup(LI, "5", key="k1"))

    assert first == finish(small.topup(LI, "5", key="k1"))
    with pytest.raises(RequestConflict):
        finish(small.topup(LI, "8", key="k1"))
    assert 500 == fen(small, LI)


def test_the_day_is_chinas(small: Engine):
    """
    A morning before and after eight is one day.
    """
    finish(small.topup(ZHANG, "1000"))
    small.advance(timedelta(hours=11, minutes=30))
    finish(small.send(ZHANG, "1000", count=5))
    small.advance(timedelta(hours=1))

    with pytest.raises(LimitExceeded):
        finish(small.send(ZHANG, "0.01"))


def test_the_rules_are_those_of_the_policy():
    """
    The small engine has the numbers that a new wallet has.
    """
    policy = parse_policy(text_of("standard"), "standard")

    (limit,) = policy.tiers[0].limits
    assert (lab.SHARE_MAX_FEN, lab.SHARES_MAX, lab.DAY_LIMIT_FEN, lab.EXPIRES) == (
        policy.packet.share_max_fen,
        policy.packet.shares_max,
        limit.amount_fen,
        timedelta(hours=policy.packet.expires_hours),
    )


# --- the broken ones -----------------------------------------------------------------------------


def test_float(tmp_path: Path):
    """
    4.35 yuan are 434 fen to it.
    """
    made = broken("float", tmp_path)

    assert 434 == finish(made.topup(LI, "4.35"))["amount_fen"]
    assert 1 == missing(made)


def test_rounding(tmp_path: Path):
    """
    Ten yuan for three people cost ten yuan and two fen.
    """
    made = broken("rounding", tmp_path)
    packet = finish(made.send(ZHANG, "10", count=3))["packet"]

    assert [334, 334, 334] == [
        finish(made.claim(person, packet))["amount_fen"] for person in (ZHANG, LI, WANG)
    ]
    assert -2 == made.books().balances[f"packet {packet}"]


def test_oversell(tmp_path: Path):
    """
    Two who look before either is paid are both paid, with one share.
    """
    made = broken("oversell", tmp_path)
    packet = finish(made.send(ZHANG, "5"))["packet"]
    first, second = made.claim(LI, packet), made.claim(WANG, packet)

    for act in (first, second, first, second):
        next(act)

    assert (500, 500) == (fen(made, LI), fen(made, WANG))
    assert -500 == made.books().balances[f"packet {packet}"]


def test_expiry(tmp_path: Path):
    """
    The money goes back, and is claimed all the same.
    """
    made = broken("expiry", tmp_path)
    packet = finish(made.send(ZHANG, "5"))["packet"]
    made.advance(timedelta(hours=25))

    assert 500 == finish(made.claim(LI, packet))["amount_fen"]
    with pytest.raises(AlreadyClaimed):
        finish(made.claim(LI, packet))
    with pytest.raises(PacketFinished):
        finish(made.claim(WANG, packet))


def test_double_refund(tmp_path: Path):
    """
    The rest goes back when the packet expires, and when it is asked for.
    """
    made = broken("double-refund", tmp_path)
    packet = finish(made.send(ZHANG, "5"))["packet"]
    made.advance(timedelta(hours=24))

    assert 500 == finish(made.refund(ZHANG, packet))["refunded_fen"]

    assert 100_500 == fen(made, ZHANG)


def test_utc_day(tmp_path: Path):
    """
    Half past seven and half past eight are two days to it.
    """
    made = broken("utc-day", tmp_path)
    finish(made.topup(ZHANG, "1000"))
    made.advance(timedelta(hours=11, minutes=30))
    finish(made.send(ZHANG, "1000", count=5))
    made.advance(timedelta(hours=1))

    assert 0 == finish(made.send(ZHANG, "1000", count=5))["balance_fen"]


def test_reused_key(tmp_path: Path):
    """
    The second payment is answered like the first, and does not happen.
    """
    made = broken("reused-key", tmp_path)
    finish(made.topup(LI, "5", key="k1"))

    assert 500 == finish(made.topup(LI, "8", key="k1"))["amount_fen"]
    assert 500 == fen(made, LI)


def test_lost_update(tmp_path: Path):
    """
    Two packets at once leave the money of one.
    """
    made = broken("lost-update", tmp_path)
    packets = [finish(made.send(ZHANG, amount))["packet"] for amount in ("5", "3")]
    first, second = (made.claim(LI, packet) for packet in packets)

    for act in (first, second, first, second):
        next(act)

    assert 300 == fen(made, LI)
    assert 500 == missing(made)


def test_in_flight(tmp_path: Path):
    """
    A process that ends between the two writes leaves the money nowhere.
    """
    made = broken("in-flight", tmp_path)
    packet = finish(made.send(ZHANG, "5"))["packet"]

    next(made.claim(LI, packet))

    assert (0, 500) == (fen(made, LI), missing(made))


@every("name", MODULES)
def test_a_broken_engine_is_right_where_its_fault_does_not_matter(name: str, tmp_path: Path):
    """
    Even sums, one at a time, in time: nothing is lost. What is wrong is rarely seen.
    """
    folder = tmp_path / name
    folder.mkdir()
    made = broken(name, folder)
    packet = finish(made.send(ZHANG, "10", count=2))["packet"]

    got = [finish(made.claim(person, packet))["amount_fen"] for person in (LI, WANG)]

    assert (1000, 0) == (sum(got), missing(made))


# --- the mark ------------------------------------------------------------------------------------


def test_no_engine_touches_a_file_without_the_mark(tmp_path: Path):
    """
    Neither a wallet's ledger, nor anything else.
    """
    for content in (b"", b"{}", b"# hongbao laboratory ledger 2\n{}\n", b"\x00\xff" * 99):
        (tmp_path / "ledger.db").write_bytes(content)
        made = Engine(LedgerFile(tmp_path / "ledger.db"))

        with pytest.raises(NotLabLedger):
            made.open(ZHANG)

        assert content == (tmp_path / "ledger.db").read_bytes()


def test_an_engine_refuses_a_wallet_and_a_wallet_refuses_an_engines_ledger(
    tmp_path: Path, small: Engine
):
    """
    Each knows its own ledgers by the first line, and leaves the other's as they are.
    """
    world = World(tmp_path / "home")
    world.found("Zhang")
    world.close()
    before = world.ledger.read_bytes()

    with pytest.raises(NotLabLedger):
        finish(Engine(LedgerFile(world.ledger)).topup("Zhang", "5"))
    assert before == world.ledger.read_bytes()

    shutil.copyfile(small.ledger.path, world.ledger)
    with pytest.raises(LabLedger):
        world.open("Zhang")
    assert small.ledger.path.read_bytes() == world.ledger.read_bytes()


def test_a_ledger_is_not_written_over(small: Engine):
    """
    A new engine wants a new file.
    """
    with pytest.raises(FileExistsError):
        Engine.new(small.ledger.path)
