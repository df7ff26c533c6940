"""Messages through the clearing channel: their one way through their states, and their faults."""

from datetime import date

import pytest

from hongbao.domain.channel import (
    FINAL,
    Fault,
    FaultRow,
    MessageState,
    check_step,
    fault_for,
    message_id,
    open_channel,
    wrong_amount_fen,
)
from tests.every import every

STEPS = {
    "created": {"sent", "rejected"},
    "sent": {"accepted", "rejected", "unknown"},
    "unknown": {"accepted", "rejected", "reversed"},
    "accepted": set(),
    "rejected": set(),
    "reversed": set(),
}


@every("after", MessageState)
@every("before", MessageState)
def test_a_message_takes_only_the_steps_there_are(before, after):
    """
    And keeps the one outcome that it has.
    """
    if after in STEPS[before]:
        check_step(before, after)
    else:
        with pytest.raises(ValueError, match=f"^no message goes from {before} to {after}$"):
            check_step(before, after)
    assert (not STEPS[before]) == before.is_final == (before in FINAL)


@every(
    ("channel", "day", "number", "written"),
    [
        ("netsunion", date(2026, 2, 6), 12, "NU20260206000012"),
        ("unionpay", date(2026, 12, 16), 999_999, "UP20261216999999"),
    ],
)
def test_a_messages_id_is_channel_day_and_number(channel, day, number, written):
    """
    A bank books an id once.
    """
    assert written == message_id(channel, day, number)


SWITCHED = FaultRow("icbc", Fault.DOWN, None)
OF_AMOUNT = FaultRow("icbc", Fault.LATE, 5_00)
OF_MAGIC = FaultRow("icbc", Fault.SLOW, 444_01)
ELSEWHERE = FaultRow("ccb", Fault.DECLINE, None)
OF_CHANNEL = FaultRow("unionpay", Fault.DOWN, None)


@every(
    ("faults", "place", "amount_fen", "fault"),
    [
        ([], "icbc", 5_00, None),
        ([SWITCHED], "icbc", 5_00, Fault.DOWN),
        ([ELSEWHERE], "icbc", 5_00, None),
        ([ELSEWHERE, SWITCHED], "icbc", 5_00, Fault.DOWN),
        ([SWITCHED, ELSEWHERE], "ccb", 5_00, Fault.DECLINE),
        # The narrower rule decides: for this amount, a magic amount, the switch.
        ([SWITCHED, OF_AMOUNT], "icbc", 5_00, Fault.LATE),
        ([OF_AMOUNT, SWITCHED], "icbc", 5_00, Fault.LATE),
        ([OF_AMOUNT, SWITCHED], "icbc", 5_01, Fault.DOWN),
        ([OF_AMOUNT], "icbc", 5_01, None),
        ([], "icbc", 444_01, Fault.TIMEOUT),
        ([], "icbc", 444_14, Fault.DOUBLE_BOOKING),
        ([], "icbc", 444_15, None),
        ([], "icbc", 444_00, None),
        ([SWITCHED], "icbc", 444_02, Fault.LOST),
        ([SWITCHED, OF_MAGIC], "icbc", 444_01, Fault.SLOW),
        # Magic amounts are for banks.
        ([], "unionpay", 444_01, None),
        ([OF_CHANNEL], "unionpay", 444_01, Fault.DOWN),
        ([OF_CHANNEL], "netsunion", 444_01, None),
    ],
)
def test_the_narrowest_fault_at_a_place_decides(faults, place, amount_fen, fault):
    """
    One at another place never does.
    """
    assert fault is fault_for(faults, place, amount_fen)


@every(
    ("down", "channel"),
    [(set(), "netsunion"), ({"netsunion"}, "unionpay"), ({"netsunion", "unionpay"}, None)],
)
def test_the_first_channel_that_is_not_down_is_taken(down, channel):
    """
    Or none.
    """
    assert channel == open_channel(["netsunion", "unionpay"], down.__contains__)


@every(("amount_fen", "wrong_fen"), [(100_00, 50_00), (5, 2), (3, 1), (2, 1), (1, 2)])
def test_a_wrong_amount_is_another_one(amount_fen, wrong_fen):
    """
    Half of it, or twice a single fen: never the same, and never nothing.
    """
    assert wrong_fen == wrong_amount_fen(amount_fen)
