"""Rows of state are what the last act has left and sealed, or nobody stands on them."""

import pytest

from hongbao import errors
from hongbao.domain.packet import PacketKind
from tests.wallet.world import YUAN, ZHANG, World, right

ALTERED = {
    "the rules in force": ("home", "UPDATE home SET risk_model = NULL"),
    "a PIN": (
        "profile",
        "UPDATE profile SET pin_hash = (SELECT pin_hash FROM profile WHERE id = 2) WHERE id = 1",
    ),
    "an authenticator": ("profile", "UPDATE profile SET totp_secret = x'00' WHERE id = 1"),
    "whose limits are used": ("profile", "UPDATE profile SET person = 2 WHERE id = 1"),
    "a device's session": ("device", "UPDATE device SET session = session + 1 WHERE id = 1"),
    "a device's key": (
        "device",
        "UPDATE device SET name = name || '!' WHERE id = 1",
    ),
    "who a device is trusted by": (
        "enrolment",
        "UPDATE enrolment SET state = 'certified' WHERE profile = 1",
    ),
    "the limits": ("policy", "UPDATE policy SET text = text || ' '"),
    "the risk rules": ("risk_pack", "UPDATE risk_pack SET text = text || ' '"),
    "the risk model": ("risk_model", "UPDATE risk_model SET text = text || ' '"),
}
"""What is edited with the key of the pages, the table that it is in, and how."""


@pytest.mark.parametrize("what", ALTERED)
def test_nothing_is_done_on_a_row_that_was_altered(what: str, world: World):
    """
    An act says so before it asks for anything, changes nothing, and `check` names the row.
    """
    table, edit = ALTERED[what]
    world.zhang.send(YUAN, pin=right)  # so that the shipped rules are kept
    world.edit(edit)
    before = world.dump()

    with pytest.raises(errors.StateAltered) as refused:
        world.zhang.send(YUAN, kind=PacketKind.EXCLUSIVE, recipient=world.li.me.name, pin=right)

    assert table == refused.value.facts["table"]
    assert before["entry"] == world.dump()["entry"]
    assert any(row.startswith(table) for row in world.findings()["state"])


def test_a_row_that_was_put_back_is_as_foreign_as_one_that_was_edited(world: World):
    """
    Yesterday's profile, with yesterday's PIN, is not today's.
    """
    [old] = [row for row in world.dump()["profile"] if row[1] == ZHANG]
    world.zhang.refunds_to("balance")
    world.edit("UPDATE profile SET refund_to = 'card' WHERE id = 1")
    assert old == world.dump()["profile"][0]

    with pytest.raises(errors.StateAltered):
        world.zhang.balance()
    assert ["profile 1"] == world.findings()["state"]


def test_a_seal_that_was_made_up_opens_nothing(world: World):
    """
    The key of the pages is not the key of the chain.
    """
    world.zhang.close()
    world.edit(
        "UPDATE profile SET refund_to = 'balance' WHERE id = 1",
        "INSERT INTO sealed_row SELECT place, key, (SELECT max(id) FROM entry), digest"
        " FROM sealed_row WHERE place = 'profile' AND key = '2' LIMIT 1",
        "UPDATE sealed_row SET key = '1' WHERE place = 'profile' AND key = '2'"
        " AND entry = (SELECT max(id) FROM entry)",
    )

    with pytest.raises(errors.StateAltered):
        world.zhang.balance()
    assert {"chain", "state"} <= set(world.findings())
