"""The rows that the checks judge."""

from collections.abc import Iterator
from typing import Any

from hongbao.engines.sqlcipher.books import Books
from hongbao.engines.sqlcipher.state import State
from hongbao.store import Question


class Audit(Books, State):
    """The rows that `check` judges, as they lie there."""

    def audit(self, question: Question, *values: object) -> Iterator[Any]:
        match question:
            case Question.FILE_PROBLEMS:
                return iter(self._page_problems())
            case Question.STATES:
                return self._states(str(values[0]))
            case Question.LAST_SEALS:
                return self._last_seals()
            case Question.SEALED_ACTS:
                return self._sealed_acts()
            case Question.SEALED_TRANSFERS:
                return self._sealed_transfers()
            case Question.SEALED_ROWS:
                return self._sealed_rows()
        from hongbao.engines.sqlcipher.questions import ASKED  # long texts that only checks need

        return self.each(ASKED[question], *values)
