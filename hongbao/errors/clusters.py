"""A ledger on a cluster: its address, its driver, and what only a file can do."""

from hongbao.errors.base import Unusable, UsageError, example
from hongbao.words import N_


class InvalidLedgerAddress(UsageError):
    """The address of a ledger cannot be read. It is not repeated: it may hold a password."""

    reason: str = example(
        "it contains a password", also=("it names no database", "it does not begin with `mysql://`")
    )

    sentence = N_("the ledger's address cannot be used: {reason}")
    advice = N_("write `mysql://USER@HOST/DATABASE`; a password comes from a file or a prompt")


class DriverMissing(Unusable):
    """The library that speaks to a cluster is not installed, or has a known fault."""

    sentence = N_("a ledger on a cluster needs PyMySQL 1.2 or later, which is not installed")
    advice = N_("install it with `pip install 'hongbao[cluster]'`")
