"""Acts that are done together under one seal: each is the act that it would be alone."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.domain.policy import Policy
from hongbao.errors import HongbaoError
from hongbao.queries.devices import device_keys
from hongbao.units import CHINA
from hongbao.wallet import Wallet
from hongbao.wallet.group import acting_as, together
from hongbao.wallet.unit_of_work import rehearsal
from tests.vault.processes import race
from tests.wallet.guards import BY_AMOUNT, CHALLENGED
from tests.wallet.kills import SWEEPS, count_from_here, killed_at, steps
from tests.wallet.world import LI, PINS, WANG, YUAN, ZHANG, World, policy, right, unasked

Acts = list[Callable[[], Any]]
Answers = list[Any]

FLOWS = frozenset({"send_balance"})


def tight() -> Policy:
    """Return rules by which nobody sends more than 250 yuan in a year."""
    year = 'amount = "200000.00"\ncounts = ["send_balance"] # paying by card and'
    less = year.replace("200000", "250")
    return policy("standard", (('name = "standard"', 'name = "tight"'), (year, less)))


def sends(wallet: Wallet, *amounts_fen: int, pin: Any = right) -> list[Callable[[], Any]]:
    """Return acts that send packets of *amounts_fen*, under the requests r1, r2, …"""
    return [
        functools.partial(wallet.send, amount_fen, count=2, pin=pin, request_id=f"r{number}")
        for number, amount_fen in enumerate(amounts_fen, 1)
    ]


def group(world: World) -> tuple[Wallet, int, list[Any]]:
    """Let Zhang send 100, 180 and 150 yuan together, of which the second is over the limit."""
    zhang = world.zhang
    zhang.use_policy(tight())
    before = zhang.store.head().entry
    return zhang, before, together(zhang.home, sends(zhang, 100 * YUAN, 180 * YUAN, 150 * YUAN))


def used_fen(wallet: Wallet) -> int:
    day = f"{wallet.now().astimezone(CHINA):%Y-%m-%d}"
    return wallet.store.usage_of(wallet.me.person).used_fen(FLOWS, day, day)


def test_what_is_refused_leaves_nothing_and_the_others_stand(world: World):
    """
    The second is over the limit as the first has left it, and the third is not, exactly: none of
    what the refused one had counted is there.
    """
    zhang, before, (first, second, third) = group(world)

    assert isinstance(second, errors.LimitExceeded)
    assert [100 * YUAN, 150 * YUAN] == [first["total_fen"], third["total_fen"]]
    assert [900 * YUAN, 750 * YUAN] == [first["balance_fen"], third["balance_fen"]]
    assert 250 * YUAN == used_fen(zhang)
    assert 750 * YUAN == zhang.balance()["available_fen"]
    assert before + 2 == zhang.store.head().entry
    assert 2 == len(zhang.packets(limit=10))
    assert {} == world.findings()


def test_acts_of_a_group_are_looked_at_one_by_one(world: World):
    """History, events, trace, receipts and requests are by act; the seal is the group's."""
    zhang, before, (first, _refused, third) = group(world)

    heads = {zhang.store.head(entry) for entry in (before + 1, before + 2)}
    assert {zhang.store.head()} == heads
    assert zhang.home.keys.head() == (before + 2, zhang.store.head().mac)
    assert zhang.store.head(before) not in heads
    lines = zhang.history(limit=2)["movements"]
    assert [third["packet"], first["packet"]] == [line["packet"] for line in lines]
    seen = zhang.events(after=before)["events"]
    assert [first["packet"], third["packet"]] == [event["packet"] for event in seen]
    for answer, request in ((first, "r1"), (third, "r3")):
        assert answer["packet"] == zhang.trace(request)["subject"]
        slip, _signer = zhang.receipt(answer["packet"])
        assert (request, zhang.store.head().mac) == (slip.request_id, slip.mac)
        again = zhang.send(answer["total_fen"], count=2, pin=unasked, request_id=request)
        assert {**answer, "replayed": True} == again
    with pytest.raises(errors.RequestNotFound):
        zhang.trace("r2")


def test_a_request_that_was_refused_in_a_group_is_what_it_would_be_alone(
    worlds: Callable[[str], World],
):
    """Refused for good is remembered, and refused for now can be asked for again."""

    def refusals(world: World, do: Callable[[Wallet, list[Any]], None]) -> dict[str, Any]:
        zhang = world.zhang
        packet = zhang.send(2, count=2, pin=right)["packet"]
        with world.li as li:
            li.claim(packet)
        wanted = [
            functools.partial(zhang.send, 20_000 * YUAN, count=100, pin=right, request_id="poor"),
            functools.partial(zhang.claim, packet, request_id="late"),
            functools.partial(zhang.claim, packet, request_id="twice"),
        ]
        do(zhang, wanted)
        return world.dump(ignoring={**PINS, "entry": ("mac",), "sealed_row": ("digest",)})

    def alone(_zhang: Wallet, acts: list[Callable[[], Any]]) -> None:
        for act in acts:
            try:
                act()
            except HongbaoError:
                continue

    def grouped(zhang: Wallet, acts: list[Callable[[], Any]]) -> None:
        answers = together(zhang.home, acts)
        assert [True, False, True] == [isinstance(each, HongbaoError) for each in answers]

    assert refusals(worlds("alone"), alone) == refusals(worlds("grouped"), grouped)


def test_each_act_of_a_group_has_its_own_profile(world: World):
    """Li and Wang claim what Zhang has sent in the same group, and nobody gets the last share."""
    zhang = world.zhang
    sent: list[Any] = []

    def claimed(name: str) -> Callable[[], Any]:
        def act() -> Any:
            with acting_as(zhang.home, name):
                return zhang.claim(sent[0]["packet"], request_id="same")

        return act

    def first() -> Any:
        sent.append(zhang.send(10 * YUAN, count=2, pin=right, request_id="same"))
        return sent[0]

    before = zhang.store.head().entry
    acts = [first, claimed(LI), claimed(WANG), claimed(ZHANG)]
    answers: list[Any] = together(zhang.home, acts)
    _sent, li, wang, late = answers

    assert 10 * YUAN == li["amount_fen"] + wang["amount_fen"]
    assert isinstance(late, errors.RequestConflict)  # by its own earlier act of the group
    assert [ZHANG, LI, WANG] == [line["actor"] for line in zhang.events(after=before)["events"]]
    assert li["amount_fen"] == world.li.balance()["available_fen"]
    assert {} == world.findings()


def test_a_group_is_all_there_or_not_at_all(world: World):
    """What is wrong with the ledger, or with us, is no refusal: it undoes what came before it."""
    zhang = world.zhang
    before = world.dump(ignoring=PINS)
    for wrong in (errors.Busy(), errors.Damaged(path="x"), ZeroDivisionError()):

        def fail(wrong: Exception = wrong) -> None:
            raise wrong

        with pytest.raises(type(wrong)):
            together(zhang.home, [*sends(zhang, YUAN), fail, *sends(zhang, YUAN)])
        assert before == world.dump(ignoring=PINS)
        assert zhang.home.group is None
    zhang.send(YUAN, pin=right, request_id="r1")
    assert {} == world.findings()


def test_a_group_of_none_and_one_of_nothing_but_refusals_leave_no_entry(world: World):
    zhang = world.zhang
    head = zhang.store.head()
    assert [] == together(zhang.home, [])
    (refused,) = together(zhang.home, sends(zhang, 15_000 * YUAN))
    assert isinstance(refused, HongbaoError)
    assert head == zhang.store.head()
    assert {} == world.findings()


def test_a_dry_run_of_a_group_leaves_nothing(world: World):
    zhang = world.zhang
    before = world.dump(ignoring=PINS)
    with rehearsal(zhang.home, dry_run=True):
        answers: list[Any] = together(zhang.home, sends(zhang, 100 * YUAN, 150 * YUAN))
    first, second = answers
    assert [900 * YUAN, 750 * YUAN] == [first["balance_fen"], second["balance_fen"]]
    assert before == world.dump(ignoring=PINS)


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        pytest.param("UPDATE entry SET amount_fen = -1 WHERE id = {first}", "{both}", id="an act"),
        pytest.param(
            "UPDATE transfer SET amount_fen = 1 WHERE entry = {last}", "{both}", id="a transfer"
        ),
        pytest.param("UPDATE entry SET mac = zeroblob(32) WHERE id = {last}", "{both}", id="MAC"),
        pytest.param(
            "UPDATE entry SET mac = NULL WHERE id = {last}",
            "{both}, which nothing seals",
            id="no MAC",
        ),
        pytest.param(
            "UPDATE entry SET mac = (SELECT mac FROM entry WHERE id = {last}) WHERE id = {first}",
            "entry {first}",
            id="cut in two",
        ),
        pytest.param(
            "DELETE FROM entry WHERE id = {first}", "entry {first} is missing", id="one is gone"
        ),
    ],
)
def test_what_was_edited_within_a_group_is_named(edit: str, named: str, world: World):
    """The acts of one seal are named together: it cannot say which of them it was."""
    _zhang, before, _answers = group(world)
    first, last = before + 1, before + 2
    world.edit(edit.format(first=first, last=last))
    both = f"entries {first} to {last}"
    assert named.format(first=first, last=last, both=both) in world.findings()["chain"]


def test_groups_of_several_processes_stand_one_after_the_other(world: World):
    zhang = world.zhang
    packets = [zhang.send(20, count=2, pin=right)["packet"] for _ in range(3)]
    world.close()

    def act(number: int) -> bytes:
        with Wallet.open(world.env, profile=(ZHANG, LI, WANG, ZHANG)[number]) as wallet:
            claims = [functools.partial(wallet.claim, packet) for packet in packets]
            answers = together(wallet.home, claims)
        return bytes(isinstance(answer, HongbaoError) for answer in answers)

    told = race(4, act)
    assert 6 == sum(answer.count(0) for answer in told)
    assert {} == world.findings()


@SWEEPS
def test_a_group_that_is_killed_happened_whole_or_not_at_all(
    everywhere: bool, world: World, tmp_path: Path
):
    world.close()
    before = world.dump(ignoring=PINS)
    seen = set()
    for step in steps(everywhere, 1):
        victim = world.copy(tmp_path / f"killed-{step}")

        def act(victim: World = victim, step: int = step) -> None:
            with Wallet.open(victim.env, profile=ZHANG) as zhang:
                count_from_here(step)
                together(zhang.home, sends(zhang, YUAN, 9_000 * YUAN, 2 * YUAN))

        killed = killed_at(step, act, everywhere=everywhere)
        acts = len(victim.dump()["entry"]) - len(before["entry"])
        seen.add(acts)
        # Each PIN that was asked for within is a try that is noted next to the keys alone.
        tries = "profile 1: tries at the PIN"
        assert victim.findings() in ({}, {"state": [tries]} if killed else {})
        victim.close()
        if not killed:
            break
    assert {0, 2} == seen


def test_a_group_does_what_its_acts_do_alone(dicing: World, tmp_path: Path):
    """
    Chance, ids, clocks, counters and guards: two copies of a demo end alike to the last row.

    Among the acts are a payment of several steps, one that risk control stops, one that is
    refused, one that is asked for twice, and a claim of what was sent just before.
    """

    dicing.zhang.use_risk_pack(BY_AMOUNT)

    def done(name: str, do: Callable[[Wallet, Acts], Answers]) -> Any:
        world = dicing.copy(tmp_path / name)
        zhang = world.zhang
        sent: list[Any] = []

        def send() -> Any:
            sent.append(zhang.send(10 * YUAN, count=2, pin=right, request_id="send"))
            return sent[-1]

        answers = do(
            zhang,
            [
                functools.partial(zhang.topup, 5 * YUAN, pin=right),
                send,
                send,
                functools.partial(zhang.send, CHALLENGED, pin=right),
                functools.partial(zhang.send, 30_000 * YUAN, count=100, pin=right),
                lambda: zhang.claim(sent[0]["packet"]),
                functools.partial(zhang.withdraw, YUAN, pin=right),
            ],
        )
        assert {} == world.findings()
        dump = world.dump(ignoring={"entry": ("mac",)})
        world.close()
        return answers, dump

    def alone(_zhang: Wallet, acts: Acts) -> Answers:
        answers: Answers = []
        for act in acts:
            try:
                answers.append(act())
            except HongbaoError as error:
                answers.append(error)
        return answers

    def grouped(zhang: Wallet, acts: Acts) -> Answers:
        return together(zhang.home, acts)

    (answers, before), (others, after) = done("alone", alone), done("grouped", grouped)

    assert before == after
    told = [answer.as_dict() if isinstance(answer, HongbaoError) else answer for answer in answers]
    assert told == [
        other.as_dict() if isinstance(other, HongbaoError) else other for other in others
    ]
    assert isinstance(answers[3], errors.ChallengeRequired)
    assert isinstance(answers[4], HongbaoError)
    assert answers[2]["replayed"]


def test_a_device_key_lives_only_where_its_act_does(world: World):
    """Of a refused act in a group, and of a group that is undone, no key stays behind."""
    zhang = world.zhang
    keys = world.env.keys / "devices"
    before = {file.name for file in keys.glob("*.key")}
    add = functools.partial(zhang.add_device, pin=right)

    def made_and_refused() -> None:
        home = zhang.home
        made = device_keys(home).create()
        assert home.made_device_keys is not None
        home.made_device_keys.append(made)
        raise errors.SelfRecipient

    undone: Acts = [functools.partial(add, "tablet"), _busy]
    with pytest.raises(errors.Busy):
        together(zhang.home, undone)
    assert before == {file.name for file in keys.glob("*.key")}
    answers: Answers = together(zhang.home, [functools.partial(add, "tablet"), made_and_refused])
    assert isinstance(answers[1], errors.SelfRecipient)
    assert 1 == len({file.name for file in keys.glob("*.key")} - before)
    assert {} == world.findings()


def _busy() -> None:
    raise errors.Busy
