"""What risk control keeps, and was edited with the keys: Damaged, and no bug of ours."""

import pytest

from hongbao import errors
from hongbao.wallet import risk_control
from tests.wallet.risks import pack, rule, with_pack
from tests.wallet.world import YUAN, World, right

TEXTS = {
    "habit": "UPDATE habit SET text = {}",
    "record": "UPDATE entry SET risk = {} WHERE risk IS NOT NULL",
    "puzzle": "UPDATE challenge SET puzzle = {}",
}


def looked_at(world: World, challenge: str) -> list[type[Exception]]:
    """Return how each look fails that needs what was edited."""
    failed: list[type[Exception]] = []
    looks = (
        lambda: world.zhang.send(5 * YUAN, count=2, pin=right),
        lambda: world.zhang.why("asked"),
        world.zhang.challenges,
        lambda: world.zhang.answer_challenge(challenge, "4"),
    )
    for look in looks:
        try:
            look()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
            failed.append(type(error))
    return failed


@pytest.fixture
def challenged(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """Zhang was asked a puzzle from 30 yuan on, and a habit was kept; return the puzzle's id."""
    monkeypatch.setattr(risk_control, "KEPT_EVERY", 1)
    with_pack(world, pack(rule("puzzle", "challenge", "send", least='"30.00"')))
    with pytest.raises(errors.ChallengeRequired) as asked:
        world.zhang.send(30 * YUAN, count=2, request_id="asked", pin=right)
    return str(asked.value.facts["challenge"])


@pytest.mark.parametrize("edit", TEXTS)
@pytest.mark.parametrize("text", ["''", "'{'", "'[]'", "'null'", "'7'"])
def test_a_text_that_cannot_be_read_back_is_damage(
    world: World, challenged: str, edit: str, text: str
):
    """
    Exit code 19 and a sentence: the habit, how an act was judged, the puzzle.
    """
    world.edit(TEXTS[edit].format(text))

    failed = looked_at(world, challenged)

    assert {errors.Damaged} == set(failed) - {errors.WrongAnswer}


def test_a_pack_that_is_gone_is_damage(world: World, challenged: str):
    """
    Nothing is judged by rules that are not there, and nothing is done unjudged.
    """
    world.edit("PRAGMA foreign_keys = OFF", "UPDATE home SET risk_pack = 'gone/1'")

    with pytest.raises(errors.StateAltered):
        looked_at(world, challenged)
    with pytest.raises(errors.StateAltered):
        world.zhang.send(5 * YUAN, count=2, pin=right)
