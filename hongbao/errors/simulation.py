"""Storms and simulations: what they need, and what cannot be read."""

from hongbao.errors.base import Unusable, UsageError, example
from hongbao.words import N_


class SimulatorMissing(Unusable):
    """The library that simulations run on is not installed."""

    sentence = N_("a simulation needs SimPy, which is not installed")
    advice = N_("`pip install 'hongbao[simulate]'`")


class NodeGone(Unusable):
    """A process that is to take claims in a storm on a cluster did not come up."""

    node: str = example("db1")

    sentence = N_("the process that takes claims for {node} did not start")
    advice = N_("see whether the node can be reached: `hongbao home`")


class InvalidCosts(UsageError):
    """A file that is to say what claims cost says something else."""

    path: str = example("costs.json")

    sentence = N_("{path} does not say what claims cost")
    advice = N_("name a file that is not there, and they are measured and written to it")
