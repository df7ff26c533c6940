"""Couriers: at least once, in time, and nobody waits for another's trouble."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

import pytest

from hongbao.delivery import posting
from hongbao.delivery.cursors import notes_of
from hongbao.delivery.hooks import Hooks, WebhookTarget
from hongbao.delivery.programs import ProgramTarget
from hongbao.delivery.sending import WAITS, Courier, Letter, Outcome, Report, Target
from hongbao.delivery.signing import Secret, problems
from hongbao.delivery.tries import Tries, Try, given_up
from hongbao.errors import InvalidProgram
from tests.delivery.receiver import Receiver, hangs, status
from tests.wallet.world import World

QUICK = (0.01,) * 7
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
THEN = datetime(2026, 2, 16, 12, 0, tzinfo=UTC)


def letter(number: int) -> Letter:
    return Letter(f"ev_630962_{number}", number, THEN, b'{"number": %d}' % number)


def now() -> datetime:
    return datetime.now(UTC)


class Couriers:
    """Couriers for a test, each with the waits that it is given."""

    def __init__(self, tries: Tries) -> None:
        self.tries = tries
        self.reports: SimpleQueue[Report] = SimpleQueue()
        self._started: list[Courier] = []

    def to(self, target: Target, waits: Sequence[float] = QUICK) -> Courier:
        courier = Courier(
            target, cursor="c", tries=self.tries, now=now, reports=self.reports, waits=waits
        )
        courier.start()
        self._started.append(courier)
        return courier

    def report(self) -> Try:
        report = self.reports.get(timeout=20)
        if report.error is not None:
            raise report.error
        assert report.tried is not None
        return report.tried

    def reported(self, count: int) -> list[tuple[int, int, str]]:
        """Return the event, the number and the state of the next tries."""
        found = [self.report() for _number in range(count)]
        return [(each.event, each.number, each.state) for each in found]

    def close(self) -> None:
        for courier in self._started:
            courier.close()
        for courier in self._started:
            courier.join(20)


@pytest.fixture
def couriers(world: World) -> Iterator[Couriers]:
    with world.open() as wallet:
        found = Couriers(Tries(notes_of(wallet.home)))
        yield found
        found.close()


@pytest.fixture
def hooks(world: World) -> Iterator[Hooks]:
    with world.open() as wallet:
        yield Hooks(notes_of(wallet.home))


def to_hook(hooks: Hooks, receiver: Receiver, *, virtually: bool = False) -> WebhookTarget:
    hooks.add(receiver.url, SECRET, any_host=False, at="2026-02-16T20:00:00+08:00")
    return WebhookTarget(receiver.url, hooks.find, now, stamps_virtually=virtually)


def test_a_retry_has_the_same_id_and_the_time_of_its_own(
    couriers: Couriers, hooks: Hooks, receiver: Receiver
):
    """
    The third try is taken: same ID, same bytes, and each signed for the second it was sent in.
    """
    receiver.behaviours = [status(503), status(302)]
    seconds = iter(range(3))
    hooks.add(receiver.url, SECRET, any_host=False, at="x")
    target = WebhookTarget(
        receiver.url, hooks.find, lambda: now() + timedelta(seconds=next(seconds))
    )
    couriers.to(target).put(letter(1))

    states = couriers.reported(3)

    assert [(1, 1, "failed"), (1, 2, "failed"), (1, 3, "delivered")] == states
    assert 1 == len({(each.headers["webhook-id"], each.body) for each in receiver.requests})
    stamps = [each.headers["webhook-timestamp"] for each in receiver.requests]
    assert stamps[0] < stamps[1] < stamps[2]
    for request in receiver.requests:
        assert [] == problems(request.headers, request.body, [SECRET], now())


def test_after_eight_tries_it_is_given_up_and_the_next_one_is_not_held(
    couriers: Couriers, hooks: Hooks, receiver: Receiver
):
    """
    An event that a receiver cannot take costs eight tries; what comes after it arrives meanwhile.
    """
    receiver.behaviours = [status(500)]
    courier = couriers.to(to_hook(hooks, receiver), (0.2, *QUICK[1:]))
    courier.put(letter(1))
    courier.put(letter(2))
    first = couriers.reported(2)
    receiver.behaviours = [status(500)] * 7
    rest = couriers.reported(7)

    assert [(1, 1, "failed"), (2, 1, "delivered")] == first
    assert [(1, number, "failed") for number in range(2, 8)] + [(1, 8, "given_up")] == rest
    assert [1] == [each.event for each in given_up(couriers.tries.all())]
    assert 0 == courier.left


def test_where_nothing_answers_the_others_wait_in_order(couriers: Couriers, hooks: Hooks):
    """
    A receiver that is away gets one try at a time, and all in order once it is back.
    """
    with Receiver() as away:
        target = to_hook(hooks, away)
    courier = couriers.to(target, (0.05, 0.3))
    for number in range(1, 21):
        courier.put(letter(number))
    assert [(1, 1, "failed"), (1, 2, "failed")] == couriers.reported(2)
    assert courier.rests
    with Receiver(port=away.port) as back:
        couriers.reported(20)
        events = [int(each.headers["webhook-id"].rpartition("_")[2]) for each in back.requests]

    assert [*range(1, 21)] == events


def test_a_target_that_hangs_holds_up_no_other(
    couriers: Couriers, hooks: Hooks, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
):
    """
    One waits for its time limit; the other has everything long before.
    """
    monkeypatch.setattr(posting, "SECONDS_MAX", 1)
    with Receiver([hangs] * 9) as other:
        slow, quick = couriers.to(to_hook(hooks, other)), couriers.to(to_hook(hooks, receiver))
        began = time.monotonic()
        for number in range(1, 6):
            slow.put(letter(number))
            quick.put(letter(number))
        receiver.wait_for(5)
        took = time.monotonic() - began

    assert took < 0.8


def test_a_rotated_secret_counts_at_once_and_two_sign(
    couriers: Couriers, hooks: Hooks, receiver: Receiver
):
    """
    While both sign, a receiver may have either; then the new one alone.
    """
    new = Secret.new(lambda length: bytes(range(length)))
    courier = couriers.to(to_hook(hooks, receiver))
    hooks.rotate(receiver.url, new)
    courier.put(letter(1))
    both = receiver.wait_for(1)[0]
    hooks.rotate(receiver.url, None)
    courier.put(letter(2))
    one = receiver.wait_for(2)[1]

    for secret in (SECRET, new):
        assert [] == problems(both.headers, both.body, [secret], now())
    assert [] == problems(one.headers, one.body, [new], now())
    assert ["signature_differs"] == problems(one.headers, one.body, [SECRET], now())


def test_a_play_can_be_stamped_virtually(couriers: Couriers, hooks: Hooks, receiver: Receiver):
    """
    Then the request is the same to the last byte, whenever it is played.
    """
    target = to_hook(hooks, receiver, virtually=True)
    for _play in range(2):
        couriers.to(target).put(letter(1))
    first, second = receiver.wait_for(2)

    assert first == second
    assert str(int(THEN.timestamp())) == first.headers["webhook-timestamp"]


def test_what_waits_is_tried_soon_even_if_the_clock_was_turned(couriers: Couriers):
    """
    A clock that was turned back by a year makes nobody wait for longer than the longest wait.
    """

    class Taker:
        name = "taker"

        def hand_over(self, _letter: Letter) -> Outcome:
            return Outcome(None)

        def stop(self) -> None: ...

    courier = couriers.to(Taker())
    courier.put_again(letter(1), 3, timedelta(days=365).total_seconds())
    courier.put_again(letter(2), 3, -timedelta(days=365).total_seconds())

    assert {(1, 4, "delivered"), (2, 4, "delivered")} == set(couriers.reported(2))


def test_eight_tries_take_an_hour_and_a_half():
    """
    As the page says.
    """
    assert (8, 91) == (1 + len(WAITS), sum(WAITS) // 60)


def test_what_breaks_a_courier_is_raised_where_somebody_waits(couriers: Couriers):
    """
    A thread that dies in silence would be a gap.
    """

    class Broken:
        name = "broken"

        def hand_over(self, _letter: Letter) -> Outcome:
            raise RuntimeError("a bug")

        def stop(self) -> None: ...

    couriers.to(Broken()).put(letter(1))
    with pytest.raises(RuntimeError, match="a bug"):
        couriers.report()


# --- programs -------------------------------------------------------------------------------------

ECHO = """
import os, sys
print(sys.argv[1:], sys.stdin.read(), sorted(os.environ), file=open({!r}, "w"))
"""


def program(text: str, seconds: float = 20, **variables: str) -> Outcome:
    return ProgramTarget(text, variables, seconds=seconds).hand_over(letter(1))


def test_a_program_has_the_event_on_its_standard_input_and_no_secret(tmp_path: Path):
    """
    Its words are what was typed, and no shell has read them; nor does it learn where the PIN is.
    """
    out = tmp_path / "out"
    script = tmp_path / "echo.py"
    script.write_text(ECHO.format(str(out)))

    outcome = program(
        f"'{sys.executable}' {script} '$HOME; ls' \"two words\"",
        HONGBAO_PIN_FILE="/p",
        HONGBAO_TOTP_FILE="/t",
        HONGBAO_PASSPHRASE_FILE="/q",
        HONGBAO_HOME="/h",
    )

    said = out.read_text()
    assert Outcome(None, 0) == outcome
    assert "['$HOME; ls', 'two words'] {\"number\": 1}\n" in said
    assert "HONGBAO_HOME" in said
    assert "_FILE" not in said


def test_a_program_that_fails_says_how():
    """
    Its exit code, or that it never started; and a quotation mark that is open is refused at once.
    """
    assert Outcome("exit_code", 3) == program("sh -c 'exit 3'")
    assert Outcome("exit_code", -9) == program("sh -c 'kill -9 $$'")
    assert Outcome(None, 0) == program("true")  # reads nothing
    assert Outcome("not_started", is_answer=False) == program("/nowhere/at-all")
    for text in ("", "  ", "'open", "''"):
        with pytest.raises(InvalidProgram):
            ProgramTarget(text, {})


def test_a_program_that_does_not_end_is_ended_with_its_children():
    """
    Within the time limit, whatever it has started.
    """
    began = time.monotonic()
    assert Outcome("timeout") == program("sh -c 'sleep 60 & sleep 60'", seconds=0.2)
    assert time.monotonic() - began < 5


@contextmanager
def _later(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(seconds, act)
    timer.start()
    yield
    timer.join()


def test_a_watcher_that_leaves_ends_the_program():
    """
    It does not go on behind the prompt.
    """
    target = ProgramTarget("sleep 60", {"PATH": "/usr/bin:/bin"})
    began = time.monotonic()
    with _later(0.2, target.stop):
        outcome = target.hand_over(letter(1))
    assert "exit_code" == outcome.why
    assert time.monotonic() - began < 5


# --- the record -----------------------------------------------------------------------------------


def tried(number: int, state: str = "delivered", **facts: object) -> Try:
    plain = Try("c", "t", f"ev_1_{number}", number, 1, THEN, state, 200, None, 3, None)
    return plain._replace(**facts)  # type: ignore[arg-type]


def test_the_record_is_sealed_and_survives_a_rekey(world: World):
    """
    No URL of a webhook is legible in the home, and new keys still read it.
    """
    with world.open() as wallet:
        notes = notes_of(wallet.home)
        Tries(notes).note(tried(1, target="http://127.0.0.1/secret-path"))
        Hooks(notes).add("http://127.0.0.1/secret-path", SECRET, any_host=False, at="x")
        wallet.rekey()
    written = b"".join(path.read_bytes() for path in world.folder.rglob("*") if path.is_file())
    with world.open() as wallet:
        notes = notes_of(wallet.home)
        Tries(notes).note(tried(2))

        assert b"secret-path" not in written
        assert b"MfKQ9r8G" not in written
        assert [1, 2] == [each.event for each in Tries(notes).all()]
        assert SECRET.reveal() == Hooks(notes).all()[0].secrets[0].reveal()


def test_a_torn_line_costs_that_line(world: World):
    """
    What a power cut has left of a line is passed over, and the next one is whole.
    """
    with world.open() as wallet:
        notes = notes_of(wallet.home)
        tries = Tries(notes)
        for number in (1, 2):
            tries.note(tried(number))
        path = notes.path("tries")
        path.write_bytes(path.read_bytes()[:-20])
        tries.note(tried(3))

        assert [1, 3] == [each.event for each in tries.all()]


def test_the_record_stays_small_and_keeps_what_waits(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    The oldest tries go; one that waits for another, or was given up, stays.
    """
    monkeypatch.setattr("hongbao.delivery.tries.SIZE_MAX", 10_000)
    monkeypatch.setattr("hongbao.delivery.tries.KEPT", 10)
    with world.open() as wallet:
        tries = Tries(notes_of(wallet.home))
        for number in range(100):
            tries.note(tried(number, "failed" if number == 50 else "delivered"))
        kept = [each.event for each in tries.all()]

        assert 50 in kept
        assert [*range(90, 100)] == kept[-10:]
        assert len(kept) < 80
        assert json.dumps(kept)
