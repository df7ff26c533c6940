"""What writes each change, in the embedded engine."""

import inspect

from hongbao.engines.sql.state import WRITING
from tests.engines.cases import CASES


def test_each_change_is_written_by_a_function_of_its_own_fields():
    """
    A change is handed over field by field: a field out of place would be written as another.
    """
    changes = {type(case.change).__name__: type(case.change) for case in CASES}

    assert changes.keys() == WRITING.keys()
    assert {name: list(vars(change)["_fields"]) for name, change in changes.items()} == {
        name: list(inspect.signature(function).parameters)[1:] for name, function in WRITING.items()
    }
