"""Words that screens have for what the rooms below name by codes."""

from hongbao.auditing import PROBLEMS
from hongbao.ui import wording


def test_each_check_has_its_line():
    """
    Also those that only a ledger on a cluster is asked for.
    """
    assert PROBLEMS.keys() == wording._CHECKS.keys()
