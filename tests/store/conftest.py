"""The ledger is tested below real wallets: the same people, founded once, copied for each test."""

from tests.wallet.conftest import _people, dicing, empty, world, worlds

__all__ = ["_people", "dicing", "empty", "world", "worlds"]
