"""Habits: derived from the records whenever they are asked for, and kept only now and then."""

from datetime import timedelta
from pathlib import Path

import pytest

from hongbao.engines.sql.engine import Engine
from hongbao.engines.sql.state import WRITING
from hongbao.errors import AlreadyClaimed, HongbaoError
from hongbao.queries.guards import remembered
from hongbao.store import HabitRow
from hongbao.wallet import Wallet, risk_control
from hongbao.wallet.unit_of_work import rehearsal
from tests.wallet.guards import no_more_than
from tests.wallet.world import CARD, LI, NOON, YUAN, ZHANG, World, below, card, right

NEVER = 10_000


def busy_days(world: World) -> list[str]:
    """
    Let Zhang do fifty things within three days, of which guards stop some.

    Return how each of them ended.
    """
    world.found(ZHANG, clock=NOON, dice="88")
    world.found(LI)
    with world.open(ZHANG) as desk:
        desk.add_card(card(0, 1), pin=right)
        desk.use_risk_pack(no_more_than(5))
        return [_ended(desk, number) for number in range(50)]


def _ended(desk: Wallet, number: int) -> str:
    try:
        if number % 10 == 9:
            desk.advance_clock(timedelta(hours=13 if number % 20 == 19 else 1, minutes=7))
        if number % 3 == 0:
            desk.topup((number + 1) * YUAN, pin=right)
        else:
            desk.send((number + 1) * 10, count=1 + number % 2, pin=right)
    except HongbaoError as error:
        return error.code
    return "done"


def test_acts_are_judged_alike_however_often_habits_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    What was measured of each act, and how it was answered, is the same to the last number as where
    every habit is derived from the first record on.
    """
    lived = {}
    for every in (NEVER, 1, 3, risk_control.KEPT_EVERY):
        monkeypatch.setattr(risk_control, "KEPT_EVERY", every)
        world = World(tmp_path / f"{every}", NOON)
        ended = busy_days(world)
        lived[every] = ended, judgements(world)
        assert {} == world.findings()
    derived = lived.pop(NEVER)

    assert {"done", "refused_by_risk"} == set(derived[0])
    assert [] == [every for every, kept in lived.items() if derived != kept]


def judgements(world: World) -> list[tuple[int, str]]:
    with world.open(ZHANG) as desk:
        return below(desk).rows("SELECT id, risk FROM entry WHERE risk IS NOT NULL ORDER BY id")


def test_an_act_reads_few_records_and_seldom_keeps_a_habit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    No act derives more than what it would keep, and most keep nothing.
    """
    read, written = [], []
    kept = WRITING["KeepHabit"]

    def keep(engine: Engine, profile: int, row: HabitRow) -> None:
        written.append(row.upto)
        kept(engine, profile, row)

    def known(*asked: object) -> object:
        found = remembered(*asked)  # type: ignore[arg-type]
        read.append(found.since_kept)
        return found

    monkeypatch.setitem(WRITING, "KeepHabit", keep)
    monkeypatch.setattr(risk_control, "remembered", known)
    busy_days(World(tmp_path / "home", NOON))

    assert risk_control.KEPT_EVERY == max(read)
    assert 2 <= len(written) <= len(read) // risk_control.KEPT_EVERY


def test_acts_that_were_undone_are_not_remembered(tmp_path: Path):
    """
    What an opened home knows of a person's acts is what a home that was opened just now reads.
    """
    world = World(tmp_path / "home", NOON)
    zhang = world.found(ZHANG)
    zhang.add_card(CARD, pin=right)
    zhang.topup(100 * YUAN, pin=right)
    packets = [zhang.send(1_00, count=2, pin=right)["packet"] for _ in range(3)]
    li = world.found(LI)
    li.claim(packets[0])
    with rehearsal(li.home, dry_run=True):
        li.claim(packets[1])
        li.claim(packets[2])
    for packet in packets[1:]:
        li.claim(packet)
    with pytest.raises(AlreadyClaimed):
        li.claim(packets[0])

    with world.open(LI) as just_opened:
        for wallet in (zhang, li):
            me = wallet.me.id
            assert remembered(just_opened.home, me) == remembered(wallet.home, me)
    assert 3 == remembered(li.home, li.me.id).habit.acts
    assert {} == world.findings()
