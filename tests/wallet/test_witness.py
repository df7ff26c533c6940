"""A witness of acts: the numbers that each check went by, as `--explain` shows them."""

from collections.abc import Callable
from typing import Any

from hongbao.home.witness import Witness
from hongbao.wallet import Wallet
from tests.wallet.test_devices import App
from tests.wallet.test_risk import pack
from tests.wallet.world import YUAN, World, right


def gone_by(desk: Wallet, act: Callable[[], object]) -> dict[str, Any]:
    """Do *act* at *desk*, and return what each of its checks went by."""
    facts: dict[str, Any] = {}

    def read(_home: object, written: list[Any]) -> list[Any]:
        facts.update((each.check, each.facts) for entry in written for each in entry.checks)
        return []

    witness = desk.home.witness = Witness(read)
    act()
    witness.read(desk.home)
    return facts


def test_what_each_check_of_an_act_went_by(world: World):
    """
    Amounts, limits, and how many of the pack's rules are for such an act, to the last one.
    """
    world.zhang.use_risk_pack(pack())
    desk = world.zhang

    facts = gone_by(desk, lambda: desk.send(2 * YUAN, count=2, pin=right))

    whole = 200_000 * YUAN
    year = {"period": "year", "limit_fen": whole, "used_fen": 0, "left_fen": whole}
    judged = {"pack": "lesson/1", "rules": 3, "fired": [], "verdict": "allow"}
    assert {"operator": None, "factors": ["pin"]} == facts["pin"]
    assert {"needed_fen": 2 * YUAN, "available_fen": 1000 * YUAN} == facts["balance"]
    assert {"tier": "verified", "limits": [year]} == facts["limits"]
    assert facts["risk"].pop("score") in range(1001)
    assert judged == facts["risk"]  # the pack's fourth rule is not for packets


def test_an_authenticators_code_is_named_as_a_factor(world: World):
    """
    By the word that limits and policies have for it.
    """
    desk = App(world).desk()

    facts = gone_by(desk, lambda: desk.topup(YUAN, pin=right))

    assert {"operator": None, "factors": ["pin", "totp"]} == facts["pin"]
