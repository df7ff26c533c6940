"""Lanes on a real server: who waits for whom, what two acts may do, and what `check` finds."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymysql.connections import Connection

from hongbao.auditing.context import Context, Noted
from hongbao.auditing.lanes import Lanes
from hongbao.auditing.walk import walk
from hongbao.changes.devices import SetCounter
from hongbao.changes.packets import AddClaim, AddPacket, AddUsage
from hongbao.changes.people import AddProfile, Identify
from hongbao.domain.fairness import DrawInput
from hongbao.engines.mysql import engine as engine_module
from hongbao.engines.mysql import lanes as lanes_module
from hongbao.engines.mysql.engine import Ledger
from hongbao.store import Again, PacketRow, Store, has_gaps
from hongbao.wallet.sessions import open_session
from tests.cli.shell import Shell
from tests.cluster.databases import SECRET, Databases
from tests.cluster.nodes import OWNER, Cluster, connect
from tests.cluster.test_machines import PIN, does, machines_of
from tests.cluster.worlds import worlds_on
from tests.engines.acts import (
    DAY,
    LI,
    T1,
    WANG,
    ZHANG,
    act,
    add,
    balance,
    claim,
    found,
    in_packet,
    packet_row,
    profile_row,
    seal,
    send,
    topup,
)
from tests.vault.processes import race
from tests.wallet.guards import pack_of
from tests.wallet.world import CARD, YUAN, right

pytestmark = pytest.mark.cluster

SHARE_FEN = 100
SENT_FLOW = frozenset({"send_balance"})


def sent(store: Store, number: int, *, shares: int = 2) -> PacketRow:
    row = packet_row(number, store.head().entry + 1, total_fen=shares * SHARE_FEN, shares=shares)
    act(store, AddPacket(row), transfers=[send(number, shares * SHARE_FEN)])
    return row


def claims(store: Store, number: int, profile: int) -> None:
    """Claim a share as an act does: by the number of its moment, on what it has read."""
    home = store.home()
    assert home is not None
    entry, _ = store.next_entry(home, datetime.now(UTC))
    packet = store.packet(number).packet
    taken = AddClaim(packet, profile, SHARE_FEN, DrawInput(bytes(16)), entry, T1)
    moved = [claim(number, SHARE_FEN, profile)]
    add(store, taken, transfers=moved, profile=profile, packet=number, entry=entry)


def again(do: Callable[[], object]) -> int:
    """Do something until it is not undone, and return how often it was."""
    undone = 0
    while True:
        try:
            do()
            return undone
        except Again:
            undone += 1


class Keys:
    """The keys of `tests.engines.acts.seal`, as the check asks for them."""

    generation = 1

    def chain_mac(self, previous: bytes, entry: bytes, *, generation: int | None = None) -> bytes:
        assert generation == 1
        return seal(previous, entry)


def torn(store: Store) -> list[str]:
    """Return what the check finds wrong with the lanes."""
    nobody: Any = None
    context = Context(store, Keys(), nobody, nobody, Noted(None))  # type: ignore[arg-type]
    reader = Lanes(context)
    with store.snapshot():
        walk(context, [reader])
    return reader.found


# --- who waits for whom --------------------------------------------------------------------------


def test_acts_that_share_no_lane_do_not_wait_for_each_other(store: Store, databases: Databases):
    """One has written all that it will and is not over; the other begins and ends meanwhile."""
    sent(store, 1)
    sent(store, 2)
    other = databases.open()
    with store.transaction(("packet", 1)):
        claims(store, 1, LI)
        with other.transaction(("packet", "packet-2")):
            claims(other, 2, WANG)
        with other.transaction():
            sent_row = packet_row(other.next_number("packet"), 999)
            add(other, AddPacket(sent_row), transfers=[topup(WANG, 1)], profile=WANG, entry=999)
    assert [LI] == [each.profile for each in store.claims(1)]
    assert [WANG] == [each.profile for each in store.claims(2)]


def test_acts_on_one_packet_are_a_queue_and_each_share_is_paid_once(
    store: Store, databases: Databases
):
    _race_for_shares(store, databases, hints=True)


def test_without_a_queue_they_begin_again_and_each_share_is_paid_once(
    store: Store, databases: Databases
):
    """Nothing rests on who waits for whom."""
    assert _race_for_shares(store, databases, hints=False) > 0


@pytest.mark.parametrize("hints", [True, False])
def test_claimers_on_three_nodes_are_paid_each_share_once(galera: Cluster, hints: bool):
    """A lock is known on its own node alone: between nodes they begin again."""
    databases = Databases(galera)
    store = databases.create()
    found(store)
    _race_for_shares(store, databases, hints=hints)
    databases.close()


def at_node(databases: Databases, number: int) -> Ledger:
    """Open the ledger with its nodes in another order: a claimer at each of them."""
    address = databases.address("ledger")
    first = number % len(address.hosts)
    hosts = address.hosts[first:] + address.hosts[:first]
    return Ledger.open(address._replace(hosts=hosts), databases._password, SECRET)


def _race_for_shares(store: Store, databases: Databases, *, hints: bool) -> int:
    claimers = range(11, 19)
    for number in claimers:
        act(store, AddProfile(profile_row(number), f"p{number}", "hash"))
    sent(store, 1, shares=len(claimers))
    databases.close()

    def one(number: int) -> bytes:
        ledger, me = at_node(databases, number), claimers[number]

        def once() -> None:
            with ledger.transaction(*([("packet", 1)] if hints else [])):
                claims(ledger, 1, me)

        return b"%d" % again(once)

    undone = sum(map(int, race(len(claimers), one)))
    for node in range(len(databases.address("ledger").hosts)):
        store = at_node(databases, node)
        assert sorted(claimers) == sorted(each.profile for each in store.claims(1))
        assert 0 == store.balance_fen(in_packet(1))
        assert {SHARE_FEN} == {store.balance_fen(balance(profile)) for profile in claimers}
        assert [] == torn(store)
        store.close()
    return undone


# --- what two acts at once may do ----------------------------------------------------------------


def undone(
    late: Store, look: Callable[[], object], first: Callable[[], object], act: Callable[[], object]
) -> bool:
    """
    Let *late* look, have the *first* act done, and then let *late* act on what it has seen.

    Return whether that was undone.
    """
    try:
        with late.transaction():
            look()
            first()
            act()
    except Again:
        return True
    return False


def within(store: Store, do: Callable[[], object]) -> Callable[[], None]:
    """Return what does something in a transaction of *store*."""

    def done() -> None:
        with store.transaction():
            do()

    return done


def use_up(store: Store, profile: int) -> None:
    """Send 600 of 1,000 that one person may, where so much is left of it."""
    used_fen = store.usage_of(ZHANG).used_fen(SENT_FLOW, DAY, DAY)
    assert used_fen + 600 <= 1_000, "the limit"
    add(store, AddUsage(ZHANG, "send_balance", DAY, 600), profile=profile, request_id=f"{profile}")


def test_two_profiles_of_one_person_do_not_exceed_a_limit_together(
    store: Store, databases: Databases
):
    row = profile_row(LI)
    act(store, Identify(row, ZHANG, b"i" * 32, b"n" * 32, b"id", b"name"))
    other = databases.open()
    assert undone(
        other,
        lambda: other.usage_of(ZHANG).used_fen(SENT_FLOW, DAY, DAY),
        within(store, lambda: use_up(store, ZHANG)),
        lambda: use_up(other, LI),
    )
    with pytest.raises(AssertionError, match="the limit"), other.transaction():
        use_up(other, LI)
    assert 600 == store.usage_of(ZHANG).used_fen(SENT_FLOW, DAY, DAY)


def decide_on_the_balance(store: Store, name: str) -> None:
    has_fen = store.balance_fen(balance(ZHANG))
    add(store, transfers=[topup(ZHANG, 1)], request_id=f"{name}:{has_fen}", entry=_entry(store))


def _entry(store: Store) -> int:
    home = store.home()
    assert home is not None
    return store.next_entry(home, datetime.now(UTC))[0]


def lost_update(store: Store, databases: Databases) -> bool:
    """Return whether two acts are done that have both decided on the same balance."""
    other = databases.open()
    return not undone(
        other,
        lambda: other.balance_fen(balance(ZHANG)),
        within(store, lambda: decide_on_the_balance(store, "first")),
        lambda: decide_on_the_balance(other, "second"),
    )


def test_an_act_that_decided_on_what_is_no_longer_so_begins_again(
    store: Store, databases: Databases
):
    assert not lost_update(store, databases)
    assert [] == torn(store)


def test_without_the_lanes_versions_an_update_is_lost_and_found(
    store: Store, databases: Databases, monkeypatch: pytest.MonkeyPatch
):
    """The negative control of all the others: what they prove is what this takes away."""
    blind = lanes_module._STILL.replace("version = %s", "%s IS NOT NULL")
    monkeypatch.setattr(lanes_module, "_STILL", blind)
    monkeypatch.setattr(
        lanes_module, "_ADD", lanes_module._ADD.replace("INSERT", "REPLACE")
    )  # or the number in the lane, which both have, would tell
    assert lost_update(store, databases)
    assert torn(store)


def test_a_rule_that_a_race_has_broken_is_no_mistake_of_ours(store: Store, databases: Databases):
    """The share that one decided on is another's by then: it is done again, and not reported."""
    sent(store, 1, shares=1)
    other = databases.open()
    assert undone(
        other,
        lambda: other.packet(1).packet.shares_left,
        within(store, lambda: claims(store, 1, LI)),
        lambda: claims(other, 1, WANG),
    )
    assert [LI] == [each.profile for each in store.claims(1)]


def test_a_device_that_two_profiles_share_never_counts_to_the_same_number(
    store: Store, databases: Databases
):
    other = databases.open()
    assert undone(
        other,
        lambda: other.devices(ZHANG),
        within(store, lambda: add(store, SetCounter(1, 1), profile=ZHANG)),
        lambda: add(other, SetCounter(1, 1), profile=LI, request_id="other"),
    )


def test_numbers_are_in_the_order_of_their_moments_and_have_gaps(
    store: Store, databases: Databases
):
    home = store.home()
    assert home is not None
    numbers, moments = [], []
    early = datetime.now(UTC)
    for back in (0, 5, 1, 0):  # clocks of machines are not the same
        for _ in range(3):
            with store.transaction():
                entry, at = store.next_entry(home, early - timedelta(seconds=back))
                add(store, entry=entry, at=at, request_id=f"{entry}")
            numbers.append(entry)
            moments.append(at)
    assert sorted(set(numbers)) == numbers
    assert sorted(set(moments)) == moments
    assert max(numbers) < 2**53
    for place, moment in enumerate(moments):
        first, stop = store.span(moment).start, store.span(until=moment).stop
        assert first == stop
        assert [0, *numbers][place] < first <= numbers[place]
    assert has_gaps(store)
    assert [] == torn(store)


def test_who_follows_reads_to_where_nothing_comes_in_between(store: Store):
    """An act that is older than that begins again, with another number."""
    home = store.home()
    assert home is not None
    now = datetime.now(UTC)
    with store.transaction():
        entry, at = store.next_entry(home, now)
        add(store, entry=entry, at=at)
    assert entry == store.head().entry
    assert store.settled(now).entry < entry
    assert entry == store.settled(now + timedelta(seconds=8)).entry

    def grow_old() -> None:
        assert isinstance(store, Ledger)
        assert store._numbers._since is not None
        store._numbers._since -= 6 * 10**9  # it is announced next time

    def late() -> None:
        number, at = store.next_entry(home, now)
        add(store, entry=number, at=at, request_id="late")

    assert undone(store, late, grow_old, lambda: None)
    assert entry == store.head().entry


def test_an_act_that_takes_long_is_announced_and_who_follows_waits_for_it(
    store: Store, databases: Databases, monkeypatch: pytest.MonkeyPatch
):
    """It begins again once, and is not refused for ever."""
    monkeypatch.setattr(engine_module, "COMMITTED_WITHIN", timedelta())
    reader, home = databases.open(), store.home()
    assert home is not None
    numbers, followed = [], []

    def long() -> None:
        with store.transaction():
            now = datetime.now(UTC)
            entry, at = store.next_entry(home, now)
            add(store, entry=entry, at=at, request_id="long")
            numbers.append(entry)
            with reader.transaction():
                add(reader, profile=LI, entry=entry + 8, at=at, request_id=f"{entry}")
            followed.append(reader.settled(now + timedelta(minutes=5)).entry)

    assert 1 == again(long)
    assert followed[0] == numbers[0] + 8  # so it would have been passed
    assert followed[1] < numbers[1] == store.head(numbers[1]).entry  # type: ignore[union-attr]
    assert numbers[1] + 8 == reader.settled(datetime.now(UTC) + timedelta(minutes=5)).entry
    with pytest.raises(Again), store.transaction():
        long_ago(store)


def long_ago(store: Store) -> None:
    home = store.home()
    assert home is not None
    entry, at = store.next_entry(home, datetime.now(UTC))
    add(store, entry=entry, at=at, request_id="long ago")


# --- what check finds ----------------------------------------------------------------------------


DAMAGE = {
    "DELETE FROM lane_entry WHERE lane = 'packet/1' ORDER BY number DESC LIMIT 1": "packet/1",
    "DELETE FROM lane_entry WHERE lane = 'profile/2'": "profile/2",
    "UPDATE lane_entry SET number = number + 7 WHERE lane = 'profile/3'": "profile/3",
    "UPDATE lane_entry SET mac = repeat('x', 32) WHERE lane = 'profile/3'": "profile/3",
    "UPDATE lane SET upto = upto + 1 WHERE name = 'profile/1'": "profile/1",
    "UPDATE lane SET head = repeat('x', 32) WHERE name = 'person/1'": "person/1",
    "DELETE FROM lane WHERE name = 'profile/2'": "profile/2",
    "UPDATE lane_entry SET lane = 'packet/9' WHERE lane = 'packet/1'": "packet/1",
    "UPDATE entry SET amount_fen = 1 WHERE packet = 1 AND profile = 2": "packet/1",
}
"""What an administrator may do to lanes, and the lane that the check names."""


@pytest.mark.parametrize("statement", DAMAGE)
def test_a_lane_that_was_edited_is_named(store: Store, one_node: Cluster, statement: str):
    sent(store, 1)
    for profile in (LI, WANG):
        with store.transaction():
            claims(store, 1, profile)
    act(store, AddUsage(ZHANG, "send_balance", DAY, 1))
    assert [] == torn(store)
    with connect(one_node, one_node.nodes[0], database="hongbao_ledger") as link:
        with link.cursor() as cursor:
            assert cursor.execute(statement)
        link.commit()
    found = torn(store)
    assert any(line.startswith(f"{DAMAGE[statement]}:") for line in found), found


TORN = {
    "UPDATE lane_entry SET mac = reverse(mac) WHERE lane = 'profile/1' AND number = 3": "profile/1",
    "DELETE FROM lane_entry WHERE lane = 'profile/2' ORDER BY number DESC LIMIT 1": "profile/2",
}


def test_check_names_the_lane_and_a_backup_does_not_hide_what_is_wrong(
    one_node: Cluster, tmp_path: Path
):
    """The chain that a backup has is made anew; what was edited before still shows in it."""
    database = one_node.create_database("hongbao_torn")
    [node] = one_node
    shell = machines_of(one_node, tmp_path)("shop")
    does(shell, f"init Ann --ledger mysql://{OWNER}@{node.host}:{node.port}/{database}")
    for line in ("init Bob", "card add 9999010000000003", "topup 100", "send 10 --count 2"):
        does(shell, line)
    does(shell, "claim last -p Bob")
    assert json.loads(does(shell, "check --all --json"))["ok"]
    for number, (statement, lane) in enumerate(TORN.items()):
        with connect(one_node, node, database=database) as link, link.cursor() as cursor:
            cursor.execute("SELECT * FROM lane_entry")
            before = cursor.fetchall()
            assert cursor.execute(statement)
            link.commit()
        assert lane in does(shell, "check --all", 19)
        does(shell, f"backup {tmp_path}/backup{number}")
        copy = Shell(tmp_path / f"copy{number}" / "home", PIN)
        shutil.copytree(shell.home / "keys", copy.home / "keys")
        does(copy, f"restore {tmp_path}/backup{number}")
        assert "chain" in does(copy, "check --all", 19)
        with connect(one_node, node, database=database) as link, link.cursor() as cursor:
            cursor.execute("DELETE FROM lane_entry")
            cursor.executemany("INSERT INTO lane_entry VALUES (%s, %s, %s, %s)", before)
            link.commit()
    assert json.loads(does(shell, "check --all --json"))["ok"]


# --- groups ---------------------------------------------------------------------------------------


def test_claims_in_bulk_are_in_their_lanes_and_are_what_they_are_one_by_one(
    one_node: Cluster, tmp_path: Path
):
    """On a real clock; what is asked for again is answered again."""
    world = worlds_on(one_node)(tmp_path / "world")
    people = [f"person {number}" for number in range(6)]
    for name in people:
        world.found(name)
    zhang = world.open(people[0])
    zhang.use_risk_pack(pack_of("no-rules"))
    zhang.add_card(CARD, pin=right)
    zhang.topup(500 * YUAN, pin=right)
    packets = [zhang.send(2 * YUAN, count=5, pin=right)["packet"] for _ in range(3)]
    sessions = {name: open_session(world.open(name).home) for name in people[1:]}
    requests = [
        sessions[name].claim(packet, f"{name[-1]}-{number}")
        for number, packet in enumerate(packets)
        for name in people[1:]
    ]
    before = zhang.home.store.head().entry

    answers = list(zhang.claim_many([*requests, *requests[:2]], most=7))

    first = [each for each in answers[: len(requests)] if isinstance(each, dict)]
    assert len(requests) == len(first)
    assert 3 * 2 * YUAN == sum(each["amount_fen"] for each in first)
    assert [True, True] == [each["replayed"] for each in answers[-2:]]  # type: ignore[index]
    store = zhang.home.store
    for packet in packets:
        row = store.packet(packet)
        assert row is not None
        assert 5 == row.packet.claimed_count
    entries = [each.entry for each in store.acts(after=before)]
    assert sorted(set(entries)) == entries
    assert zhang.check()["ok"]
    world.close()


# --- what is not finished -------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["lanes", "commit"])
def test_an_act_that_ends_before_its_commit_is_not_committed_by_the_next_one(
    place: str, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """START TRANSACTION commits what is open: where memory is out behind the last change, too."""

    def fails(*_: object) -> None:
        raise MemoryError

    before = store.head()
    with monkeypatch.context() as patch:
        if place == "lanes":
            patch.setattr(lanes_module.Lanes, "move", fails)
        else:
            patch.setattr(Connection, "commit", fails)
        with pytest.raises(MemoryError):
            act(store, transfers=[topup(LI, 1)])
    with store.snapshot():
        pass
    assert before == store.head()
    assert 0 == store.balance_fen(balance(LI))
    act(store, transfers=[topup(LI, 1)])
    assert [] == torn(store)
