"""The door: what `Wallet` hands out, and what it asks for first."""

from datetime import timedelta

import pytest

from hongbao import errors
from hongbao.domain.pin import Pin
from hongbao.wallet import Wallet, claim
from tests.wallet.world import NOON, World


def test_a_name_of_the_class_is_the_function_itself():
    """
    So that whoever asks for help on it reads its own docstring and signature.
    """
    assert claim.claim is Wallet.claim


def test_a_period_that_has_not_begun_asks_for_no_pin(world: World):
    """
    A statement that cannot be made is refused before anybody types what it would be opened with.
    """

    def typed() -> Pin:
        raise AssertionError("asked for the PIN")

    with (
        pytest.raises(errors.PeriodNotBegun),
        world.zhang.statement(since=NOON + timedelta(days=400), full=typed),
    ):
        pass
