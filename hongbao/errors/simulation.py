"""Simulations: what they need, and costs that cannot be read."""

from hongbao.errors.base import Unusable, UsageError, example
from hongbao.words import N_


class SimulatorMissing(Unusable):
    """The library that simulations run on is not installed."""

    sentence = N_("a simulation needs SimPy, which is not installed")
    advice = N_("`pip install 'hongbao[simulate]'`")


class InvalidCosts(UsageError):
    """A file that is to say what claims cost says something else."""

    path: str = example("costs.json")

    sentence = N_("{path} does not say what claims cost")
    advice = N_("name a file that is not there, and they are measured and written to it")
