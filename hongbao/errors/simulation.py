"""Storms and simulations: what they need, costs that cannot be read, and what a Ctrl-C leaves."""

from hongbao.errors.base import ExitCode, HongbaoError, Unusable, UsageError, example
from hongbao.words import N_


class StormInterrupted(HongbaoError):
    """Ctrl-C in a storm on a cluster: what was made of its ledger stays in the database."""

    exit_code = ExitCode.INTERRUPTED
    sentence = N_("interrupted; what was made of the storm's ledger stays in the database")
    advice = N_("drop the storm's database")


class SimulatorMissing(Unusable):
    """The library that simulations run on is not installed."""

    sentence = N_("a simulation needs SimPy, which is not installed")
    advice = N_("`pip install 'hongbao[simulate]'`")


class InvalidCosts(UsageError):
    """A file that is to say what claims cost says something else."""

    path: str = example("costs.json")

    sentence = N_("{path} does not say what claims cost")
    advice = N_("name a file that is not there, and they are measured and written to it")
