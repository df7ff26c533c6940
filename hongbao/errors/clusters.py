"""A ledger on a cluster: its address, its driver, and what only a file can do."""

from hongbao.errors.base import ExitCode, HongbaoError, Unusable, UsageError, example
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


class LedgerUnreachable(Unusable):
    """No node of the cluster answers, or none of them may write."""

    where: str = example("mysql://pay@db1,db2/ledger")

    sentence = N_("no node of {where} can be reached, or none of them takes writes")
    advice = N_("nothing was changed; try again when the cluster is up")


class LedgerDenied(Unusable):
    """The cluster does not let this user in, or not do what a ledger needs."""

    where: str = example("mysql://pay@db1,db2/ledger")

    sentence = N_("{where} refuses this user, this password, or what the ledger needs to do")
    advice = N_("check the user, the password and the grants with the database's administrator")


class ClusterRefused(Unusable):
    """A setting of the cluster could lose what it has confirmed, or change what is decided."""

    setting: str = example("innodb_flush_log_at_trx_commit")
    value: str = example("2")
    wanted: str = example("1")

    sentence = N_("the cluster's setting {setting} is {value}, and has to be {wanted}")
    advice = N_("nothing was changed; have the setting corrected on every node")


class OutcomeUnknown(HongbaoError):
    """The cluster did not say whether it has committed: the act may be done, or not."""

    exit_code = ExitCode.PENDING
    sentence = N_("the cluster gave no answer: whether this was carried out is not known")
    advice = N_("repeat it with the same request id, and with no other")
