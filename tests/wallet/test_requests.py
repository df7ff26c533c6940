"""One request, one act: replays, conflicts, refusals for good, and rehearsals."""

import json

import pytest

from hongbao import errors
from hongbao.wallet.refund import refund_packet
from tests.wallet.acts import BY_NAME, DAY, KINDS, Kind, expired, half_claimed, new_pin, sent
from tests.wallet.world import (
    CARD,
    LI,
    PINS,
    WANG,
    YUAN,
    ZHANG,
    World,
    right,
    tail,
    unasked,
    wrong,
)

pytestmark = pytest.mark.usefixtures("world")

NAMED = list(KINDS)
OTHERWISE = [kind for kind in KINDS if kind.otherwise is not None]
MARKED = [
    BY_NAME[name] for name in ("identify", "card-add", "device-certify", "totp-remove", "topup")
]
"""Acts whose request holds what is private, and one whose request does not."""

REHEARSED = [kind for kind in KINDS if kind.dry]
_OUT = ("withdraw", "sent", "bank", "paid_out")
TRAVELLING = {
    "topup": ("instruct_topup", "sent", "bank", "topup"),
    "withdraw": _OUT,
    "withdraw-for-a-fee": _OUT,
    "send-by-card": ("instruct_send", "sent", "bank", "send"),
}
"""Acts that go through the channel at once, and the entries they leave."""


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("kind", NAMED, ids=repr)
def test_the_same_request_gets_the_first_answer_again(kind: Kind, world: World):
    """
    An id with the same inputs is answered as the first time, to the order of the names, and
    marked; nothing is done twice.
    """
    ready = kind.ready(world)
    first = kind.do(world.open(kind.who), ready, request_id="again")
    before = world.dump(ignoring=PINS)
    world.turn(hours=1)

    second = kind.do(world.open(kind.who), ready, request_id="again")

    assert json.dumps(first | {"replayed": True}) == json.dumps(without_marks(second))
    assert before == world.dump(ignoring=PINS)


def without_marks(answer):
    """Return *answer* with its refunds as they were first told: their own marks are left out."""
    if "refunds" not in answer:
        return answer
    refunds = [
        {name: value for name, value in refund.items() if name != "replayed"}
        for refund in answer["refunds"]
    ]
    return {**answer, "refunds": refunds}


@pytest.mark.parametrize("kind", OTHERWISE, ids=repr)
def test_a_request_id_is_not_used_for_something_else(kind: Kind, world: World):
    """
    The inputs are compared, not the id alone: another request under it is a conflict.
    """
    ready = kind.ready(world)
    kind.do(world.open(kind.who), ready, request_id="once")
    before = world.dump(ignoring=PINS)

    assert kind.otherwise is not None
    with pytest.raises(errors.RequestConflict):
        kind.otherwise(world.open(kind.who), ready, request_id="once")

    assert before == world.dump(ignoring=PINS)


@pytest.mark.in_turn(2, 1)
@pytest.mark.parametrize("kind", REHEARSED, ids=repr)
def test_a_dry_run_does_everything_and_changes_nothing(kind: Kind, world: World):
    """
    A rehearsal says what the real run says, and every row is as it was.
    """
    ready = kind.ready(world)
    before = world.dump(ignoring=PINS)

    said = kind.do(world.open(kind.who), ready, dry_run=True)

    assert said.pop("dry_run") is True
    assert before == world.dump(ignoring=PINS)
    done = kind.do(world.open(kind.who), ready)
    assert shape(done) == shape(said)
    assert before != world.dump(ignoring=PINS)


def shape(answer):
    """Return what of *answer* does not hang on chance."""
    drawn = {"request_id", "packet", "commitment", "bill", "dry_run"}
    return {
        name: [shape(part) for part in value] if isinstance(value, list) else value
        for name, value in answer.items()
        if name not in drawn
    }


@pytest.mark.in_turn(2, 1)
@pytest.mark.parametrize("kind", NAMED, ids=repr)
def test_every_act_leaves_a_ledger_that_checks(kind: Kind, world: World):
    """
    After any act, everything adds up.
    """
    ready = kind.ready(world)

    kind.do(world.open(kind.who), ready)

    assert {} == world.findings()


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("kind", NAMED, ids=repr)
def test_each_act_is_one_entry_or_one_for_each_step(kind: Kind, world: World):
    """
    One act, one entry. A payment through the channel is one for each step that an institution
    takes, the first of them under the request's own id; a refund of all that is due is as many
    acts as there are packets.
    """
    ready = kind.ready(world)
    before = world.dump()

    kind.do(world.open(kind.who), ready, request_id="mine")

    entries = world.dump()["entry"][len(before["entry"]) :]
    requests = [entry[3] for entry in entries]
    if kind.name == "refund-due":
        assert 2 == len(requests)
        assert all(request.startswith("mine/hb_") for request in requests)
    elif kind.name in TRAVELLING:
        [payment] = {row[1] for row in world.dump()["message"][-1:]}
        steps = [f"/{payment}/{step}" for step in ("sent", "bank", "booked")]
        assert ["mine", *steps] == requests
        assert (*TRAVELLING[kind.name],) == tuple(entry[1] for entry in entries)
        assert {len(world.dump()["message"])} == {entry[15] for entry in entries}
    else:
        assert ["mine"] == requests


@pytest.mark.parametrize("kind", MARKED, ids=repr)
def test_a_request_is_the_same_one_after_the_home_got_new_keys(kind: Kind, world: World):
    """
    What was typed of an identity or a card stands in the request by a mark alone, and the mark is
    made again under the keys of its time: twice rekeyed, the same request is answered as the first
    time, and another one is still a conflict.
    """
    ready = kind.ready(world)
    first = kind.do(world.open(kind.who), ready, request_id="again")
    for _ in range(2):
        world.zhang.rekey()
    before = world.dump(ignoring=PINS)

    second = kind.do(world.open(kind.who), ready, request_id="again")

    assert first | {"replayed": True} == second
    if kind.otherwise is not None:
        with pytest.raises(errors.RequestConflict):
            kind.otherwise(world.open(kind.who), ready, request_id="again")
    assert before == world.dump(ignoring=PINS)


def test_two_people_may_use_the_same_request_id(world: World):
    """
    A request id belongs to the profile that made it.
    """
    packet = sent()(world)

    li = world.li.claim(packet, request_id="mine")
    wang = world.wang.claim(packet, request_id="mine")

    assert 10 * YUAN == li["amount_fen"] + wang["amount_fen"]
    assert "replayed" not in wang


@pytest.mark.parametrize("bad", ["", "a b", "x" * 65, "a|b", "号", "a/b"])
def test_a_request_id_that_is_none_is_refused_before_the_pin(bad: str, world: World):
    """
    What was typed wrongly is said before a PIN is asked for and counted, even where nothing is due.
    """
    before = world.dump()

    with pytest.raises(errors.InvalidRequestId):
        world.zhang.send(10 * YUAN, pin=unasked, request_id=bad)
    with pytest.raises(errors.InvalidRequestId):
        world.zhang.topup(10 * YUAN, pin=unasked, request_id=bad)
    with pytest.raises(errors.InvalidRequestId):
        world.zhang.refund_due(request_id=bad)
    with pytest.raises(errors.InvalidRequestId):
        world.zhang.refund_due(request_id=bad)

    assert before == world.dump()


# --- answered again although what it needed is gone -----------------------------------------------


def test_a_removal_is_told_again_though_the_card_is_gone(world: World):
    """
    A script that was killed after removing a card repeats itself and is not told "no such card".
    """
    first = world.zhang.remove_card(tail(CARD), pin=right, request_id="bye")

    second = world.zhang.remove_card(tail(CARD), pin=unasked, request_id="bye")

    assert {**first, "replayed": True} == second


@pytest.mark.parametrize("act", ["topup", "withdraw", "send"])
def test_a_payment_is_told_again_though_its_card_is_gone(act: str, world: World):
    """
    The first answer does not hang on what has happened to the card since.
    """

    def pay():
        if act == "send":
            return world.zhang.send(YUAN, paid_from=tail(CARD), pin=right, request_id="pay")
        return getattr(world.zhang, act)(YUAN, card=tail(CARD), pin=right, request_id="pay")

    first = pay()
    world.zhang.remove_card(tail(CARD), pin=right)

    assert {**first, "replayed": True} == pay()


def test_a_changed_pin_is_told_again_to_who_knows_the_new_one(world: World):
    """
    Repeating a change of PIN cannot prove the old one any more; it proves the new one instead.
    """
    first = world.zhang.change_pin(right, new_pin, request_id="pin")

    second = world.zhang.change_pin(unasked, new_pin, request_id="pin")

    assert {**first, "replayed": True} == second


def test_a_change_to_another_pin_is_not_answered_with_the_first_one(world: World):
    """
    The PIN itself is kept nowhere, but another one under the same id is a wrong one, and counted.
    """
    world.zhang.change_pin(right, new_pin, request_id="pin")

    with pytest.raises(errors.WrongPin):
        world.zhang.change_pin(unasked, wrong, request_id="pin")


# --- refused for good -----------------------------------------------------------------------------


def test_what_was_refused_for_good_stays_refused_as_it_was(world: World):
    """
    A named claim that came too late is told so with the first words, whatever happened since.
    """
    packet = expired()(world)
    with pytest.raises(errors.PacketExpired) as first:
        world.wang.claim(packet, request_id="late")
    world.zhang.refund(packet)

    with pytest.raises(errors.PacketExpired) as second:
        world.wang.claim(packet, request_id="late")

    assert first.value.as_dict() == second.value.as_dict()
    with pytest.raises(errors.PacketRefunded):
        world.wang.claim(packet, request_id="later")


def test_an_id_refused_for_good_is_not_free_for_another_request(world: World):
    """
    A refused id belongs to what was refused under it.
    """
    packet = half_claimed(world)
    with pytest.raises(errors.AlreadyClaimed):
        world.li.claim(packet, request_id="mine")

    with pytest.raises(errors.RequestConflict):
        world.li.topup(YUAN, pin=unasked, request_id="mine")
    with pytest.raises(errors.RequestConflict):
        world.li.claim(sent()(world), request_id="mine")


def test_what_may_yet_succeed_is_not_remembered(world: World):
    """
    A refund that came too early is done under the same id once it is due.
    """
    packet = sent()(world)
    with pytest.raises(errors.PacketNotExpired):
        world.zhang.refund(packet, request_id="back")
    with pytest.raises(errors.InsufficientBalance):
        world.zhang.withdraw(2000 * YUAN, pin=right, request_id="out")
    world.at += DAY
    world.zhang.topup(1500 * YUAN, pin=right)

    assert 10 * YUAN == world.zhang.refund(packet, request_id="back")["refunded_fen"]
    assert (
        2000 * YUAN == world.zhang.withdraw(2000 * YUAN, pin=right, request_id="out")["amount_fen"]
    )


def test_an_unnamed_refusal_leaves_no_trace(world: World):
    """
    Only a request that has a name can be repeated, so only then is a refusal worth a row.
    """
    packet = half_claimed(world)
    before = world.dump()

    with pytest.raises(errors.AlreadyClaimed):
        world.li.claim(packet)

    assert before == world.dump()


def test_a_refund_of_all_that_is_due_goes_on_where_it_was_cut_off(world: World):
    """
    Repeated under its id after a crash, it returns what is left and tells of all of it.
    """
    packets = [sent()(world) for _ in range(3)]
    world.at += DAY
    whole = world.zhang.refund_due(request_id="all", dry_run=True)
    refund_packet(world.zhang.home, packets[0], request_id="all", part=packets[0])

    told = world.zhang.refund_due(request_id="all")

    assert whole["refunded_fen"] == told["refunded_fen"]
    assert [packets[0]] == [each["packet"] for each in told["refunds"] if "replayed" in each]
    assert (3, False) == (len(told["refunds"]), "replayed" in told)
    again = world.zhang.refund_due(request_id="all")
    assert all(each["replayed"] for each in (again, *again["refunds"]))
    assert {} == world.findings()


def test_a_name_of_another_act_is_not_a_refund_of_all(world: World):
    """
    An id that a top-up had is a conflict for the refund of everything.
    """
    world.zhang.topup(YUAN, pin=right, request_id="mine")

    with pytest.raises(errors.RequestConflict):
        world.zhang.refund_due(request_id="mine")


def test_a_name_of_a_refund_of_all_is_not_another_act(world: World):
    """
    Nor the other way round.
    """
    expired()(world)
    world.zhang.refund_due(request_id="mine")

    with pytest.raises(errors.RequestConflict):
        world.zhang.topup(YUAN, pin=unasked, request_id="mine")


@pytest.mark.parametrize("who", [ZHANG, LI, WANG])
def test_nothing_due_is_an_answer_too(who: str, world: World):
    """
    Where nothing is due, nothing comes back and nobody is refused.
    """
    assert {"refunded_fen": 0, "refunds": []} == world.open(who).refund_due()
