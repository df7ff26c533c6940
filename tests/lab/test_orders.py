"""Interleavings as text: every order of turns, the shortest that loses, and its story."""

import re
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest

from hongbao import cli
from hongbao.env import system_env
from hongbao.errors import NoBlock, NotLabLedger, TooManyOrders
from hongbao.lab import orders
from hongbao.lab.faults import FAULTS, STORIES, story
from hongbao.lab.orders import Orders, described, every_order
from hongbao.lab.process import typed
from hongbao.lab.spoken import sorted_words
from hongbao.story import AtOnce, Closed, Failed, Outcome, parse, perform
from hongbao.story.script import Together
from hongbao.ui.orders import tree
from tests import warm
from tests.every import every

THREE = """
file pin: 246810
init 张三 --clock 2026-02-16T20:00:00+08:00 --dice lab => 0
init 李四 => 0
init 王五 => 0
init 赵六 => 0
card add 9999010000000003 => 0
topup 8 => 0
send 8 --count 2 --json => 0 {"packet": "[packet]"}
together some
李四: claim [packet] => 0
王五: claim [packet] => 0
赵六: claim [packet] => 11
end
"""


@cache
def found(name: str) -> Orders:
    return every_order(name, story(name), system_env())


def text_of(name: str) -> str:
    return (STORIES / f"{name}.txt").read_text(encoding="utf-8")


def played(text: str, folder: Path, before: Sequence[str]) -> list[Outcome]:
    """Play *text* by real processes; what is not at once comes from a warm parent."""
    folder.mkdir()
    with warm.stories():
        events = perform(parse(text, "loss.txt"), folder, before=before)
        with closing(events):
            return list(events)


def test_four_of_six_orders_oversell():
    """
    Both look before either is paid; hongbao has two orders, and neither loses.
    """
    orders = found("oversell").orders

    assert [
        ((1, 1, 2), 0),
        ((1, 2, 1, 2), 500),
        ((1, 2, 2, 1), 500),
        ((2, 1, 1, 2), 500),
        ((2, 1, 2, 1), 500),
        ((2, 2, 1), 0),
    ] == [(order.turns, order.lost_fen) for order in orders]
    assert {((1, 2), 0), ((2, 1), 0)} == {
        (order.right_turns, order.right_lost_fen) for order in orders
    }
    shortest = found("oversell").shortest
    assert shortest is not None
    assert (1, 2) == shortest.written


@pytest.mark.slow
def test_an_update_is_lost_in_four_of_six_orders():
    """
    What is lost is what the first one to write had added.
    """
    lost = {order.turns: order.lost_fen for order in found("lost-update").orders}

    assert set(permutations((1, 1, 2, 2))) == lost.keys()
    assert [0, 500, 300, 500, 300, 0] == [lost[turns] for turns in sorted(lost)]


@pytest.mark.slow
def test_three_commands_have_ninety_orders():
    """
    Each of them once; many are one line of the tree, and none is left out.
    """
    three = parse(THREE, "three.txt")
    found = every_order("oversell", three, system_env())
    shown = described("oversell", "three.txt", THREE, found)

    assert len(found.orders) == len({order.turns for order in found.orders}) == 90
    assert (72, 0) == (shown["losing"], shown["right_losing"])
    ends = [branch.text(80) for branch in tree(shown["orders"])]
    merged = [int(end.partition("×")[2].split()[0]) for end in ends if "×" in end]
    assert 90 == sum(merged) + len(ends) - len(merged)
    assert max(map(len, ends)) <= 40
    assert "together\norder: 1 2 3\n" in (shown["text"] or "")


def test_the_tree_leaves_out_what_the_line_above_begins_with():
    """
    It reads without colour.
    """
    shown = described("oversell", "oversell.txt", text_of("oversell"), found("oversell"))

    assert [branch.text(40) for branch in tree(shown["orders"])] == [
        "1 ─ 1 ─ 2       0.00",
        "  └ 2 ─ 1 ─ 2   5.00 lost",
        "      └ 2 ─ 1   5.00 lost",
        "2 ─ 1 ─ 1 ─ 2   5.00 lost",
        "  │   └ 2 ─ 1   5.00 lost",
        "  └ 2 ─ 1       0.00",
    ]


def test_a_story_has_one_block_and_not_too_many_orders(monkeypatch: pytest.MonkeyPatch):
    """
    Otherwise nothing is shown at all.
    """
    with pytest.raises(NoBlock) as refused:
        every_order("oversell", story("float"), system_env())
    named = {*re.findall(r"`([a-z-]+)`", refused.value.hint or "")}
    assert named == {
        name for name in FAULTS if any(isinstance(scene, Together) for scene in story(name).scenes)
    }
    monkeypatch.setattr(orders, "ORDERS_MAX", 2)
    with pytest.raises(TooManyOrders):
        every_order("oversell", story("oversell"), system_env())


def test_the_written_story_loses_the_same_by_real_processes(tmp_path: Path):
    """
    On the broken engine, in the same turns; the check at its end says how much.
    """
    shown = described("oversell", "oversell.txt", text_of("oversell"), found("oversell"))

    outcomes = played(shown["text"] or "", tmp_path / "play", ["lab", "do", "oversell"])

    (at_once,) = (each for each in outcomes if isinstance(each, AtOnce))
    assert [1, 2, 1, 2] == at_once.turns
    (paid,) = (each for each in outcomes if isinstance(each, Failed))
    assert ("exit_code", "11", "0") == (paid.problem, paid.expected, paid.got)
    closed = outcomes[-1]
    assert isinstance(closed, Closed)
    assert (None, "lab_loss") == (closed.digest, closed.refusal)


def test_a_wallets_folder_is_no_place_for_a_broken_engine(tmp_path: Path):
    """
    Nor is a ledger of another engine; nothing is written there.
    """
    env = system_env()._replace(home=tmp_path)
    init = sorted_words(["init", "Alice"])
    assert {"profile": "Alice"} == typed("oversell", init, env, [])
    with pytest.raises(NotLabLedger):
        typed("float", init, env, [])
    (tmp_path / "wallet" / "keys").mkdir(parents=True)
    with pytest.raises(NotLabLedger):
        typed("oversell", init, env._replace(home=tmp_path / "wallet"), [])
    assert ["keys"] == [each.name for each in (tmp_path / "wallet").iterdir()]


def test_a_broken_engine_makes_no_pictures_and_accepts_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    """
    Both would say of hongbao what is true of it alone.
    """
    for other in (["--svg", str(tmp_path / "a.svg")], ["--accept"], ["--verify"]):
        assert 2 == cli.main(["play", "--engine", "oversell", "packet", *other])
        assert other[0] in capsys.readouterr().err
    assert 10 == cli.main(["play", "--engine", "overshell", "packet"])


@pytest.mark.slow
@every("name", ["oversell", "lost-update"])
def test_every_order_is_the_same_by_real_processes(
    name: str, tmp_path_factory: pytest.TempPathFactory
):
    """
    On the broken engine and on hongbao, to the fen.
    """
    block = found(name).block
    for order in found(name).orders:
        text = orders.rewritten(text_of(name), name, block, order)
        for before, turns, lost_fen in (
            (["lab", "do", name], order.turns, order.lost_fen),
            ([], order.right_turns, order.right_lost_fen),
        ):
            outcomes = played(text, tmp_path_factory.mktemp("play") / "in", before)
            (at_once,) = (each for each in outcomes if isinstance(each, AtOnce))
            assert list(turns) == at_once.turns
            closed = outcomes[-1]
            assert isinstance(closed, Closed)
            assert ("lab_loss" if lost_fen else None) == closed.refusal
