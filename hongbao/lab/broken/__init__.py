"""
The broken engines: each is the small engine with one rule replaced by a famous fault.

They are wrong on purpose. Nothing outside `hongbao.lab` imports them, and they write nothing but
the marked throw-away ledgers of `hongbao.lab.ledger`.
"""

from importlib import import_module

from hongbao.lab.engine import Engine

MODULES = {
    "float": "amounts",
    "rounding": "rounding",
    "oversell": "oversell",
    "expiry": "expiry",
    "double-refund": "double_refund",
    "utc-day": "utc_day",
    "reused-key": "reused_key",
    "pin": "pin",
    "biased-deal": "biased_deal",
    "lost-update": "lost_update",
    "in-flight": "in_flight",
}
"""Each fault's name, and the module of its engine."""


def engine(name: str) -> type[Engine]:
    """Return the broken engine called *name*, one of `MODULES`."""
    found: type[Engine] = import_module(f"hongbao.lab.broken.{MODULES[name]}").Broken
    assert found.name == name
    return found
