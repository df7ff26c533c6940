"""Watching a home: every fact once, in order, as it happens, and nobody's amounts."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from tests.cli.shell import COMMAND, SECONDS_MAX, Shell


def test_events_are_the_entries_of_the_ledger_without_a_gap(new_year: Shell):
    """
    Page by page, each event is told once; the last number is the chain's head.
    """
    numbers: list[int] = []
    while True:
        after = str(numbers[-1] if numbers else 0)
        found = new_year.answers("events", "--after", after, "--limit", "7")
        if not found["events"]:
            break
        numbers += [event["event"] for event in found["events"]]

    entries = new_year.answers("check")["entries"]
    assert [*range(1, entries + 1)] == numbers
    assert entries == found["last"]


def test_the_newest_events_come_last(new_year: Shell):
    """
    Without a place to begin at, a screenful of the newest ones is told in order.
    """
    found = new_year.answers("events", "--limit", "2")

    assert [found["last"] - 1, found["last"]] == [event["event"] for event in found["events"]]
    assert ["claim", "claim"] == [event["act"] for event in found["events"]]
    assert ["小红", "小刚"] == [event["actor"] for event in found["events"]]


def test_it_is_said_that_there_are_more(new_year: Shell):
    """
    Earlier ones without a place to begin at, later ones behind it; each hint shows them, and the
    last page has none.
    """
    newest = new_year("events", "--limit", "2")
    last = new_year.answers("events")["last"]
    first = new_year("events", "--after", "0", "--limit", "2")
    everything = new_year("events", "--limit", str(last))

    assert f"hint: see earlier ones: `hongbao events --after {last - 4}`\n" == newest.err
    assert "hint: continue: add `--after 2`\n" == first.err
    assert ("", last) == (everything.err, len(everything.lines))
    more = [
        new_year.answers("events", *typed)["more"]
        for typed in (
            ("--limit", "2"),
            ("--limit", str(last)),
            ("--after", str(last - 2), "--limit", "1"),
            ("--after", str(last - 2), "--limit", "2"),
            ("--after", str(last)),
        )
    ]
    assert [True, False, True, False, False] == more


def test_once_a_payment_is_asked_for_the_institutions_act(new_year: Shell):
    """
    Who asked, the platform, the bank, and the platform again: each step has its own actor.
    """
    events = new_year.answers("events", "--after", "0", "--limit", "1000")["events"]
    payment = next(event["payment"] for event in events if event["act"] == "instruct_topup")

    steps = [(event["act"], event["actor"]) for event in events if event["payment"] == payment]

    assert [
        ("instruct_topup", "小明"),
        ("sent", "platform"),
        ("bank", "icbc"),
        ("topup", "platform"),
    ] == steps


def test_no_event_tells_an_amount_or_a_name_that_is_not_a_profiles(new_year: Shell):
    """
    Everyone in the home may watch; what somebody has or is stays theirs.
    """
    said = new_year.does("events", "--after", "0", "--limit", "1000", "--json").out

    assert "_fen" not in said
    assert "张" not in said
    assert "66" not in re.sub(r"hb_\w+|(NU|UP)\d+|\d\d:\d\d", "", said)


def test_a_watcher_hears_of_a_packet_that_another_process_sends(shell: Shell):
    """
    Step 4, notify: while one process follows, another sends; the packet is told at once, on a
    line of its own, and Ctrl-C is a quiet end.
    """
    last = shell.answers("events")["last"]
    watcher = subprocess.Popen(
        [*COMMAND, "events", "--follow", "--after", str(last), "--json", "-p", "小红"],
        env=shell.environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        packet = shell.sends("5", "--count", "2")
        assert watcher.stdout is not None
        heard = json.loads(_line(watcher.stdout))
        watcher.send_signal(signal.SIGINT)
        out, err = watcher.communicate(timeout=SECONDS_MAX)
    finally:
        watcher.kill()

    assert (last + 1, "send", packet) == (heard["event"], heard["act"], heard["packet"])
    assert (0, "", "") == (watcher.returncode, out, err)


INTERRUPTED_WHILE_TELLING = """
import sys
from hongbao.commands import streams

written = streams._StandardOutput.write

def write(self, data):
    streams._StandardOutput.write = written
    written(self, data)
    raise KeyboardInterrupt

streams._StandardOutput.write = write
from hongbao import cli
raise SystemExit(cli.main(["events", "--follow", "--after", "0", "--json"]))
"""


def test_no_event_is_told_twice_whenever_the_watcher_leaves(new_year: Shell):
    """
    A Ctrl-C that comes when a line is written, and nobody has said yet that it is.
    """
    said = new_year.run([sys.executable, "-c", INTERRUPTED_WHILE_TELLING])

    assert (0, 1, "") == (said.code, len(said.lines), said.err)


def _line(stream: IO[str]) -> str:
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        if line := stream.readline():
            return line
    pytest.fail("nothing was told")


@pytest.mark.parametrize("typed", [("--after", "-1"), ("--limit", "0"), ("--after", "x")])
def test_a_place_that_is_no_number_is_refused(new_year: Shell, typed: tuple[str, str]):
    """
    In words, with the code of wrong usage.
    """
    code, error = new_year.refuses("events", *typed)

    assert 2 == code
    assert error["code"] in ("invalid_number", "usage")


def test_a_watcher_is_told_of_a_restore_and_goes_on(shell: Shell, tmp_path: Path):
    """
    Another ledger takes the place of the one it watches: it hears of that, and of what comes then,
    each under a number that it has not seen; and a place that is gone is said to be.
    """
    copy = tmp_path / "copy"
    shell.does("backup", str(copy))
    shell.does("topup", "5")
    gone = shell.answers("events")["last"]
    watcher = subprocess.Popen(
        [*COMMAND, "events", "--follow", "--after", str(gone - 1), "--json"],
        env=shell.environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        assert watcher.stdout is not None
        heard = [json.loads(_line(watcher.stdout))]
        shell.does("restore", str(copy), "--yes")
        heard.append(json.loads(_line(watcher.stdout)))
        shell.does("clock", "advance", "1h")
        shell.does("topup", "6")
        heard.append(json.loads(_line(watcher.stdout)))
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=SECONDS_MAX)
    finally:
        watcher.kill()

    assert [gone, gone + 1, gone + 2] == [event["event"] for event in heard]
    assert ("restore", "instruct_topup") == (heard[1]["act"], heard[2]["act"])
    assert 0 == watcher.returncode
    after = shell("events", "--after", str(gone))
    assert f"event {gone} is in a ledger" in after.err
    code, error = shell.refuses("events", "--after", "999")
    assert (10, "event_not_found") == (code, error["code"])
