"""Money in flight: it leaves one account in one write, and arrives in another write."""

from hongbao.lab.engine import Act, Engine, turn
from hongbao.lab.ledger import Asked, account_of, balance_of
from hongbao.words import N_


class Broken(Engine):
    name = "in-flight"

    def claim(self, person: str, packet: str, *, key: str = "") -> Act:
        """Take the share out of the packet in one turn, and give it to *person* in the next."""
        books = self.ledger.read()
        share_fen = self.share_for(books, person, packet)
        asked = Asked(key, "claim", person, None, packet, is_done=True)
        books.packets[packet].claimed_count += 1
        self.add(books, account_of(packet), -share_fen)
        move = self.note(books, account_of(packet), balance_of(person), share_fen, asked)
        move.is_half = True
        place = len(books.moves) - 1
        self.ledger.write(books)
        yield turn(N_("{amount_fen} has left the packet"), more=True, amount_fen=share_fen)

        books = self.ledger.read()
        self.add(books, balance_of(person), share_fen)
        books.moves[place].is_half = False
        books.asked.append(asked)
        self.ledger.write(books)
        yield self.paid(person, share_fen)
        return self.claimed(books, person, packet, share_fen)
