"""``hongbao drill``: how a drill is judged, and shown; `tests/cluster/test_drill.py` holds one."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from hongbao import cli
from hongbao.commands.drill import CLIENTS_MAX
from hongbao.env import system_env
from hongbao.errors import DrillCommandFailed, DrillStuck, InvalidSites, LedgerUnreachable
from hongbao.home.clusters import Access, Address, parse_address
from hongbao.load import drill as drill_module
from hongbao.load.drill import SITES, Drill, Plan, Site, sites_of
from hongbao.load.proving import Booked, Proof, balances, per_second, proof, seen
from hongbao.load.traffic import ANSWERED, Attempt, Client, Orders, attempts_in
from hongbao.ui.drill import Standing, live, show_drilled
from hongbao.ui.script import columns
from hongbao.wallet.sandbox import PEOPLE
from tests.every import every

SECOND = 1_000_000_000
PROFILES = {0: "小明", 1: "Alice"}
THREE = parse_address("mysql://owner@db1,db2,db3/drill")
TWO = parse_address("mysql://owner@db1,db2/drill")
FIVE = parse_address("mysql://owner@db1,db2,db3,db4,db5/drill")


def attempt(number: int, outcome: str = ANSWERED, **other: Any) -> Attempt:
    told = Attempt(0, f"drill-0-{number}", "send", 0, 0, outcome, f"hb_{number}", 100)
    return told._replace(**other)


def booked(number: int, **other: Any) -> Booked:
    return Booked(f"drill-0-{number}", "send", "小明", f"hb_{number}", 100)._replace(**other)


def judged(attempts: list[Attempt], there: list[Booked]) -> dict[str, Any]:
    """Return what is wrong, by name."""
    found = proof(attempts, PROFILES, there)
    names = Proof._fields[2:]
    wrong = {name: list(getattr(found, name)) for name in names if getattr(found, name)}
    assert found.wrong == sum(map(len, wrong.values()))
    return wrong


def test_acts_that_are_there_once_are_as_they_should_be():
    """
    Also where it was not known at first what became of them, or they were refused in the end.
    """
    attempts = [
        attempt(1),
        attempt(2, "outcome_unknown"),
        attempt(2),
        attempt(3, "ledger_unreachable"),
        attempt(3, "packet_finished"),
        attempt(4, kind="claim", client=1, fen=7),
    ]
    there = [booked(1), booked(2), booked(4, kind="claim", profile="Alice", fen=7)]
    assert Proof(3, 1, (), (), (), (), ()) == proof(attempts, PROFILES, there)
    wanted = {"小明": 800, "Alice": 1007}
    assert wanted == balances(attempts, PROFILES, {"小明": 1000, "Alice": 1000})


@every(
    "wrong, attempts, there",
    [
        ("lost", [attempt(1)], []),
        ("twice", [attempt(1)], [booked(1), booked(1)]),
        ("changed", [attempt(1)], [booked(1, fen=101)]),
        ("changed", [attempt(1)], [booked(1, profile="Alice")]),
        ("changed", [attempt(1)], [booked(1, packet="hb_2")]),
        ("changed", [attempt(1)], [booked(1, kind="claim")]),
        ("unasked", [], [booked(1)]),
        ("unasked", [attempt(1, "packet_finished")], [booked(1)]),
        ("unresolved", [attempt(1, "outcome_unknown")], [booked(1)]),
        ("unresolved", [attempt(1, "busy")], []),
    ],
)
def test_whatever_is_not_as_it_was_told_is_found(
    wrong: str, attempts: list[Attempt], there: list[Booked]
):
    sound = [attempt(9)], [booked(9)]
    assert {wrong: ["drill-0-1"]} == judged(attempts + sound[0], there + sound[1])


def test_answers_count_where_they_came_and_a_silence_within_its_part():
    def at(number: int, begun: float, ended: float, outcome: str = ANSWERED) -> Attempt:
        return attempt(number, outcome, begun=int(begun * SECOND), ended=int(ended * SECOND))

    attempts = [
        at(1, 0, 1),
        at(2, 1, 2, "busy"),
        at(2, 2, 3, "packet_finished"),
        at(3, 3, 4, "ledger_unreachable"),
        at(3, 8, 9.5),
        at(4, 9, 10),
    ]
    first = seen(attempts, 0, 4 * SECOND)
    assert (1, {"packet_finished": 1}, {"busy": 1}) == first[:3]
    assert (2 * SECOND, 2 * SECOND) == first[3:]
    second = seen(attempts, 4 * SECOND, 12 * SECOND)
    assert (2, {}, {"ledger_unreachable": 1}) == second[:3]
    assert (6.5 * SECOND, 5.5 * SECOND) == second[3:]
    assert (0, {}, {}, 0, 2 * SECOND) == seen([], SECOND, 3 * SECOND)
    assert [0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0] == per_second(attempts, 0, 12 * SECOND)


def test_what_a_client_has_half_written_is_not_read(tmp_path: Path):
    notes = tmp_path / "client-0"
    assert [] == attempts_in(notes)
    notes.write_text(json.dumps([*attempt(1)]) + "\n" + json.dumps([*attempt(2)])[:9])
    assert [attempt(1)] == attempts_in(notes)


@every(
    "names, address",
    [
        (("a-1", "b-1", "b-2"), THREE),  # a city with one site is no city to lose
        (("a-1", "a-2", "a-3"), THREE),  # no city is left
        (("a-1", "a-2", "b-1", "b-2"), THREE),
        (("a-1", "a-1", "b-1"), THREE),
        (("a-1", "a-2", ""), THREE),
        ((), TWO),
    ],
)
def test_sites_that_cannot_be_lost_are_refused(names: tuple[str, ...], address: Address):
    with pytest.raises(InvalidSites):
        sites_of(address, names)


def test_sites_are_in_the_order_of_the_nodes():
    assert tuple(map(Site, SITES, ("db1", "db2", "db3"))) == sites_of(THREE, ())
    five = sites_of(FIVE, ("a-1", "a-2", "b-1", "b-2", "c-1"))
    plan = Plan(five, 1, 1, "seed", ())
    assert ["a-1", "a-2"] == [site.name for site in plan.first_city]
    assert ["b-1", "b-2", "c-1"] == [site.name for site in plan.others]


def test_the_command_refuses_what_is_no_drill_before_it_touches_a_node(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    password = tmp_path / "password"
    password.write_text("secret\n")

    def refused(*words: str) -> Any:
        typed = ["--nodes", sys.executable]
        typed += ["--ledger-password-file", str(password), "--json", *words]
        assert cli.main(["drill", *typed]) in (2, 21)
        return json.loads(capsys.readouterr().err)["error"]["code"]

    assert "invalid_sites" == refused("mysql://owner@db1,db2/drill")
    assert "invalid_sites" == refused("mysql://owner@db1,db2,db3/drill", "--sites", "a-1,b-1,c-1")
    assert "invalid_ledger_address" == refused("db1,db2,db3")
    assert "invalid_program" == refused("mysql://owner@db1,db2,db3/drill", "--nodes", "'open")
    assert "number_too_large" == refused("mysql://owner@db1,db2,db3/drill", "--clients", "21")


def test_a_command_that_cannot_be_run_is_refused_before_anything_is_made(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """
    It says why, and that no node was touched.
    """
    nodes = tmp_path / "nodes"

    def refused() -> Any:
        assert 21 == cli.main(["drill", str(THREE), "--nodes", str(nodes), "--json"])
        return json.loads(capsys.readouterr().err)["error"]

    nowhere = refused()
    nodes.write_text("#!/bin/sh\n")  # without the right to run it
    forbidden = refused()

    assert [False, False] == [error["drilling"] for error in (nowhere, forbidden)]
    assert nowhere["message"].endswith("No such file or directory")
    assert forbidden["message"].endswith("Permission denied")
    assert "the drill has not begun, and no node was touched" == forbidden["hint"]


def test_a_drill_that_is_ended_does_not_say_that_nothing_was_changed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    Nodes may be away then, and the database has a ledger.
    """

    def end(*_all: object) -> None:
        raise KeyboardInterrupt

    password = tmp_path / "password"
    password.write_text("secret\n")
    monkeypatch.setattr(Drill, "prepare", end)
    words = ["--nodes", sys.executable, "--ledger-password-file", str(password), "--json"]

    assert 130 == cli.main(["drill", "mysql://owner@db1,db2,db3/drill", *words])
    said = json.loads(capsys.readouterr().err.splitlines()[-1])["error"]
    assert "drill_interrupted" == said["code"]


def test_each_client_is_a_person_of_the_drill():
    assert CLIENTS_MAX == len(PEOPLE)


def a_drill(folder: Path, *words: str) -> Drill:
    address = parse_address("mysql://owner@127.0.0.1,127.0.0.2,127.0.0.3:4000/drill")
    command = (sys.executable, "-c", *words)
    plan = Plan(sites_of(address, ()), 1, 0, "seed", command)
    return Drill(system_env(), folder, Access(address, None), plan)


def test_a_command_has_the_site_and_its_failure_ends_the_drill(tmp_path: Path):
    """
    With the last that it said, or its exit code; and one that cannot be started is one that fails.
    """
    write = (
        "import os, pathlib, sys; folder, what, site = sys.argv[1:]\n"
        "pathlib.Path(folder, site).write_text(what + ' ' + os.environ['NODE'])"
    )
    drill = a_drill(tmp_path, write, str(tmp_path))
    sites = drill._plan.sites
    drill._kill(sites[:1])
    drill._operate("bootstrap", sites[1:])
    assert ["kill 127.0.0.1", "bootstrap 127.0.0.2", "bootstrap 127.0.0.3:4000"] == [
        (tmp_path / site.name).read_text() for site in sites
    ]
    assert [("bootstrap", SITES[1:])] == [(one.what, one.sites) for one in drill.by_hand]

    for words, reason in (
        (("import sys; sys.exit(f'no such node: {sys.argv[2]}\\n')",), "no such node: shanghai-1"),
        (("import sys; sys.exit(7)",), "exit 7"),
        (("import os; os.kill(os.getpid(), 9)",), "SIGKILL"),
    ):
        with pytest.raises(DrillCommandFailed) as failed:
            a_drill(tmp_path, *words)._kill(sites[:1])
        assert reason == failed.value.facts["reason"]
    none = a_drill(tmp_path)._plan._replace(command=(str(tmp_path / "none"),))
    with pytest.raises(DrillCommandFailed, match="No such file"):
        Drill(system_env(), tmp_path, drill._access, none)._kill(sites[:1])


def test_a_drill_in_which_nobody_is_answered_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drill_module, "ANSWER_SECONDS", 0)
    drill = a_drill(tmp_path)
    with pytest.raises(DrillStuck):
        list(drill._until_answered())


def test_a_client_whose_drill_was_killed_does_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    Neither the next act, nor the one in hand once more: nobody is left to tell it to stop.
    """

    class Away:
        @staticmethod
        def open(*_all: object, **_named: object) -> Any:
            raise LedgerUnreachable(where="db1")

    parents = iter([7])
    monkeypatch.setattr("hongbao.load.traffic.Wallet", Away)
    monkeypatch.setattr("os.getppid", lambda: next(parents, 1))
    notes = tmp_path / "notes"
    orders = (0, str(tmp_path), "Ann", "drill", str(notes), str(tmp_path / "stop"))

    Client(Orders(*orders, parent=7)).live()
    assert ["ledger_unreachable"] == [each.outcome for each in attempts_in(notes)]
    Client(Orders(*orders, parent=7)).live()
    assert [] == attempts_in(notes)


# --- screens -------------------------------------------------------------------------------------

PART: Any = {
    "what": "all",
    "sites": [*SITES],
    "from_micros": 0,
    "to_micros": 12_000_000,
    "answered": 250,
    "refused": [{"error": "packet_finished", "count": 3}],
    "failed": [],
    "slowest_micros": 400_000,
    "silence_micros": 90_000,
}
DRILLED: Any = {
    "ok": True,
    "seed": "drill",
    "clients": 6,
    "sites": [
        {"site": site, "node": f"db{number}", "ok": True, "entries": 400, "digest": "ab" * 8}
        for number, site in enumerate(SITES, start=1)
    ],
    "micros": 30_000_000,
    "parts": [
        PART,
        PART
        | {
            "what": "city_lost",
            "sites": [*SITES[:2]],
            "from_micros": 12_000_000,
            "to_micros": 30_000_000,
            "failed": [{"error": "ledger_unreachable", "count": 99}],
            "silence_micros": 6_100_000,
        },
    ],
    "tasks": [
        {
            "what": "bootstrap",
            "sites": ["beijing-1"],
            "at_micros": 24_000_000,
            "micros": 700_000,
        },
        {"what": "start", "sites": ["shanghai-1"], "at_micros": 25_000_000, "micros": 8_000_000},
    ],
    "per_second": [20] * 12 + [0] * 12 + [15] * 6,
    "confirmed": 500,
    "refused": 3,
    **{name: [] for name in (*Proof._fields[2:], "poorer")},
    "kept": None,
}


def shown(drilled: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any, width: int) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("hongbao.ui.drill.is_terminal", lambda: True)
    monkeypatch.setattr("hongbao.ui.screen.is_terminal", lambda: True)
    show_drilled(drilled)
    out: str = capsys.readouterr().out
    assert [] == [line for line in out.splitlines() if columns(line) > width]
    return out


@every("width", [80, 40])
def test_a_screen_says_what_was_seen_done_and_proven(width: int):
    with pytest.MonkeyPatch.context() as patch:
        capsys = _Captured(patch)
        out = " ".join(shown(DRILLED, patch, capsys, width).split())
    for text in ("lost: all of shanghai", "6.1 s", "let beijing-1 write alone"):
        assert text in out
    for text in ("confirmed: 500", "in the ledger: 500", "refused: 3"):
        assert text in out
    assert "every confirmed act is there once, and no other" in out


class _Captured:
    """What is printed while a *patch* lasts."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        from io import StringIO

        self._out = StringIO()
        patch.setattr(sys, "stdout", self._out)

    def readouterr(self) -> Any:
        from types import SimpleNamespace

        return SimpleNamespace(out=self._out.getvalue())


def test_a_screen_names_each_request_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    wrong = DRILLED | {name: [f"drill-{name}"] for name in (*Proof._fields[2:], "poorer")}
    wrong |= {"ok": False, "sites": [DRILLED["sites"][0] | {"ok": False}]}
    out = shown(wrong, monkeypatch, capsys, 80)
    for name in (*Proof._fields[2:], "poorer"):
        assert f"drill-{name}" in out
    assert "in the ledger: 499" in out
    assert "shanghai-1: `check` finds something wrong" in out
    assert "every confirmed act" not in out


def test_in_a_pipe_each_line_is_a_word_and_what_it_is(capsys: pytest.CaptureFixture[str]):
    show_drilled(DRILLED)
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert ["part", "all", ",".join(SITES), "0", "250", "3", "0", "90000", "400000"] in lines
    assert ["task", "bootstrap", "beijing-1", "24000000", "700000"] in lines
    assert ["check", "ok"] in lines


@every("width", [80, 40, 12])
def test_while_it_runs_it_shows_the_part_and_the_answers(width: int):
    standing = Standing("site_lost", SITES[1:2], 20_000_000, [1] * 20)
    lines = ["".join(run.text for run in line) for line in live(standing, width)]
    assert all(columns(line) <= width for line in lines)
    assert width < 40 or ["0:20  lost: shanghai-2", "20 answered"] == [lines[0], lines[2]]
