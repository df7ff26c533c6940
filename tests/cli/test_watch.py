"""Watching from another process: live, at least once, and to the end that was asked for."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

import pytest

from hongbao.ui.script import columns as columns_of
from tests.cli.shell import COMMAND, SECONDS_MAX, Shell, plain
from tests.delivery.receiver import Receiver, hangs, status

QUICK = """
import sys
from hongbao.delivery import sending
sending.WAITS = (0.02,) * 7
from hongbao import cli
raise SystemExit(cli.main(sys.argv[1:]))
"""
"""A watcher that tries again soon."""


class Watcher:
    """A `hongbao watch` in a process of its own, whose lines are read as they come."""

    def __init__(self, shell: Shell, *typed: str, argv: list[str] | None = None) -> None:
        self._process = subprocess.Popen(
            [*(argv or COMMAND), "watch", *typed],
            env=shell.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ready = self.next()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.kill()

    def next(self) -> dict[str, Any]:
        """Return the next document; the test fails if none comes."""
        line = self._lines.get(timeout=SECONDS_MAX)
        assert line, self._process.stderr and self._process.stderr.read()
        found: dict[str, Any] = json.loads(line)
        return found

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def events(self, count: int) -> list[tuple[str, int]]:
        found = [self.next() for _number in range(count)]
        return [(event["event"], event["number"]) for event in found]

    def interrupt(self, kind: int = signal.SIGINT) -> tuple[int, str, str]:
        self._process.send_signal(kind)
        return self.ended()

    def ended(self) -> tuple[int, str, str]:
        """Return the exit code, and what else was said."""
        code = self._process.wait(SECONDS_MAX)
        self._reader.join(SECONDS_MAX)
        out = ""
        while not self._lines.empty():
            out += self._lines.get()
        assert self._process.stderr is not None
        return code, out, self._process.stderr.read()

    def left(self) -> list[dict[str, Any]]:
        """Return the documents that it had handed over and nobody had taken, once it is killed."""
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait(SECONDS_MAX)
        self._reader.join(SECONDS_MAX)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()


def until(true: Any) -> None:
    """Wait until *true* is."""
    ends_at = time.monotonic() + SECONDS_MAX
    while not true():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_a_watcher_says_that_it_is_ready_and_hears_of_what_another_process_does(
    shell: Shell, tmp_path: Path
):
    """
    The first line and the file are there before anything can be missed; Ctrl-C is a quiet end, and
    the next watcher with the cursor goes on where this one stopped.
    """
    last = shell.answers("events")["last"]
    file = tmp_path / "ready"
    with Watcher(shell, "--cursor", "till", "--ready-file", str(file), "-p", "小红") as watcher:
        assert json.loads(file.read_text()) == watcher.ready
        assert ("ready", "小红", last, "till") == (
            *(watcher.ready[key] for key in ("event", "profile", "after", "cursor")),
        )
        packet = shell.sends("5", "--count", "2")
        told = watcher.next()
        assert ("new_packet", last + 1, packet) == (told["event"], told["number"], told["packet"])
        busy, error = shell.refuses("watch", "--cursor", "till")
        until(lambda: _cursor(shell, "till") == last + 1)
        assert (0, "", "") == watcher.interrupt()
    assert not file.exists()
    shell.does("claim", packet, "-p", "小红")
    on = shell.does("watch", "--cursor", "till", "--count", "1", "-p", "小红").lines

    assert (15, "cursor_in_use") == (busy, error["code"])
    assert [("ready", last + 1), ("claimed", last + 2)] == [
        (each["event"], each.get("number", each.get("after"))) for each in map(json.loads, on)
    ]


def test_a_script_can_wait_for_what_happens(shell: Shell):
    """
    For a number of events, for one of a kind, for no longer than it says; and what is no event is
    refused at once.
    """
    said = shell.plays(
        ("watch", "--all", "--after", "0", "--count", "3"),
        ("watch", "--all", "--after", "0", "--until", "finished"),
        ("watch", "--until", "restored", "--for", "1s"),
        ("watch", "--until", "payed", "--json"),
        ("watch", "--after", "999", "--json"),
        ("watch", "--exec", "'", "--json"),
        ("watch", "--webhook", "http://127.0.0.1:1/", "--json"),
        ("watch", "--cursor", "../x", "--json"),
    )

    counted, waited, missed, *refused = said
    assert [0, 0, 10] == [each.code for each in said[:3]]
    assert [1, 2, 3] == [json.loads(line)["number"] for line in counted.lines[1:]]
    ends = [json.loads(line)["finished"] for line in waited.lines[1:]]
    assert [False] * (len(ends) - 1) + [True] == ends
    assert 1 == len(missed.lines)
    assert "did not happen in time (1 s)" in missed.err
    assert ["no_such_event", "event_not_found", "invalid_program", "webhook_not_found"] == [
        json.loads(each.err)["error"]["code"] for each in refused[:4]
    ]
    assert "invalid_cursor" == json.loads(refused[4].err)["error"]["code"]


@pytest.mark.parametrize(("columns", "language"), [(80, "en"), (40, "zh_CN")])
def test_a_person_sees_a_calm_screen(shell: Shell, columns: int, language: str):
    """
    Lines are added and none is drawn over, in either language, and none is wider than the screen.
    """
    last = shell.answers("events")["last"]
    said = shell.at_terminal(
        *("watch", "--after", str(last - 4), "--count", "4", "--all"),
        columns=columns,
        HONGBAO_LANG=language,
    )
    screen = plain(said.out)

    assert 0 == said.code
    assert "\r" not in said.out.replace("\r\n", "\n")
    assert "\x1b[2J" not in said.out
    assert ("2026-02-16" in screen, 2) == (True, screen.count("20:00  小红"))
    assert all(columns_of(line) <= columns for line in screen.splitlines())
    expected = "claimed share 1 of 3" if language == "en" else "领取了3个中的第1个"
    assert expected in screen.replace("\n", "")


def test_an_inbox_says_what_is_new_once(shell: Shell):
    """
    What others did; seen when it was shown, and not with --keep.
    """
    shell.does("inbox", "-p", "小红", "--limit", "1000")
    packet = shell.sends("5")

    kept = shell.answers("inbox", "-p", "小红", "--keep")
    seen = shell.answers("inbox", "-p", "小红")
    nothing = shell.answers("inbox", "-p", "小红")

    assert [("new_packet", packet)] == [(e["event"], e["packet"]) for e in kept["events"]]
    assert kept["events"] == seen["events"]
    assert ([], False, 0) == (nothing["events"], nothing["more"], nothing["given_up"])
    assert [] == shell.answers("inbox", "--keep", "--limit", "1")["events"][1:]


def test_events_go_to_a_webhook_and_what_is_given_up_is_said_everywhere(shell: Shell):
    """
    By the installed command and a real receiver: signed, in order; what fails eight times is on the
    watcher's lines, in the inbox, in the list and its exit code, and can be sent again.
    """
    last = shell.answers("events")["last"]
    with Receiver([status(500)] * 8) as receiver:
        (shell.home.parent / "secret").write_text(shell.does("webhook", "add", receiver.url).out)
        typed = ("--webhook", receiver.url, "--all", "--after", str(last - 1), "--json")
        with Watcher(shell, *typed, argv=[sys.executable, "-c", QUICK]) as watcher:
            told = [watcher.next() for _number in range(2)]
            code, _, err = watcher.interrupt()
        listed = shell("events", "deliveries", "--given-up", "--json")
        inbox = shell.answers("inbox", "--keep", "--limit", "1")
        again = shell.answers("events", "resend")
        sent = receiver.requests
        none_left = shell.answers("events", "deliveries")

    assert (0, "") == (code, err)
    assert ["claimed", "given_up"] == [each["event"] for each in told]
    assert (25, "undelivered_events") == (listed.code, json.loads(listed.err)["error"]["code"])
    assert 1 == inbox["given_up"]
    assert [("delivered", 9)] == [(e["state"], e["tries"]) for e in again["deliveries"]]
    assert 9 == len(none_left["deliveries"])
    assert sent[0].body == sent[-1].body
    assert sent[0].headers["webhook-id"] == sent[-1].headers["webhook-id"] == told[0]["id"]
    request = shell.home.parent / "request"
    request.write_bytes(sent[-1].whole)
    verified = shell.answers(
        "webhook", "verify", str(request), "--secret-file", str(shell.home.parent / "secret")
    )
    assert told[0]["id"] == verified["id"]
    request.write_bytes(sent[-1].whole + b"\n")
    code, error = shell.refuses(
        "webhook", "verify", str(request), "--secret-file", str(shell.home.parent / "secret")
    )
    assert (19, ["body_line_end"]) == (code, error["problems"])


def test_a_program_gets_each_event(shell: Shell, tmp_path: Path):
    """
    One process for each, in order, with the document on its standard input.
    """
    last = shell.answers("events")["last"]
    out = tmp_path / "out"
    out.touch()
    script = tmp_path / "keep.sh"
    script.write_text(f'cat >> "{out}"; echo talk; exit 0\n')
    said = shell.does(
        *("watch", "--all", "--after", str(last - 3), "--count", "3"),
        *("--exec", f"sh {script}"),
    )

    got = [json.loads(line)["data"] for line in out.read_text().splitlines()]
    assert got == [json.loads(line) for line in said.lines[1:]]
    assert "talk\n" * 3 == said.err
    assert 3 == len(shell.answers("events", "deliveries")["deliveries"])


# --- the worst ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_watcher_that_is_killed_hands_everything_over_at_least_once(shell: Shell):
    """
    Killed again and again at any moment, between hand-over and cursor too: no event is missed, and
    they come in order but for those that come again.
    """
    shell.does("watch", "--cursor", "k", "--for", "1s", "--all")
    first = shell.answers("events")["last"] + 1
    got: list[int] = []
    sends = 0
    for round_number in range(12):
        with Watcher(shell, "--cursor", "k", "--all") as watcher:
            assert watcher.ready["after"] <= (got[-1] if got else first)
            shell.sends("0.02", "--count", "2")
            sends += 1
            got.append(watcher.next()["number"])
            time.sleep(round_number * 0.003)
            watcher.kill()
            got += [event["number"] for event in watcher.left()]  # with what comes again, two
    with Watcher(shell, "--cursor", "k", "--all") as watcher:
        shell.sends("0.02", "--count", "2")
        while not got or got[-1] < first + sends:
            got.append(watcher.next()["number"])

    assert {*range(first, first + sends + 1)} == set(got)


@pytest.mark.slow
def test_a_killed_watcher_resumes_its_deliveries(shell: Shell):
    """
    While the receiver is away: killed with one event tried and others not, the next watcher
    delivers all of them when it is back, each with its own ID.
    """
    with Receiver() as away:
        shell.does("webhook", "add", away.url)
    last = shell.answers("events")["last"]
    typed = ("--webhook", away.url, "--all")
    with Watcher(shell, *typed, "--after", str(last - 5)) as watcher:
        watcher.events(5)
        until(lambda: shell.answers("events", "deliveries")["deliveries"])
        watcher.kill()
    with Receiver(port=away.port) as back, Watcher(shell, *typed) as watcher:
        requests = back.wait_for(5)
        until(lambda: _cursor(shell, "default") == last)
        watcher.interrupt()
    numbers = [int(each.headers["webhook-id"].split("_")[2]) for each in requests]

    assert {*range(last - 4, last + 1)} == set(numbers)
    assert "delivered" == shell.answers("events", "deliveries")["deliveries"][-1]["state"]


@pytest.mark.slow
def test_a_restore_under_a_watcher_is_told(shell: Shell, tmp_path: Path):
    """
    With what is gone, and the watcher reads on; and so does one whose whole home is put back.
    """
    copy, old = tmp_path / "copy", tmp_path / "old"
    shell.does("backup", str(copy))
    shell.does("topup", "5")
    last = shell.answers("events")["last"]
    with Watcher(shell, "--cursor", "r", "--all") as watcher:
        shell.does("restore", str(copy), "--yes")
        told = watcher.next()
        assert ("restored", last + 1, last) == (told["event"], told["number"], told["to_event"])
        shell.does("clock", "advance", "1h")
        shell.does("topup", "6")
        assert ("instruct_topup", last + 2) == watcher.events(1)[0]
        subprocess.run(["cp", "-a", str(shell.home), str(old)], check=True)
        watcher.events(3)
        shell.sends("0.02")
        sent = watcher.next()["number"]
        for part in ("data/ledger.db", "data/ledger.db-wal", "data/ledger.db-shm", "keys"):
            subprocess.run(["rm", "-rf", str(shell.home / part)], check=True)
        subprocess.run(["cp", "-a", f"{old}/.", str(shell.home)], check=True)
        gap = watcher.next()
        assert ("gap", sent) == (gap["event"], gap["to_event"])
        shell.sends("0.02")
        numbers = [gap["from_event"] - 1]
        while numbers[-1] < shell.answers("events")["last"]:
            numbers.append(watcher.next()["number"])
        assert numbers[-1] == shell.answers("events")["last"]
        assert (0, "", "") == watcher.interrupt(signal.SIGTERM)
        assert numbers[-1] == _cursor(shell, "r")


@pytest.mark.slow
def test_new_keys_under_a_watcher_change_nothing(shell: Shell):
    """
    A rekey is an event like others, and webhooks are still signed.
    """
    with Receiver() as receiver:
        shell.does("webhook", "add", receiver.url)
        with Watcher(shell, "--webhook", receiver.url, "--all") as watcher:
            shell.does("rekey", "--yes")
            assert "rekey" == watcher.next()["event"]
            shell.does("webhook", "rotate", receiver.url)
            shell.sends("0.02")
            assert ["pin_renewed", "new_packet"] == [watcher.next()["event"] for _ in range(2)]
            receiver.wait_for(3)
            assert (0, "", "") == watcher.interrupt()


@pytest.mark.slow
def test_a_thousand_events_reach_every_target(shell: Shell, tmp_path: Path):
    """
    A receiver gets each of them once and in order, while another hangs and a third is not there.
    """
    shell.plays(*([("send", "0.02", "--count", "2")] * 500))
    last = shell.answers("events")["last"]
    first = last - 1000 if last > 1000 else 0
    with Receiver() as good, Receiver([hangs] * 10_000) as bad, Receiver() as away:
        away.close()
        for each in (good, bad, away):
            shell.does("webhook", "add", each.url)
        targets = [word for each in (good, bad, away) for word in ("--webhook", each.url)]
        began = time.monotonic()
        with Watcher(shell, "--all", "--after", str(first), *targets) as watcher:
            watcher.events(last - first)
            requests = good.wait_for(last - first, 60)
            took = time.monotonic() - began
    numbers = [int(each.headers["webhook-id"].split("_")[2]) for each in requests]

    assert [*range(first + 1, last + 1)] == numbers
    assert took < 30


@pytest.mark.slow
def test_a_watcher_rests_while_nothing_happens(shell: Shell):
    """
    It uses hardly any of the processor's time.
    """
    with Watcher(shell, "--all") as watcher:
        before = _cpu(watcher._process.pid)
        time.sleep(5)
        used = _cpu(watcher._process.pid) - before

    assert used < 0.1


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_play_has_the_same_events_twice(tmp_path: Path):
    """
    To the last byte, IDs included: two wallets with one clock and one seed, under other keys.
    """
    outs = []
    for name in ("one", "two"):
        shell = Shell(tmp_path / name / "home", "246813")
        said = shell.plays(
            ("init", "小明", "--clock", "2026-02-16T20:00:00+08:00", "--dice", "8"),
            ("init", "小红"),
            ("card", "add", "9999010000000003"),
            ("topup", "100"),
            ("send", "5", "--count", "1"),
            ("claim", "{1}", "-p", "小红"),
            ("watch", "--all", "--after", "0", "--until", "finished"),
            now="2026-02-16T20:00:00+08:00" if name == "one" else "2027-01-01T00:00:00+08:00",
        )
        outs.append(said[-1].out)

    assert outs[0] == outs[1]
    assert 8 < len(outs[0].splitlines())


KILLED = """
import os, signal, sys
from hongbao.delivery.cursors import Cursor
moved = Cursor.move
moves = []

def move(self, place):
    moves.append(place)
    if len(moves) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    moved(self, place)

Cursor.move = move
from hongbao import cli
raise SystemExit(cli.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_killed_between_hand_over_and_cursor_the_event_comes_again(shell: Shell):
    """
    The same document, to the last byte, is the first that the next watcher has.
    """
    typed = ("--cursor", "k", "--all")
    with Watcher(shell, *typed, argv=[sys.executable, "-c", KILLED]) as watcher:
        shell.sends("0.02")
        first = watcher.next()
        until(lambda: _cursor(shell, "k") == first["number"])
        shell.sends("0.02")
        second = watcher.next()
        watcher._process.wait(SECONDS_MAX)
    with Watcher(shell, *typed) as watcher:
        again = watcher.next()

    assert first["number"] == watcher.ready["after"]
    assert second == again


def _cursor(shell: Shell, name: str) -> int:
    """Return where the cursor of that *name* is."""
    note = json.loads((shell.home / "data" / "delivery" / f"cursor-{name}").read_text())
    return int(note["event"])


@pytest.mark.slow
def test_a_story_that_fails_reports_no_secret_of_a_webhook(empty: Shell, tmp_path: Path):
    """
    Its report says what was printed, but for that.
    """
    story = tmp_path / "story.txt"
    story.write_text("file pin: 246810\ninit 小明 => 0\nwebhook add http://127.0.0.1:9/ => 5\n")
    reports = [empty("play", "--check", str(tmp_path), *form) for form in (("--json",), ("--tap",))]
    told = "".join(each.out + each.err for each in reports)

    assert [24, 24] == [each.code for each in reports]
    assert "whsec_•••" in told
    assert not re.search("whsec_[A-Za-z0-9+/]{20}", told)
