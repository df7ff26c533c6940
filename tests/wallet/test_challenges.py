"""Challenges: what was asked goes through once a person has answered, and only that, only once."""

import json
from typing import Any

import pytest

from hongbao.domain.pin import Pin
from hongbao.errors import (
    ChallengeExpired,
    ChallengeFailed,
    ChallengeNotFound,
    ChallengeRequired,
    ChallengeUsed,
    HeldByRisk,
    InvalidAnswer,
    RefusedByRisk,
    RequestConflict,
    SessionCut,
    WrongAnswer,
)
from hongbao.wallet import Wallet
from tests.wallet.risks import SAYS, pack, rule, with_pack
from tests.wallet.test_processes import always_zhang, at_once, codes, many
from tests.wallet.world import CARD, YUAN, ZHANG, World, right, tail, unasked

ASKING = pack(rule("who", "challenge", "send", "claim", "topup", "withdraw"))
TRIES, MINUTES = 3, 10
"""What that pack lets a challenge be: tried so often, and open so long."""


@pytest.fixture
def asking(world: World) -> World:
    """A world whose rules ask, with every act, whether a person is there."""
    with_pack(world, ASKING)
    return world


def stopped(wallet: Wallet, fen: int = 5 * YUAN, **how: Any) -> str:
    """Ask to send, and return the id of the challenge that stands before it."""
    with pytest.raises(ChallengeRequired) as raised:
        wallet.send(fen, pin=right, **how)
    return str(raised.value.facts["challenge"])


def solution(wallet: Wallet, challenge: str) -> str:
    asked = wallet.challenge(challenge)
    return str(asked["line"].count(asked["sought"]))


def passed(wallet: Wallet, challenge: str) -> None:
    wallet.answer_challenge(challenge, solution(wallet, challenge))


# --- passing -------------------------------------------------------------------------------------


def test_a_request_goes_through_once_its_challenge_is_passed(asking: World):
    """
    The very same request, and nothing else of it: no money moved before.
    """
    zhang = asking.zhang
    before = zhang.balance()["available_fen"]
    challenge = stopped(zhang, request_id="new-year")
    untouched = zhang.balance()["available_fen"]

    passed(zhang, challenge)
    sent = zhang.send(5 * YUAN, pin=right, request_id="new-year")

    assert before == untouched
    assert (before - 5 * YUAN, "new-year") == (sent["balance_fen"], sent["request_id"])
    assert {} == asking.findings()


def test_it_goes_through_only_once(asking: World):
    """
    A second one of the same kind is another request, and asked anew.
    """
    zhang = asking.zhang
    passed(zhang, stopped(zhang))

    zhang.send(5 * YUAN, pin=right)

    with pytest.raises(ChallengeRequired):
        zhang.send(5 * YUAN, pin=right)


@pytest.mark.parametrize("other", [{"fen": 5 * YUAN + 1}, {"count": 2}, {"greeting": "别的"}])
def test_what_was_passed_lets_nothing_else_through(asking: World, other: dict[str, Any]):
    """
    Another amount, another number of shares, another greeting: each is asked for itself.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    passed(zhang, challenge)

    assert challenge != stopped(zhang, **other)


def test_the_same_request_id_is_still_the_same_request(asking: World):
    """
    A stop uses no id up, and an act does.
    """
    zhang = asking.zhang
    passed(zhang, stopped(zhang, request_id="new-year"))
    sent = zhang.send(5 * YUAN, pin=right, request_id="new-year")

    again = zhang.send(5 * YUAN, pin=unasked, request_id="new-year")

    assert (sent["packet"], True) == (again["packet"], again["replayed"])
    with pytest.raises(RequestConflict):
        zhang.send(6 * YUAN, pin=unasked, request_id="new-year")


@pytest.mark.parametrize("act", ["claim", "topup", "withdraw", "send by card"])
def test_every_judged_act_can_be_asked_and_answered(world: World, act: str):
    """
    Money comes, goes and is claimed only after the answer, payments through banks as well.
    """
    packet = world.zhang.send(8 * YUAN, count=2, pin=right)["packet"]
    with_pack(world, ASKING)
    li, zhang = world.li, world.zhang
    who, ask = {
        "claim": (li, lambda: li.claim(packet)),
        "topup": (li, lambda: li.topup(YUAN, pin=right)),
        "withdraw": (zhang, lambda: zhang.withdraw(YUAN, pin=right)),
        "send by card": (zhang, lambda: zhang.send(YUAN, pin=right, paid_from=tail(CARD))),
    }[act]
    with pytest.raises(ChallengeRequired) as raised:
        ask()
    passed(who, str(raised.value.facts["challenge"]))

    ask()

    with pytest.raises(ChallengeUsed):
        who.challenge(str(raised.value.facts["challenge"]))
    assert {} == world.findings()


def test_passing_again_is_told_again_and_costs_no_try(asking: World):
    """
    A script that was interrupted may answer once more.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    first = zhang.answer_challenge(challenge, solution(zhang, challenge))

    again = zhang.answer_challenge(challenge, "99")

    assert {**first, "replayed": True} == again


def test_what_was_passed_is_kept_in_the_record_of_the_act(asking: World):
    """
    `risk why` can say that somebody had been there.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    passed(zhang, challenge)
    zhang.send(5 * YUAN, pin=right)

    with zhang.looking():
        judged = [*zhang.store.judged(zhang.me.id)][-1]

    assert ("send", challenge) == (judged.act, json.loads(judged.risk)["challenge"])


def test_a_stricter_rule_is_not_answered_by_a_challenge(asking: World):
    """
    Whoever is refused stays refused, and what was passed is not used up by it.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    passed(zhang, challenge)
    with_pack(asking, pack(rule("no", "refuse", "send"), version=2))

    with pytest.raises(RefusedByRisk):
        zhang.send(5 * YUAN, pin=right)

    assert challenge == zhang.challenge(challenge)["challenge"]


# --- who is there --------------------------------------------------------------------------------


def test_somebody_who_is_there_is_asked_right_away(asking: World):
    """
    The act goes on by itself, and its PIN is not asked for again.
    """
    zhang, asked, pins = asking.zhang, [], []

    def typed() -> Pin:
        pins.append(1)
        return right()

    def face(challenge: str) -> bool:
        asked.append(challenge)
        passed(zhang, challenge)
        return True

    zhang.home.face = face

    sent = zhang.send(5 * YUAN, pin=typed)

    assert 5 * YUAN == sent["total_fen"]
    assert ([1], 1) == (pins, len(asked))
    assert {} == asking.findings()


def test_where_nobody_is_there_after_all_the_challenge_is_told(asking: World):
    """
    It can be answered later.
    """
    zhang = asking.zhang
    zhang.home.face = lambda challenge: False

    challenge = stopped(zhang)

    assert [challenge] == [line["challenge"] for line in zhang.challenges()]


def test_a_dry_run_asks_nobody_anything(asking: World):
    """
    It says that a challenge would come, and leaves none behind.
    """
    zhang = asking.zhang

    def face(challenge: str) -> bool:
        raise AssertionError("asked")

    zhang.home.face = face

    for dry in (
        lambda: zhang.send(5 * YUAN, pin=right, dry_run=True),
        lambda: zhang.topup(5 * YUAN, pin=right, dry_run=True),
    ):
        with pytest.raises(ChallengeRequired):
            dry()

    assert [] == zhang.challenges()


# --- wrong ---------------------------------------------------------------------------------------


def test_wrong_answers_are_counted_and_the_last_ends_it(asking: World):
    """
    Two, one, none; then not even the right answer helps.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    answer = solution(zhang, challenge)

    left = []
    for _ in range(TRIES - 1):
        with pytest.raises(WrongAnswer) as raised:
            zhang.answer_challenge(challenge, "99")
        left.append(raised.value.facts["tries_left"])
    with pytest.raises(ChallengeFailed):
        zhang.answer_challenge(challenge, "99")

    assert [2, 1] == left
    with pytest.raises(ChallengeFailed):
        zhang.answer_challenge(challenge, answer)
    with pytest.raises(ChallengeFailed):
        zhang.challenge(challenge)
    assert [] == zhang.challenges()
    with pytest.raises(ChallengeRequired):
        zhang.send(5 * YUAN, pin=right)
    assert {} == asking.findings()


def test_a_try_counts_though_its_process_dies_before_it_is_looked_at(
    asking: World, monkeypatch: pytest.MonkeyPatch
):
    """
    Killed right after the count, a robot has still tried; and whoever comes next ends it.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    answer = solution(zhang, challenge)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hongbao.domain.puzzle.Puzzle.solved_by", killed)
        for _ in range(TRIES):
            with pytest.raises(KeyboardInterrupt):
                zhang.answer_challenge(challenge, "99")

    with pytest.raises(ChallengeFailed):
        zhang.answer_challenge(challenge, answer)
    assert ["challenge_failed"] == [event["act"] for event in zhang.events(limit=1)["events"]]


def test_failing_is_remembered(asking: World):
    """
    A rule may refuse whoever has failed before.
    """
    zhang = asking.zhang
    with_pack(
        asking,
        pack(
            rule("who", "challenge", "send"),
            rule(
                "robot", "refuse", "send", indicator='failed_challenges", window = "1h', least="1"
            ),
            version=3,
        ),
    )
    challenge = stopped(zhang)
    for _ in range(TRIES):
        with pytest.raises(HeldByRisk):
            zhang.answer_challenge(challenge, "99")

    with pytest.raises(RefusedByRisk):
        zhang.send(5 * YUAN, pin=right)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "many",
        "4.0",
        "-4",
        "+4",
        "0x4",
        "٤",
        "四",
        "\x1b[2J",
        "4\n4",
        "９" * 17,
        "9" * 9999,
    ],
)
def test_what_is_no_number_is_no_try(asking: World, typed: str):
    """
    Nothing is counted, and the input comes back only as it can be shown.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)

    with pytest.raises(InvalidAnswer) as raised:
        zhang.answer_challenge(challenge, typed)

    assert raised.value.message.isprintable()
    assert len(raised.value.message) < 100
    assert TRIES == zhang.challenge(challenge)["tries_left"]


@pytest.mark.parametrize("wide", [" {} ", "\t{}", "0{}"])
def test_a_number_may_be_typed_on_any_keyboard(asking: World, wide: str):
    """
    With room around it, and in the full-width digits of a Chinese one.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    digits = solution(zhang, challenge).translate(
        {ord(digit): ord("０") + int(digit) for digit in "0123456789"}
    )

    assert challenge == zhang.answer_challenge(challenge, wide.format(digits))["challenge"]


# --- whose, and when -----------------------------------------------------------------------------


def test_another_profiles_challenge_is_as_little_there_as_none(asking: World):
    """
    Nor is it counted against them.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    answer = solution(zhang, challenge)

    for typed in (answer, "99"):
        with pytest.raises(ChallengeNotFound):
            asking.li.answer_challenge(challenge, typed)
    with pytest.raises(ChallengeNotFound):
        asking.li.challenge(challenge)

    assert [] == asking.li.challenges()
    assert TRIES == zhang.challenge(challenge)["tries_left"]


def test_what_one_has_passed_lets_nobody_else_through(world: World):
    """
    The same inputs of another profile are another request.
    """
    packet = world.zhang.send(8 * YUAN, count=2, pin=right)["packet"]
    with_pack(world, ASKING)
    li, wang = world.li, world.wang
    with pytest.raises(ChallengeRequired) as raised:
        li.claim(packet)
    passed(li, str(raised.value.facts["challenge"]))

    with pytest.raises(ChallengeRequired):
        wang.claim(packet)


@pytest.mark.parametrize(("seconds", "open_still"), [(-1, True), (0, False), (1, False)])
def test_a_challenge_is_open_for_ten_minutes(asking: World, seconds: int, open_still: bool):
    """
    Up to, and not at, its last moment.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    answer = solution(zhang, challenge)
    asking.turn(minutes=MINUTES, seconds=seconds)

    if open_still:
        assert challenge == zhang.answer_challenge(challenge, answer)["challenge"]
    else:
        assert [] == zhang.challenges()
        with pytest.raises(ChallengeExpired):
            zhang.answer_challenge(challenge, answer)


@pytest.mark.parametrize(("seconds", "open_still"), [(-1, True), (0, False)])
def test_what_was_passed_can_be_asked_again_for_ten_minutes(
    asking: World, seconds: int, open_still: bool
):
    """
    From the answer on, however late that was.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    asking.turn(minutes=MINUTES, seconds=-1)
    passed(zhang, challenge)
    asking.turn(minutes=MINUTES, seconds=seconds)

    if open_still:
        assert 5 * YUAN == zhang.send(5 * YUAN, pin=right)["total_fen"]
    else:
        with pytest.raises(ChallengeRequired):
            zhang.send(5 * YUAN, pin=right)
        with pytest.raises(ChallengeExpired):
            zhang.answer_challenge(challenge, "9")


def test_a_device_whose_session_was_ended_answers_nothing(asking: World):
    """
    And no try of the person's is used up by it.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    with_pack(asking, pack(rule("out", "cut", "topup"), version=4))
    with pytest.raises(HeldByRisk):
        zhang.topup(YUAN, pin=right)

    with pytest.raises(SessionCut):
        zhang.answer_challenge(challenge, "99")

    assert TRIES == zhang.challenge(challenge)["tries_left"]


def test_a_challenge_tells_what_it_stands_before(asking: World):
    """
    The act, its amount, the request and the rule's own sentence; never the answer.
    """
    zhang = asking.zhang
    challenge = stopped(zhang, request_id="new-year")

    (line,) = zhang.challenges()

    assert zhang.challenge(challenge) == line
    assert ("send", 5 * YUAN, "new-year") == (line["asked"], line["amount_fen"], line["request_id"])
    assert ("who", SAYS, TRIES) == (line["rule"], line["why"], line["tries_left"])
    assert "answer" not in line


def test_what_a_claim_would_bring_is_not_told(world: World):
    """
    The share is not drawn yet: a mean would be a guess.
    """
    packet = world.zhang.send(8 * YUAN, count=2, pin=right)["packet"]
    with_pack(world, ASKING)
    with pytest.raises(ChallengeRequired):
        world.li.claim(packet)

    (line,) = world.li.challenges()

    assert ("claim", None) == (line["asked"], line["amount_fen"])


def test_passing_and_failing_are_events(asking: World):
    """
    In order, by whoever did it.
    """
    zhang = asking.zhang
    passed(zhang, stopped(zhang))
    other = stopped(zhang, 6 * YUAN)
    for _ in range(TRIES):
        with pytest.raises(HeldByRisk):
            zhang.answer_challenge(other, "99")

    told = [(event["act"], event["actor"]) for event in zhang.events(limit=4)["events"]]

    acts = ("challenged", "challenge_passed", "challenged", "challenge_failed")
    assert [(act, ZHANG) for act in acts] == told


# --- many at once --------------------------------------------------------------------------------


def test_many_processes_guess_and_every_try_counts(asking: World):
    """
    Three are looked at, all the others are told that it is over; one entry says so.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)

    answers = at_once(
        asking, many(20), lambda desk, _: desk.answer_challenge(challenge, "99"), always_zhang
    )

    # The one that was to use the last try up may have been overtaken by one that found it so.
    told = codes(answers)
    assert {"wrong_answer", "challenge_failed"} == set(told)
    assert TRIES - 1 >= told["wrong_answer"]
    assert many(20) == told.total()
    acts = [event["act"] for event in asking.zhang.events(limit=100)["events"]]
    assert 1 == acts.count("challenge_failed")
    assert [(TRIES, "failed")] == asking.raw().execute(
        "SELECT tries, state FROM challenge"
    ).fetchall()
    assert {} == asking.findings()


def test_many_processes_pass_and_one_act_goes_through(asking: World):
    """
    However often the same is asked, one challenge lets one act happen.
    """
    zhang = asking.zhang
    challenge = stopped(zhang)
    answer = solution(zhang, challenge)
    before = zhang.balance()["available_fen"]

    def answered_and_sent(desk: Wallet, _: int) -> Any:
        desk.answer_challenge(challenge, answer)
        return desk.send(5 * YUAN, pin=right)

    told = codes(at_once(asking, 3, answered_and_sent, always_zhang))

    assert 1 == told["done"]
    assert {"challenge_required", "challenge_used"} >= set(told) - {"done"}
    assert before - 5 * YUAN == asking.zhang.balance()["available_fen"]
    assert {} == asking.findings()


def test_many_processes_use_one_pass_once(asking: World):
    """
    All others are asked anew.
    """
    zhang = asking.zhang
    passed(zhang, stopped(zhang))

    answers = at_once(
        asking, many(20), lambda desk, _: desk.send(5 * YUAN, pin=right), always_zhang
    )

    assert {"done": 1, "challenge_required": many(20) - 1} == codes(answers)
    assert {} == asking.findings()
