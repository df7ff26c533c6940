"""Claims in bulk: what they give is what the same claims one by one would give."""

import functools
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hongbao.domain.packet import DealRule, PacketKind
from hongbao.errors import HongbaoError
from hongbao.wallet import Wallet
from hongbao.wallet.bulk import claim_many
from hongbao.wallet.sessions import ClaimRequest, DeviceSession, claim_in_session, open_session
from tests.wallet.guards import (
    ANY,
    CHALLENGED,
    CUT,
    HELD,
    HELD_BACK,
    REFUSED,
    _rule,
    exactly,
    pack_of,
)
from tests.wallet.world import LI, WANG, YUAN, ZHANG, World, right

Answers = list[Any]
Do = Callable[[Wallet, list[ClaimRequest]], Answers]

PEOPLE = (ZHANG, LI, WANG)
DELAYED = 12_34
SEAL = {"entry": ("mac",)}
"""What differs: one seal for each act, or for each group."""

BACK = 'hold_hours = 24\nthen = "return"'

GUARDS = pack_of(
    "claims",
    _rule("challenge", exactly(CHALLENGED)),
    _rule("refuse", exactly(REFUSED)),
    _rule("hold", exactly(HELD), '"claim"', 'hold_hours = 24\nthen = "release"'),
    _rule(
        "hold",
        exactly(HELD_BACK),
        '"give", "claim"',
        'hold_hours = 24\nthen = "return"',
        name="back",
    ),
    _rule("delay", exactly(DELAYED), '"claim"', "delay_days = 2"),
    _rule("cut", exactly(CUT)),
    _rule("refuse", 'indicator = "claims", window = "1h", at_least = 8', ANY, name="many"),
)
"""Answers by the mean of what is left in a packet, and by how much was claimed before."""


def sessions(world: World) -> dict[str, DeviceSession]:
    """Open a session for each of the world's people."""
    return {name: open_session(world.open(name).home) for name in PEOPLE}


def alone(wallet: Wallet, requests: list[ClaimRequest]) -> Answers:
    """Do *requests* one by one, each under its own seal."""
    answers: Answers = []
    for asked in requests:
        try:
            answers.append(claim_in_session(wallet.home, asked))
        except HongbaoError as refused:
            answers.append(refused)
    return answers


def in_bulk(most: int) -> Do:
    def done(wallet: Wallet, requests: list[ClaimRequest]) -> Answers:
        return list(claim_many(wallet.home, requests, most=most, within_ms=10**6))

    return done


def said(answers: Answers) -> list[Any]:
    return [each.as_dict() if isinstance(each, HongbaoError) else each for each in answers]


def kinds(answers: Answers) -> set[str]:
    """Return what became of claims: the codes of refusals, and how the others were answered."""
    return {
        each.code
        if isinstance(each, HongbaoError)
        else next((name for name in ("replayed", "held", "delayed") if each.get(name)), "claimed")
        for each in answers
    }


# --- any claims -----------------------------------------------------------------------------------


class Ready(NamedTuple):
    """A world with packets of many kinds, and an open session for each of its people."""

    world: World
    packets: list[str]
    opened: dict[str, DeviceSession]


@pytest.fixture(scope="session")
def ready(_people: World, tmp_path_factory: pytest.TempPathFactory) -> Ready:
    world = _people.copy(tmp_path_factory.mktemp("bulk") / "home")
    zhang = world.zhang
    zhang.use_risk_pack(GUARDS)
    send = functools.partial(zhang.send, pin=right)
    old = send(2 * YUAN, count=2)
    refunded = send(3 * YUAN, count=3)
    world.turn(hours=25)
    zhang.refund(refunded["packet"])
    sent = [
        old,
        refunded,
        send(10 * YUAN, count=3, greeting='新年 "快乐" \\ 🧧'),
        send(9 * YUAN, count=3, deal=DealRule.SHUFFLED),
        send(2 * YUAN, kind=PacketKind.EXCLUSIVE, recipient=LI),
        send(HELD_BACK, kind=PacketKind.EXCLUSIVE, recipient=LI),  # on hold itself
        *(
            send(each * count, count=count, kind=PacketKind.EQUAL, deal=DealRule.EQUAL)
            for each, count in (
                *((CHALLENGED, 5), (REFUSED, 2), (HELD, 2), (HELD_BACK, 2)),
                *((DELAYED, 2), (CUT, 2), (YUAN, 3), (YUAN, 2), (YUAN, 2)),
            )
        ),
        send(YUAN, count=1),
    ]
    opened = sessions(world)
    world.close()
    return Ready(world, [each["packet"] for each in sent], opened)


class Wish(NamedTuple):
    """A request to be made: who wants which packet, and what is wrong with it, if anything."""

    who: str
    packet: int
    fault: str
    luck: str | None


FAULTS = (
    *("forged", "old counter", "no session", "other session", "no packet", "no id"),
    *("again", "again, another", "spelled"),
)

WISHES = st.builds(
    Wish,
    st.sampled_from(PEOPLE),
    st.integers(0, 15),
    st.sampled_from((*[""] * 12, *FAULTS)),
    st.sampled_from((None, None, "八方来财", '"a\\b|c')),
)


def requests_of(ready: Ready, wishes: Sequence[Wish]) -> Iterator[ClaimRequest]:
    """Yield the requests of *wishes*, made by copies of the sessions' devices."""
    opened = {
        name: DeviceSession(each.session, each.counter) for name, each in ready.opened.items()
    }
    before: dict[str, str] = {}
    for number, (who, place, fault, luck) in enumerate(wishes):
        request_id, packet = f"r{number}", ready.packets[place]
        if fault.startswith("again") and who in before:
            request_id = before[who]
        if fault == "again, another":
            packet = ready.packets[(place + 1) % len(ready.packets)]
        if fault == "no packet":
            packet = "hb_7Q2M4K9X"
        if fault == "spelled":
            packet = packet.lower().replace("hb_", " ")
        before[who] = request_id
        asked = opened[who].claim(packet, request_id, luck=luck)
        match fault:
            case "forged":
                asked = asked._replace(code=bytes(32))
            case "old counter":
                session = DeviceSession(opened[who].session, 0)
                asked = session.claim(packet, request_id, luck=luck)
            case "no session":
                asked = asked._replace(session=1)
            case "other session":
                other = opened[PEOPLE[PEOPLE.index(who) - 1]].session
                asked = asked._replace(session=other.entry)
            case "no id":
                asked = asked._replace(packet="hb_nothing")
            case "spelled":
                asked = asked._replace(packet=packet)
        yield asked


def outcome(ready: Ready, folder: Path, wishes: Sequence[Wish], turns: int, do: Do) -> Any:
    """Return the answers to *wishes* in two parts, between which time passes, and every row."""
    world = ready.world.copy(folder)
    requests = list(requests_of(ready, wishes))
    answers: Answers = []
    wallet = world.zhang
    half = len(requests) // 2
    for some in (requests[:half], requests[half:]):
        answers += do(wallet, some)
        world.turn(hours=turns)
    found = world.findings()
    dump = world.dump(ignoring=SEAL)
    world.close()
    shutil.rmtree(folder)
    assert {} == found
    return said(answers), dump, kinds(answers)


SEEN: set[str] = set()
"""What became of the claims of all examples."""

EXAMPLES = int(os.environ.get("HONGBAO_BULK_EXAMPLES", "60"))


def compared(ready: Ready, folder: Path, wishes: list[Wish], most: int, turns: int) -> None:
    *expected, what = outcome(ready, folder / "alone", wishes, turns, alone)
    *got, _what = outcome(ready, folder / "bulk", wishes, turns, in_bulk(most))
    SEEN.update(what)
    assert expected[0] == got[0]
    assert expected[1] == got[1]


EVERY_KIND = [
    *(Wish(who, place, "", None) for place in range(6) for who in (LI, WANG, ZHANG)),
    *(Wish(who, place, "", "八方来财") for place in (12, 13) for who in (LI, WANG, LI)),
    *(Wish(LI, 14, "", None), Wish(LI, 14, "again", None)),
    *(Wish(LI, 14, fault, None) for fault in FAULTS),
    *(Wish(who, 15, "", None) for who in (WANG, LI)),
    *(Wish(WANG, place, "", None) for place in (8, 10, 9, 7)),
    *(Wish(ZHANG, place, "", None) for place in (10, 6, 11, 12)),
    *(Wish(ZHANG, 13, "", None), Wish(LI, 8, "", None), Wish(LI, 14, "again", None)),
    *(Wish(LI, 6, "", None), Wish(WANG, 5, "", None), Wish(LI, 5, "", None)),
]
"""Requests of which each kind of refusal, and each answer of risk control, comes."""


@pytest.mark.parametrize(
    "most", [pytest.param(1, marks=pytest.mark.slow), 3, pytest.param(100, marks=pytest.mark.slow)]
)
def test_claims_in_bulk_are_what_they_are_one_by_one(most: int, ready: Ready, tmp_path: Path):
    """
    The same answers, refusals and rows, whatever stands between them in a group.

    Of all rows only the seals differ, and how long steps took.
    """
    *expected, what = outcome(ready, tmp_path / "alone", EVERY_KIND, 13, alone)
    *got, _what = outcome(ready, tmp_path / "bulk", EVERY_KIND, 13, in_bulk(most))

    assert expected[0] == got[0]
    assert expected[1] == got[1]
    assert what >= {
        *("claimed", "replayed", "held", "delayed", "challenge_required", "refused_by_risk"),
        *("session_ended", "session_cut", "session_not_open", "not_of_session"),
        *("own_packet", "not_for_you", "already_claimed", "packet_finished", "packet_refunded"),
        *("packet_expired", "packet_held", "packet_not_found", "invalid_packet_id"),
        "request_conflict",
    }


@pytest.mark.slow
def test_any_claims_in_bulk_are_what_they_are_one_by_one(ready: Ready, tmp_path: Path):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(WISHES, min_size=1, max_size=40),
        st.sampled_from((1, 2, 7, 100)),
        st.integers(0, 30),
    )
    def compare(wishes: list[Wish], most: int, turns: int) -> None:
        compared(ready, tmp_path, wishes, most, turns)

    compare()
    print(  # noqa: T201 - how much was tried
        f"{EXAMPLES} workloads, in which claims came to: {', '.join(sorted(SEEN))}"
    )
