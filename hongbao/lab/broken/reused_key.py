"""A key reused with other inputs: the key is compared, and what was asked for is not."""

from hongbao.lab.engine import Answer, Engine
from hongbao.lab.ledger import Asked, Books


class Broken(Engine):
    name = "reused-key"

    def earlier_answer(self, books: Books, asked: Asked) -> Answer | None:
        """Return the first answer that the key got."""
        return books.answers.get(asked.key) if asked.key else None
