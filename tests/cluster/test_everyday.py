"""
Every command by the real clock, in a file and on a cluster: the same outcomes, in the same shapes.

Stories have a virtual clock, by which a cluster numbers its acts as a file does. By the real one
numbers are made from moments: whatever counts them, cuts them or looks one up is tried here.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hongbao.engines.mysql.numbers import SETTLED_AFTER
from tests.cli.shell import Shell
from tests.cluster.databases import PAY
from tests.cluster.nodes import Cluster
from tests.cluster.worlds import empty_ledger

pytestmark = pytest.mark.cluster

PIN = "246813"

LINES = """
    init Bob
    init Eve
    identify --name 张三 --id-number 11010519491231002X --card 9999010000000003
    topup 100 --request-id t1
    topup 100 --request-id t1
    topup 7 --request-id t1
    send 20 --count 2 --request-id s1
    show last
    claim {packet} -p Bob --request-id c1
    claim {packet} -p Bob --request-id c1
    claim {packet} -p Bob
    claim {packet} -p Eve
    claim {packet}
    verify {packet}
    trace {packet}
    receipt {packet}
    send 8.88 --to Bob --greeting 恭喜发财
    claim {packet} -p Eve
    claim {packet} -p Bob
    send --each 2 --count 3 --from 0003
    refund {packet}
    claim {packet}
    show {packet}
    packets
    packets --received -p Bob
    packets --claimable -p Eve
    packets --limit 1
    topup 2
    withdraw 10 --request-id w1
    withdraw 1000000
    settle
    balance
    balance -p Bob
    history
    history --limit 2
    history --before {entry}
    history --last 1d --by kind
    history --from 2020-01-01 --by month
    history --kind topup
    history -p Bob --with Ann
    events
    events --limit 2
    limits
    limits -p Eve
    status
    profiles
    year
    books
    bank
    card
    key
    receipt t1
    receipt s1
    receipt w1
    receipt nothing
    export --format json -o {file}.json
    export --format csv -o {file}.csv -p Bob
    export --format beancount -o {file}.bean
    verify-statement {file}.json
    verify-statement {file}.csv
    topup 1
    verify-statement {file}.json
    receipt c1 -o {file}.txt -p Bob
    verify-statement {file}.txt
    operator add Wu --new-pin-file {pin}
    operator add Bao --operator Wu --new-pin-file {pin}
    operator
    risk
    risk use strict --operator Wu
    send 1
    policy use standard --operator Wu
    policy
    device
    device add tablet
    device move 上海
    device login
    device remove tablet
    totp
    pin change --new-pin-file {pin}
    reconcile
    review
    use Bob
    balance
    use Ann
    send 3 --to Eve
    claim {packet} -p Eve
    topup 3 --dry-run
    backup {file}.backup
    home
    check
    check --all
    lock --passphrase-file {phrase}
    balance
    unlock --passphrase-file {phrase}
    balance
    wait
    inbox -p Bob --keep
    inbox -p Bob
    inbox -p Bob
    inbox -p Eve --limit 1
    watch --all --after 0 --for 1s
    watch --after {entry} --for 1s --cursor here
    watch --cursor here --for 1s
    events --after {entry}
"""
"""A day of a wallet: what is right, what is refused, and what is asked a second time."""

ELSEWHERE = {"shared", "nodes", "log", "checkpoint", "lost"}
"""Facts and checks that a file does not have, or has otherwise."""


def shaped(told: Any) -> Any:
    """Return *told* without what is another one each time: its keys, its lengths, its kinds."""
    if isinstance(told, dict):
        return {key: shaped(value) for key, value in told.items() if key not in ELSEWHERE}
    if isinstance(told, list):
        return [shaped(value) for value in told if not is_elsewhere(value)]
    if told is None or isinstance(told, bool):
        return told
    return type(told).__name__


def is_elsewhere(told: Any) -> bool:
    return isinstance(told, dict) and told.get("check") in ELSEWHERE


def lived(
    shell: Shell, folder: Path, *first: str, waiting: float = 0
) -> Iterator[tuple[str, int, Any]]:
    """Yield each line that is typed, its exit code and what it told."""
    folder.mkdir()
    (folder / "phrase").write_text("correct horse battery 7\n")
    places = {"file": folder / "out", "pin": shell.pin_file, "phrase": folder / "phrase"}
    seen = {"packet": "-", "entry": "-"}
    for line in (" ".join(["init", "Ann", *first]), *LINES.strip().splitlines()):
        if line.strip() == "wait":
            time.sleep(waiting)
            continue
        words = line.strip().format(**places, **seen).split()
        said = shell(*words, "--json")
        text = said.out or said.err
        assert "Traceback" not in said.err
        try:
            told = json.loads(text)
        except ValueError:  # one document a line, or none at all
            told = [json.loads(one) for one in text.splitlines() if one.startswith("{")]
        for name in seen:
            found = re.findall(rf'"{name}": ?"?(\w+)', text)
            if found and words[0] in ("send", "history"):
                seen[name] = found[-1]
        yield line.strip(), said.code, told


def test_a_day_by_the_real_clock_is_as_in_a_file(one_node: Cluster, tmp_path: Path):
    address = empty_ledger(one_node, "everyday")
    place = ("--ledger", str(address), "--ledger-password-file", str(one_node.password_file(PAY)))
    on_cluster, in_file = (Shell(tmp_path / name / "home", PIN) for name in ("here", "there"))
    differing = []
    settled = SETTLED_AFTER.total_seconds()  # who follows events is told no sooner
    days = (
        lived(on_cluster, tmp_path / "ours", *place, waiting=settled),
        lived(in_file, tmp_path / "theirs"),
    )
    for ours, theirs in zip(*days, strict=True):
        if (ours[1], shaped(ours[2])) != (theirs[1], shaped(theirs[2])):
            differing.append((ours[0], ours[1:], theirs[1:]))
    assert [] == differing, "\n".join(f"{one[0]}\n  {one[1]}\n  {one[2]}" for one in differing)
