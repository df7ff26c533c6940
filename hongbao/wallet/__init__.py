"""
The desk: one public method for each thing a person can do, one transaction each.

`Wallet` has them all. It is put together only when it is asked for, because the most common
questions need no more than `hongbao.wallet.opened.Opened`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hongbao.wallet.bringing import Bill
    from hongbao.wallet.homes import restore
    from hongbao.wallet.review import ReviewReport
    from hongbao.wallet.stating import Statement
    from hongbao.wallet.whole import Wallet

__all__ = ["Bill", "ReviewReport", "Statement", "Wallet", "restore"]

_ROOMS = {
    "Bill": "bringing",
    "ReviewReport": "review",
    "Statement": "stating",
    "Wallet": "whole",
    "restore": "homes",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _ROOMS:
        raise AttributeError(name)
    return getattr(import_module(f"hongbao.wallet.{_ROOMS[name]}"), name)
