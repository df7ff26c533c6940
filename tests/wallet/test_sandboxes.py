"""Sandboxes and practice homes: the same life each time, act by act."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao.domain.pin import OF_SANDBOXES, Pin
from hongbao.errors import InsufficientCard, SandboxExists
from hongbao.units import CHINA
from hongbao.wallet import Wallet
from hongbao.wallet.practice import Person, make_practice_home
from hongbao.wallet.sandbox import NEW_YEARS_EVE, PEOPLE, make_sandbox
from tests.wallet.world import World, policy

LIFE = """
02-02 10:00 小明 topup 50000 50000 icbc-0018 -
02-02 10:00 Alice topup 30000 30000 cmb-0025 -
02-02 10:00 小红 topup 30000 30000 ccb-0032 -
02-04 19:30 小明 send -6666 43334 - - lucky 3 立春快乐
02-04 19:37 Alice claim 3835 33835 - 小明 lucky 3 立春快乐
02-04 19:44 小红 claim 1332 31332 - 小明 lucky 3 立春快乐
02-04 19:51 小明 claim 1499 44833 - 小明 lucky 3 立春快乐
02-07 12:08 Alice send -888 32947 - 小明 exclusive 1 Happy birthday
02-07 12:08 小明 claim 888 45721 - Alice exclusive 1 Happy birthday
02-08 18:06 Alice send -666 32281 - - lucky 2 晚安
02-08 18:09 小明 claim 206 45927 - Alice lucky 2 晚安
02-08 18:12 小红 claim 460 31792 - Alice lucky 2 晚安
02-10 21:15 小明 send -1040 44887 - - equal 2 午饭
02-10 21:46 Alice claim 520 32801 - 小明 equal 2 午饭
02-11 21:15 小明 refund 520 45407 - - equal 2 午饭
02-13 09:05 小明 send -520 44887 - 小红 exclusive 1 谢谢
02-13 09:05 小红 claim 520 32312 - 小明 exclusive 1 谢谢
02-13 09:25 小红 send -2000 30312 - - lucky 2 奶茶
02-13 09:27 小明 claim 1289 46176 - 小红 lucky 2 奶茶
02-13 10:07 Alice claim 711 33512 - 小红 lucky 2 奶茶
02-14 13:14 小明 send -1314 44862 - Alice exclusive 1 情人节快乐
02-14 13:14 Alice claim 1314 34826 - 小明 exclusive 1 情人节快乐
02-15 10:00 小明 topup 10000 54862 icbc-0018 -
02-15 10:50 小明 withdraw -5000 49862 icbc-0018 -
02-16 19:58 Alice send -8888 25938 - - lucky 3 恭喜发财，大吉大利
"""
"""When, who, what, how much and what is left then, with which card or whom, and the packet."""


def everyones() -> Pin:
    return Pin(OF_SANDBOXES)


def made(folder: Path, **choices: Any) -> tuple[World, dict[str, Any]]:
    """Make a sandbox in *folder* and return it as a world, with the answer."""
    answer = make_sandbox(World(folder.parent).env, folder, policy(), **choices)
    return World(folder), dict(answer)


def life(world: World) -> str:
    """Return all that moved money there, a line for each and person, oldest first."""
    lines = []
    with Wallet.open(world.env) as desk:
        names = [row["profile"] for row in desk.profiles()]
    for number, name in enumerate(names):
        for move in world.open(name).history()["movements"]:
            at = move["at"].removeprefix("2026-").removesuffix(":00+08:00").replace("T", " ")
            what = f"{move['amount_fen']} {move['balance_fen']} {move['card'] or '-'}"
            packet = f"{move['packet_kind']} {move['shares']} {move['greeting']}"
            other = f"{move['counterparty'] or '-'} {packet if move['packet'] else ''}".strip()
            lines.append((move["entry"], number, f"{at} {name} {move['act']} {what} {other}"))
    world.close()
    return "\n".join(line for _entry, _number, line in sorted(lines))


def settled_in(world: World) -> list[str]:
    """Return what is kept of identities and cards, in the order in which they came."""
    rows = world.dump()["entry"]
    return [row[12] for row in rows if row[1] in ("identify", "card_add")]


def test_the_life_of_a_sandbox(tmp_path: Path):
    """
    Two weeks of three people, and a packet that waits.
    """
    world, answer = made(tmp_path / "box")

    assert LIFE.strip() == life(world)
    assert [
        '[1,"小明","小*","9999**********0016","verified",1]',
        '[1,"icbc-0018","icbc","**** 0018","verified"]',
        '[1,"Alice","A****","9999**********0024","verified",1]',
        '[1,"cmb-0025","cmb","**** 0025","verified"]',
        '[1,"小红","小*","9999**********0032","verified",1]',
        '[1,"ccb-0032","ccb","**** 0032","verified"]',
    ] == settled_in(world)
    assert {
        "home": str(tmp_path / "box"),
        "people": [
            {"profile": "小明", "available_fen": 498_62},
            {"profile": "Alice", "available_fen": 259_38},
            {"profile": "小红", "available_fen": 303_12},
        ],
        "pin_file": str(tmp_path / "box" / "pin.txt"),
        "packet": answer["packet"],
        "at": "2026-02-16T20:00:00+08:00",
    } == answer
    assert f"{OF_SANDBOXES}\n" == (tmp_path / "box" / "pin.txt").read_text("utf-8")
    desk = world.open()
    assert ("小明", NEW_YEARS_EVE) == (desk.me.name, desk.now())
    assert ["open", "Alice", 88_88] == [
        desk.show(answer["packet"])[key] for key in ("state", "sender", "total_fen")
    ]
    assert desk.home.is_sandbox
    assert {} == world.findings()


def test_its_pin_is_known_while_it_is_everyones(tmp_path: Path):
    """
    In a sandbox, until the one who acts has another; in no other home.
    """
    world, _answer = made(tmp_path / "box", people=2, empty=True)
    alice = world.open("Alice")
    alice.change_pin(everyones, lambda: Pin("280736"))

    assert alice.known_pin() is None
    known = world.open("小明").known_pin()
    assert known is not None
    assert everyones().same_as(known)
    other = World(tmp_path / "other")
    assert other.found("王五").known_pin() is None
    world.close()
    other.close()


def test_two_people_live_without_a_third(tmp_path: Path):
    """
    What the third would have done, the second does.
    """
    world, _answer = made(tmp_path / "box", people=2)

    lines = life(world).splitlines()

    assert [
        "02-13 09:05 小明 send -520 43385 - Alice exclusive 1 谢谢",
        "02-13 09:05 Alice claim 520 36615 - 小明 exclusive 1 谢谢",
    ] == [line for line in lines if "谢谢" in line]
    assert ["Alice", "小明"] == [line.split()[2] for line in lines if "奶茶" in line][:2]
    assert ["Alice"] == [line.split()[2] for line in lines if "恭喜发财" in line]


def test_many_people_share_what_twenty_can(tmp_path: Path):
    """
    Those behind the twenty have numbers for names, and no name on their card has a digit.
    """
    world, answer = made(tmp_path / "box", people=22)

    lines = life(world).splitlines()
    assert [*PEOPLE, "P21", "P22"] == [person["profile"] for person in answer["people"]]
    spring = [line.split()[2:4] for line in lines if "立春快乐" in line]
    assert ["小明", "send"] == spring[0]
    assert [[name, "claim"] for name in (*PEOPLE[1:20], "小明")] == spring[1:]
    assert {"20"} == {line.split()[9] for line in lines if "立春" in line or "发财" in line}
    assert [
        '[1,"P21","访*","9999**********0219","verified",1]',
        '[1,"P22","访*","9999**********0227","verified",1]',
    ] == [facts for facts in settled_in(world) if facts.startswith('[1,"P')]


def test_an_empty_sandbox_has_people_with_money_and_no_past(tmp_path: Path):
    """
    Its clock is at the same moment.
    """
    world, answer = made(tmp_path / "box", empty=True)

    assert ["topup"] * 3 == [line.split()[3] for line in life(world).splitlines()]
    assert (None, "2026-02-16T20:00:00+08:00") == (answer["packet"], answer["at"])
    assert [500_00, 300_00, 300_00] == [each["available_fen"] for each in answer["people"]]


def test_only_the_first_few_are_rich(tmp_path: Path):
    """
    The others have no money, card or identity, and nothing has happened.
    """
    world, answer = made(tmp_path / "box", people=4, rich=2)

    assert [500_00, 300_00, 0, 0] == [each["available_fen"] for each in answer["people"]]
    assert 4 == len(settled_in(world))
    assert answer["packet"] is None


def test_another_seed_is_another_chance(tmp_path: Path):
    """
    The same seed is the same, to the packets' ids.
    """
    _world, one = made(tmp_path / "one", people=2)
    _world, two = made(tmp_path / "two", people=2, seed="two")
    _world, again = made(tmp_path / "again", people=2)

    assert one["packet"] == again["packet"] != two["packet"]
    assert one["people"] == again["people"] != two["people"]


@pytest.mark.parametrize("chosen", [True, False])
def test_a_sandbox_is_made_where_nothing_is(chosen: bool, tmp_path: Path):
    """
    Nothing of what is there changes.
    """
    folder = tmp_path / "box"
    folder.mkdir()

    with pytest.raises(SandboxExists) as caught:
        made(folder, chosen=chosen)

    assert {"path": str(folder), "chosen": chosen} == caught.value.facts
    assert [] == [*folder.iterdir()]


def test_a_practice_home_has_its_people_at_its_hour(tmp_path: Path):
    """
    They came a day before: top-ups are settled, and count against no limit of today's.
    """
    world = World(tmp_path / "home")
    begins = datetime(2026, 3, 5, 9, 30, tzinfo=CHINA)
    people = [Person("Ann", "icbc", 200_00), Person("Bob", "cmb", 0), Person("Cy", None, 0)]

    make_practice_home(world.env, people, policy=policy(), begins=begins, seed="a")

    desk = world.open()
    assert ("Ann", begins, True) == (desk.me.name, desk.now(), desk.home.is_sandbox)
    assert "03-04 09:30 Ann topup 20000 20000 icbc-0012 -" == life(world)
    assert [
        '[1,"Ann","访*","9999**********7015","verified",1]',
        '[1,"icbc-0012","icbc","**** 0012","verified"]',
        '[1,"Bob","访*","9999**********7023","verified",1]',
        '[1,"cmb-0029","cmb","**** 0029","verified"]',
    ] == settled_in(world)
    known = world.open().known_pin()
    assert known is not None
    assert everyones().same_as(known)
    assert 1 == len(world.dump()["batch"])
    assert {} == world.findings()


def test_a_practice_home_that_cannot_be_is_refused(tmp_path: Path):
    """
    By what the first act that is refused says: no card there has so much.
    """
    people = [Person("Ann", "icbc", 10**9)]

    with pytest.raises(InsufficientCard):
        make_practice_home(
            World(tmp_path / "home").env,
            people,
            policy=policy(),
            begins=NEW_YEARS_EVE + timedelta(hours=1),
            seed="a",
        )


def test_nobody_with_money_leaves_nothing_to_settle(tmp_path: Path):
    """
    Nobody's money moved, so no bank has a batch.
    """
    world = World(tmp_path / "home")

    make_practice_home(
        world.env, [Person("Ann", "icbc", 0)], policy=policy(), begins=NEW_YEARS_EVE, seed="a"
    )

    assert [] == world.dump()["batch"]
    assert NEW_YEARS_EVE == world.open().now()
    world.close()
