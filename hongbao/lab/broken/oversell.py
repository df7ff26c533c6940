"""Oversell by read-then-write: everyone who looked in time is paid."""

from hongbao.lab.engine import Act, Engine, turn
from hongbao.lab.ledger import Asked
from hongbao.words import N_


class Broken(Engine):
    name = "oversell"

    def claim(self, person: str, packet: str, *, key: str = "") -> Act:
        """Look in one turn, and pay in the next without looking again."""
        share_fen = self.share_for(self.ledger.read(), person, packet)
        yield turn(N_("{person} found one left"), wrote=False, more=True, person=person)

        books = self.ledger.read()
        asked = Asked(key, "claim", person, None, packet, is_done=True)
        self.pay_share(books, person, packet, share_fen, asked)
        books.asked.append(asked)
        self.ledger.write(books)
        yield self.paid(person, share_fen)
        return self.claimed(books, person, packet, share_fen)
