"""A world with three people, in which something falls due."""

from tests.wallet.conftest import _demo, _people, demo, world, worlds

__all__ = ["_demo", "_people", "demo", "world", "worlds"]
