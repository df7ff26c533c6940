"""The desk: one public method for each thing a person can do, one transaction each."""

from hongbao.wallet.clock import Clock
from hongbao.wallet.homes import Homes, restore
from hongbao.wallet.people import People
from hongbao.wallet.records import Records, Statement

__all__ = ["Statement", "Wallet", "restore"]


class Wallet(People, Clock, Records, Homes):
    """A home opened for one profile: everything that can be asked for at the desk."""
