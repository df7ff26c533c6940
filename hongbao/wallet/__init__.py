"""
Acts: one file for each thing a person can do, one function and one transaction each.

`Wallet` is the door to all of them and to `hongbao.queries`; it imports what is asked for.
"""

from hongbao.wallet.facade import Wallet

__all__ = ["Wallet"]
