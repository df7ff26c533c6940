"""
The machine's clock was turned back: money stays where it is, until time is right again.

No story can tell it, because stories play on a virtual clock, which nothing turns back.
"""

import pytest

from hongbao.errors import SessionCut, SessionEnded
from tests.wallet.world import YUAN, World, right


def test_a_clock_that_was_turned_back_ends_the_session(world: World):
    """
    By more than five minutes: nothing is sent, and the user is told why in both languages.
    """
    zhang = world.zhang
    before = zhang.balance()["available_fen"]
    world.turn(minutes=-10)

    with pytest.raises(SessionEnded) as ended:
        zhang.send(5 * YUAN, pin=right)

    assert "clock-turned-back" == ended.value.facts["rule"]
    assert {
        "en": "the clock of this device was turned back",
        "zh": "设备时间被回拨，为保障资金安全已中止操作",
    } == ended.value.facts["why"]
    assert before == zhang.balance()["available_fen"]
    assert {} == world.findings()


def test_a_new_session_helps_nothing_while_the_clock_is_wrong(world: World):
    """
    Whoever sets the clock right goes on with a new session.
    """
    zhang = world.zhang
    world.turn(minutes=-10)
    with pytest.raises(SessionEnded):
        zhang.send(5 * YUAN, pin=right)
    with pytest.raises(SessionCut):
        zhang.send(5 * YUAN, pin=right)

    zhang.login(pin=right)
    with pytest.raises(SessionEnded):
        zhang.send(5 * YUAN, pin=right)
    world.turn(minutes=10)
    zhang.login(pin=right)

    assert 5 * YUAN == zhang.send(5 * YUAN, pin=right)["total_fen"]
    assert {} == world.findings()


@pytest.mark.parametrize("back", [{"minutes": -4}, {"seconds": -299}])
def test_a_clock_that_is_put_right_by_little_stops_nobody(world: World, back: dict[str, float]):
    """
    Machines do that all the time; the ledger's own clock never goes back.
    """
    zhang = world.zhang
    sent_at = zhang.send(5 * YUAN, pin=right)["at"]
    world.turn(**back)

    assert sent_at == zhang.send(5 * YUAN, pin=right)["at"]
