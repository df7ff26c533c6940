"""Catching: expectations are graded by how many broken engines they catch."""

from pathlib import Path

import pytest

from hongbao.errors import BadLabCommand
from hongbao.lab.catching import SILENT, caught
from hongbao.lab.faults import FAULTS
from hongbao.story import parse, read

HERE = Path(__file__).parent
BEGUN = "init 张三 => 0\ninit 李四 => 0\ntopup 20 => 0\n"


def caught_by(story: str) -> set[str]:
    answer = caught(parse(BEGUN + story, "mine"))
    names = {each["fault"] for each in answer["engines"] if each["lines"]}
    assert len(names) == answer["caught"]
    return names


def test_good_expectations_catch_all_that_can_be_seen():
    """
    Ten of eleven: how a PIN is kept is in no answer.
    """
    answer = caught(read(HERE / "catches.txt"))

    assert {"pin"} == {each["fault"] for each in answer["engines"] if not each["lines"]} == SILENT
    assert (10, 11, []) == (answer["caught"], len(answer["engines"]), answer["chance_lines"])


def test_no_expectations_catch_nothing():
    """
    Commands that succeed on every engine.
    """
    assert set() == caught_by('send 10 --count 2 --json => 0 {"packet": "[packet]"}\n')


def test_one_law_catches_many():
    """
    Users are owed what the reserve has: whatever lost money breaks it.
    """
    story = """
    send 6.66 => 0 …[packet]…
    clock advance 24h => 0
    refund [packet] => 11
    topup 4.35 => 0
        fact: owed = reserve + in-transit
    """
    lines = "\n".join(
        line.strip() if "fact" not in line else f"    {line.strip()}"
        for line in story.strip().splitlines()
    )

    assert {"float", "double-refund"} == caught_by(lines)


def test_what_depends_on_chance_catches_nothing():
    """
    The engines draw other shares than hongbao does: an exact one says nothing of a fault.
    """
    story = (
        'send 10 --count 2 --json => 0 {"packet": "[packet]"}\n'
        '李四: claim [packet] --json => 0 {"amount_fen": 7}\n'
    )
    answer = caught(parse(BEGUN + story, "mine"))

    assert (0, [5]) == (answer["caught"], answer["chance_lines"])


def test_what_an_engine_does_not_have_is_not_looked_at():
    """
    Tiers and screens are hongbao's own.
    """
    assert set() == caught_by("balance => 0 20.00 …\n    fact: tier 张三 = unverified\n")
    assert set() == caught_by("topup 1 => 0 nonsense\n")


def test_a_command_that_no_engine_understands_is_named_with_its_line():
    """
    It is not taken for a refusal of the engine's.
    """
    with pytest.raises(BadLabCommand) as refused:
        caught(parse("init 张三 => 0\n\ntotp add => 0\n", "mine.txt"))

    assert ("mine.txt", 3) == (refused.value.source, refused.value.line)
    assert "totp add" in refused.value.message


def test_a_race_is_run_in_step_on_the_engines():
    """
    All look before any is paid, which is the worst of all orders.
    """
    story = """send 5 --json => 0 {"packet": "[packet]"}
race
张三: balance
李四: claim [packet] --json
李四: claim [packet] --json
end
    sum amount_fen = 500
    fact: packet [packet] claims = 1
"""

    assert {"oversell"} <= caught_by(story) < set(FAULTS)
