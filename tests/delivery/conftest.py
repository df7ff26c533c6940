"""A world with three people, and a receiver on this machine."""

from collections.abc import Iterator

import pytest

from tests.delivery.receiver import Receiver
from tests.wallet.conftest import _people, world, worlds

__all__ = ["_people", "receiver", "world", "worlds"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found
