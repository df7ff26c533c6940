"""A drill on real nodes, shortened: it reports what is in the ledger, and what should be."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hongbao import cli
from hongbao.env import system_env
from hongbao.load.drill import Drill, Proven
from hongbao.load.traffic import attempts_in
from hongbao.wallet import Wallet
from tests.cluster.nodes import Cluster, connect
from tools.drill import words_for
from tools.nodes.cluster import SITES

pytestmark = pytest.mark.cluster

CLIENTS = 4
SECONDS = os.environ.get("HONGBAO_DRILL_SECONDS", "1")
DATABASE = "hongbao_drill"

PARTS = ["all", "site_lost", "site_back", "city_lost", "taken_over", "city_back"]


def held(
    cluster: Cluster,
    capsys: pytest.CaptureFixture[str],
    database: str,
    *words: str,
    nodes: str = "",
) -> tuple[int, Any, Any]:
    """Run a drill; return its exit code, its report, and its error if there is one."""
    database = cluster.create_database(database)
    typed = [*words_for(cluster, database), "--seconds", SECONDS, "--clients", str(CLIENTS)]
    if nodes:
        typed[typed.index("--nodes") + 1] = nodes
    code = cli.main([*typed, "--json", *words])
    out, err = capsys.readouterr()
    return code, json.loads(out or "null"), json.loads(err or "null")


def test_a_city_is_lost_and_every_confirmed_act_is_there_once(
    galera: Cluster,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    """
    The report is true, counted again from the clients' notes and the ledger; and if then an act is
    taken out of the ledger, and a client forgets another one, both are found.
    """
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    prove = Drill.prove
    sound: list[Proven] = []
    planted: list[str] = []

    def prove_and_plant(drill: Drill) -> Proven:
        sound.append(prove(drill))
        planted.extend(plant(galera, drill))
        return prove(drill)

    monkeypatch.setattr(Drill, "prove", prove_and_plant)
    try:
        code, drilled, error = held(galera, capsys, DATABASE, "--keep")
    finally:
        galera.mend()
    assert sound, (code, error)
    [first], [gone, forgotten] = sound, planted

    assert (0, ()) == (first.proof.wrong, first.poorer)
    assert {*SITES} == {name for name, checked in first.checked if checked["ok"]}
    assert 1 == len({checked["digest"] for _name, checked in first.checked})
    counts = counted(Path(drilled["kept"]))
    assert counts["answered"] == first.proof.confirmed == counts["booked"] + 1

    assert PARTS == [part["what"] for part in drilled["parts"]]
    parts = {part["what"]: part for part in drilled["parts"]}
    assert all(parts[what]["answered"] for what in PARTS if what != "city_lost")
    assert [("start", ["shanghai-2"]), ("bootstrap", ["beijing-1"]), ("start", [*SITES[:2]])] == [
        (task["what"], task["sites"]) for task in drilled["tasks"]
    ]
    assert "ledger_unreachable" in {each["error"] for each in parts["city_lost"]["failed"]}
    assert sum(drilled["per_second"]) <= first.proof.confirmed

    assert 19 == code
    assert "drill_found_faults" == error["error"]["code"]
    assert (False, [gone], [forgotten]) == (drilled["ok"], drilled["lost"], drilled["unasked"])
    assert drilled["poorer"]
    assert not any(site["ok"] for site in drilled["sites"])


def plant(cluster: Cluster, drill: Drill) -> tuple[str, str]:
    """Take an confirmed claim out of the ledger, and let a client forget another; name both."""
    claims = [attempt for attempt in drill.attempts() if attempt.kind == "claim" and attempt.fen]
    gone, forgotten = claims[0].request, claims[-1].request
    with (
        connect(cluster, cluster.nodes[0], database=DATABASE) as link,
        link.cursor() as cursor,
    ):
        assert cursor.execute("DELETE FROM entry WHERE request_id = %s", (gone,)) == 1
        link.commit()
    notes = drill._notes(claims[-1].client)
    lines = notes.read_text().splitlines(keepends=True)
    notes.write_text("".join(line for line in lines if json.loads(line)[1] != forgotten))
    return gone, forgotten


def counted(folder: Path) -> Counter[str]:
    """Count what clients were told, but for the forgotten act, and what is in the ledger."""
    counts: Counter[str] = Counter(forgotten=1)
    told = {
        attempt.request
        for client in range(CLIENTS)
        for attempt in attempts_in(folder / f"client-{client}")
        if attempt.outcome == "answered"
    }
    counts["answered"] = len(told) + 1
    env = system_env()._replace(home=folder / SITES[2])
    with Wallet.open(env, profile=None, trusting=True) as wallet:
        acts = [act for act in wallet.store.acts() if str(act.request_id).startswith("drill-")]
    assert len(acts) == len({act.request_id for act in acts})
    counts["booked"] = len(acts)
    return counts


def test_a_drill_that_cannot_go_on_says_why_and_leaves_no_client(
    galera: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """
    Its clients are ended, and the nodes are as it left them.
    """
    started: list[Any] = []
    popen: Callable[..., Any] = subprocess.Popen

    def noting(words: Any, **options: Any) -> Any:
        process = popen(words, **options)
        started.append((words, process))
        return process

    monkeypatch.setattr(subprocess, "Popen", noting)
    code, drilled, error = held(
        galera, capsys, f"{DATABASE}_stopped", nodes="sh -c 'echo no such site >&2; exit 1'"
    )
    assert (21, None, "drill_command_failed") == (code, drilled, error["error"]["code"])
    assert "no such site" == error["error"]["reason"]
    clients = [process for words, process in started if "hongbao.load.traffic" in words]
    assert CLIENTS == len(clients)
    assert all(client.poll() is not None for client in clients)
