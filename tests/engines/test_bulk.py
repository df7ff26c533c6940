"""Many acts and many changes at once: the ledger that is left is the same as one by one."""

import pytest

from hongbao.changes.devices import AddDevice, SetCounter
from hongbao.changes.guards import KeepHabit
from hongbao.changes.home import RememberRefusal
from hongbao.changes.packets import AddClaim, AddPacket
from hongbao.domain.ledger import Transfer
from hongbao.questions import Question
from hongbao.store import Change, Decided, HabitRow, Store
from tests.engines.acts import (
    BASE,
    DIGEST,
    LI,
    NEXT,
    TOPUP_FEN,
    WANG,
    ZHANG,
    act,
    balance,
    claim,
    decide,
    digest_of,
    in_packet,
    mac_of,
    packet_row,
    picture,
    seal,
    send,
    topup,
)
from tests.engines.cases import DRAWN, HALF, PACKET
from tests.engines.conftest import Engine

SENT = PACKET.packet


def claims() -> list[tuple[Change, Transfer]]:
    """Return the two claims of the packet that is sent, each with its transfer."""
    taken = SENT._replace(claimed_fen=400, claimed_count=1)
    at = HALF.created_at
    return [
        (AddClaim(SENT, LI, 400, DRAWN, NEXT + 1, at), claim(1, 400, LI)),
        (AddClaim(taken, WANG, 600, DRAWN, NEXT + 2, at), claim(1, 600, WANG)),
    ]


def test_acts_at_once_are_acts_one_by_one(store: Store, engine: Engine):
    """
    Entries, transfers, balances, claims, the packet, counters and refusals.
    """
    act(store, AddPacket(PACKET), transfers=[send(1, 1000)])
    refusals = [RememberRefusal(f"no-{number}", LI, DIGEST, "{}", 1, DIGEST) for number in (1, 2)]
    others: list[Change] = [SetCounter(1, 5), SetCounter(1, 7), *refusals]

    def pictured() -> object:
        return (
            picture(store),
            store.packet("packet-1"),
            store.claims(1),
            [device.counter for device in store.devices(ZHANG)],
            [store.request(f"no-{number}", LI) for number in (1, 2)],
        )

    def one_by_one() -> object:
        with store.transaction(dry_run=True):
            acts: list[Decided] = []
            store.apply(others[:1])
            for change in others[1:]:
                store.apply([change])
            for number, (change, transfer) in enumerate(claims(), NEXT + 1):
                acts.append(decide(store, change, transfers=[transfer], entry=number))
                store.append(acts[-1:], seal, more=True)
            store.append([], seal)
            return pictured()

    def at_once() -> object:
        with store.transaction(dry_run=True):
            store.apply([*others, *(change for change, _transfer in claims())])
            acts = [
                decide(store, transfers=[transfer], entry=number)
                for number, (_change, transfer) in enumerate(claims(), NEXT + 1)
            ]
            store.append(acts, seal)
            return pictured()

    assert one_by_one() == at_once()


def test_habits_are_kept_at_once(store: Store):
    """
    Of each profile the last one, where one was kept before and where none was.
    """
    act(store, KeepHabit(LI, HabitRow(1, "before")))
    changes = [
        KeepHabit(profile, HabitRow(upto, f"{profile}: {upto}"))
        for profile, upto in ((LI, 2), (WANG, 2), (LI, 3))
    ]

    act(store, *changes)

    assert [HabitRow(3, f"{LI}: 3"), HabitRow(2, f"{WANG}: 2")] == [
        store.habit(profile).kept for profile in (LI, WANG)
    ]


def test_each_of_many_acts_is_written_as_it_is(store: Store):
    """
    Its transfers, its row's seal and how long it took; only the last one has a seal.
    """
    at = HALF.created_at
    with store.transaction():
        before = store.head().mac
        acts = [
            decide(
                store,
                AddPacket(packet_row(number, BASE + number)),
                AddDevice(10 + number, f"d{number}", f"d{number}", bytes([number]) * 32, at),
                transfers=[send(number, 100 * number), topup(LI, number)],
                entry=BASE + number,
            )._replace(took=f"{number}:5")
            for number in range(1, 5)
        ]
        mac = store.append(acts, seal)

    assert (BASE + 4, mac) == store.head()[:2]
    macs = [mac for _act, mac in store.audit(Question.SEALED_ACTS, BASE)]
    if store.has_lanes:
        assert macs == [head and head.mac for head in map(store.head, range(NEXT, NEXT + 4))]
    else:
        assert [None, None, None, mac_of(before, acts)] == macs
        assert store.head(NEXT) == store.head(BASE + 4) == store.head()
    assert [act.fields for act in acts] == [
        fields for fields, _seal in store.audit(Question.SEALED_ACTS, BASE)
    ]
    assert [] == list(store.audit(Question.FILE_PROBLEMS))
    written = list(store.acts(after=BASE))
    assert [{number: 5} for number in range(1, 5)] == [each.took for each in written]
    rows = [
        (BASE + number, "device", str(10 + number), digest_of(store, ("device", 10 + number)))
        for number in range(1, 5)
    ]
    assert rows == [tuple(row) for row in store.audit(Question.SEALED_ROWS, BASE)]
    assert (TOPUP_FEN - 1000, 10) == tuple(
        store.balance_fen(balance(profile)) for profile in (ZHANG, LI)
    )
    assert [100, 200, 300, 400] == [store.balance_fen(in_packet(number)) for number in range(1, 5)]


def test_a_packet_that_has_shares_left_stays_open(store: Store):
    """
    However many are given at once; what two give from one packet adds up.
    """
    row = packet_row(1, NEXT, shares=3)
    act(store, AddPacket(row), transfers=[send(1, 1000)])
    taken = row.packet._replace(claimed_fen=400, claimed_count=1)
    at = HALF.created_at
    with store.transaction():
        store.apply(
            [
                AddClaim(row.packet, LI, 400, DRAWN, NEXT + 1, at),
                AddClaim(taken, WANG, 100, DRAWN, NEXT + 2, at),
            ]
        )
        acts = [
            decide(store, transfers=[claim(1, fen, who)], entry=entry)
            for entry, fen, who in ((NEXT + 1, 400, LI), (NEXT + 2, 100, WANG))
        ]
        store.append(acts, seal)

    expected = row.packet._replace(claimed_fen=500, claimed_count=2)
    assert expected == store.packet(1).packet
    assert 500 == store.balance_fen(in_packet(1))


def test_no_account_is_below_zero_in_between(store: Store, engine: Engine):
    """
    Money that is spent before it comes is refused, also where the sum of all is enough.
    """
    before = picture(store)
    transfers = [send(1, TOPUP_FEN + 1), topup(ZHANG, 1)]

    def at_once(moves: list[Transfer]) -> None:
        with store.transaction(dry_run=True):
            store.apply([AddPacket(PACKET)])
            acts = [
                decide(store, transfers=[move], entry=number)
                for number, move in enumerate(moves, NEXT)
            ]
            store.append(acts, seal)
            assert 0 == store.balance_fen(balance(ZHANG))

    with pytest.raises(engine.refusals):
        at_once(transfers)
    at_once(transfers[::-1])
    assert before == picture(store)


def test_which_requests_were_made_before(store: Store):
    """
    By an act or by a refusal, each of its own profile; any number is asked about at once.
    """
    act(store, request_id="made")
    store.apply([RememberRefusal("refused", LI, DIGEST, "{}", 1, DIGEST)])
    asked = {("made", ZHANG), ("made", LI), ("refused", LI), ("refused", ZHANG), ("never", ZHANG)}
    many = {(f"never-{number}", ZHANG) for number in range(1200)}

    assert {("made", ZHANG), ("refused", LI)} == set(store.request(among=asked | many))
    assert not set(store.request(among=set()))
