"""A lost update: a balance is read, added to, and written back over what others wrote."""

from hongbao.lab.engine import Act, Engine, turn
from hongbao.lab.ledger import Asked, balance_of
from hongbao.words import N_


class Broken(Engine):
    name = "lost-update"

    def claim(self, person: str, packet: str, *, key: str = "") -> Act:
        """Read the balance in one turn, and write the sum in the next."""
        seen = self.ledger.read()
        share_fen = self.share_for(seen, person, packet)
        balance_fen = self.balance_in(seen, person)
        yield turn(
            N_("{person} is read as having {balance_fen}"),
            wrote=False,
            more=True,
            person=person,
            balance_fen=balance_fen,
        )

        books = self.ledger.read()
        self.check_claim(books, person, self.packet_in(books, packet))
        asked = Asked(key, "claim", person, None, packet, is_done=True)
        self.pay_share(books, person, packet, share_fen, asked)
        books.balances[balance_of(person)] = balance_fen + share_fen  # what others added is gone
        books.asked.append(asked)
        self.ledger.write(books)
        yield turn(
            N_("{person} is written as having {balance_fen}"),
            person=person,
            balance_fen=balance_fen + share_fen,
        )
        return self.claimed(books, person, packet, share_fen)
