"""Accounts, transfers and the chain of entries: the ledger proper."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from hongbao.domain.ledger import SIDES, Account, Kind, Transfer, check_transfer
from hongbao.engines.sqlcipher.engine import Engine, marks, refusals
from hongbao.errors import Damaged
from hongbao.store import EMPTY_HEAD, EntryRow, Head, HomeRow, SealedRow
from hongbao.units import from_micros, to_micros


class Books(Engine):
    """What moves money, and what proves that it moved."""

    # --- the home --------------------------------------------------------------------------------

    def home(self) -> HomeRow | None:
        row = self.row(
            "SELECT made_at, clock_at, generation, retired, policy, current_profile, dice,"
            " dice_drawn, risk_pack, risk_model FROM home"
        )
        if row is None:
            return None
        made_at, clock_at, *rest = row
        return HomeRow(from_micros(made_at), clock_at and from_micros(clock_at), *rest)

    def make_home(self, *, made_at: datetime, generation: int, policy: str) -> None:
        self._write(
            "INSERT INTO home (id, made_at, generation, policy, clock) VALUES (1, ?, ?, ?, 'real')",
            to_micros(made_at),
            generation,
            policy,
        )

    def set_virtual_clock(self, at: datetime) -> None:
        self._write("UPDATE home SET clock = 'virtual', clock_at = ?", to_micros(at))

    def set_dice(self, seed: bytes) -> None:
        self._write("UPDATE home SET dice = ?", seed)

    def set_dice_drawn(self, drawn: int) -> None:
        self._write("UPDATE home SET dice_drawn = ?", drawn)

    def set_current_profile(self, profile: int) -> None:
        self._write("UPDATE home SET current_profile = ?", profile)

    def set_policy(self, ref: str) -> None:
        self._write("UPDATE home SET policy = ?", ref)

    def set_generation(self, generation: int, retired: bytes) -> None:
        self._write("UPDATE home SET generation = ?, retired = ?", generation, retired)

    def policy_text(self, ref: str) -> str | None:
        row = self.row("SELECT text FROM policy WHERE ref = ?", ref)
        # A text is long enough to go on in a page of its own. Where that page is not authentic, the
        # engine hands out zeros, and says so only when it is asked for another page.
        if row is not None and "\0" in row[0]:
            raise Damaged(path=str(self.path))
        return row and str(row[0])

    def keep_policy(self, ref: str, text: str) -> None:
        """Keep *text* for good: entries name the policy that allowed them."""
        self._write("INSERT INTO policy (ref, text) VALUES (?, ?)", ref, text)

    def policies(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT ref FROM policy ORDER BY ref")]

    # --- accounts and transfers ------------------------------------------------------------------

    def open_account(self, book: str, kind: Kind, owner: int) -> Account:
        number = self._write(
            "INSERT INTO account (book, kind, owner, side) VALUES (?, ?, ?, ?)",
            book,
            kind,
            owner,
            SIDES[kind],
        )
        return Account(number, book, kind)

    def account(self, book: str, kind: Kind, owner: int = 0) -> Account:
        """Return the one account of that *book*, *kind* and *owner*, opening it if need be."""
        row = self.row(
            "SELECT id FROM account WHERE book = ? AND kind = ? AND owner = ?", book, kind, owner
        )
        return Account(row[0], book, kind) if row else self.open_account(book, kind, owner)

    def held_fen(self, account: Account) -> int:
        """Return what *account* holds, counted on its own side."""
        row = self.row("SELECT abs(credits_fen - debits_fen) FROM account WHERE id = ?", account.id)
        return int(row[0])

    def post(self, entry: int, transfers: Iterable[Transfer]) -> list[int]:
        """
        Write *transfers* as part of *entry*, move both accounts of each, and return their ids.

        The one door through which money moves. A move that would take an account below zero is
        refused by the account itself.
        """
        ids = []
        for transfer in transfers:
            check_transfer(transfer)
            debit, credit, amount_fen, reason = transfer
            ids.append(
                self._write(
                    "INSERT INTO transfer (entry, book, debit, credit, amount_fen, reason)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    entry,
                    debit.book,
                    debit.id,
                    credit.id,
                    amount_fen,
                    reason,
                )
            )
            self._write(
                "UPDATE account SET debits_fen = debits_fen + ? WHERE id = ?", amount_fen, debit.id
            )
            self._write(
                "UPDATE account SET credits_fen = credits_fen + ? WHERE id = ?",
                amount_fen,
                credit.id,
            )
        return ids

    # --- the chain -------------------------------------------------------------------------------

    def head(self) -> Head:
        """Return the chain's last entry; entry 0 where there is none yet."""
        row = self.row("SELECT id, mac, at FROM entry ORDER BY id DESC LIMIT 1")
        return Head(row[0], row[1], from_micros(row[2])) if row else EMPTY_HEAD

    def mac_of(self, entry: int) -> bytes | None:
        row = self.row("SELECT mac FROM entry WHERE id = ?", entry)
        return row and bytes(row[0])

    def sealed_act(self, entry: int) -> SealedRow:
        """Return the facts of the act of *entry*, and what its columns say beside them."""
        row = self.row(
            "SELECT act, facts, request_id, at, balance_fen FROM entry WHERE id = ?", entry
        )
        return sealed_row(row)

    def entry_at(self, entry: int) -> datetime:
        return from_micros(self.row("SELECT at FROM entry WHERE id = ?", entry)[0])

    def request_of(self, entry: int) -> str:
        return str(self.row("SELECT request_id FROM entry WHERE id = ?", entry)[0])

    def sealed_entries(self) -> Iterator[tuple[tuple[Any, ...], bytes]]:
        """Yield what each entry's MAC covers, as `EntryRow.sealed_fields` has it, and the MAC."""
        with refusals(self.path):
            for row in self._db.execute(f"SELECT {_SEALED}, mac FROM entry ORDER BY id"):
                yield tuple(row[:-1]), bytes(row[-1])

    def sealed_transfers(self) -> Iterator[tuple[Any, ...]]:
        """Yield each transfer behind its entry's id, as `hongbao.domain.chain.line` has it."""
        with refusals(self.path):
            yield from self._db.execute(
                "SELECT entry, book, debit, credit, amount_fen, reason FROM transfer"
                " ORDER BY entry, id"
            )

    def append(
        self, sealed: tuple[object, ...], mac: bytes, *, message: int | None, took: str | None
    ) -> None:
        """
        Add the entry whose `EntryRow.sealed_fields` are *sealed* under *mac* to the chain.

        The counter of the device that signed it follows. *message* finds the entries about one;
        *took* is how long each step was, by its number.
        """
        self._write(
            f"INSERT INTO entry ({_SEALED}, mac, message, took) VALUES ({marks(range(26))})",
            *sealed,
            mac,
            message,
            took,
        )
        device, _session, counter, _signature = sealed[-4:]
        if device is not None:
            self._write("UPDATE device SET counter = ? WHERE id = ?", counter, device)

    def requested(self, request_id: str, profile: int | None) -> EntryRow | None:
        """Return the entry that *profile* made under *request_id*, if there is one."""
        row = self.row(
            f"SELECT {_ENTRY} FROM entry WHERE request_id = ? AND profile IS ?", request_id, profile
        )
        return _entry(row) if row else None

    def requested_parts(self, request_id: str, profile: int) -> list[EntryRow]:
        """Return the entries made under *request_id* as parts of one request, in order."""
        rows = self.rows(
            f"SELECT {_ENTRY} FROM entry WHERE request_id > ? AND request_id < ? AND profile = ?"
            " ORDER BY id",
            f"{request_id}/",
            f"{request_id}0",  # the character after the slash
            profile,
        )
        return [_entry(row) for row in rows]

    def refused(self, request_id: str, profile: int) -> tuple[bytes, str] | None:
        """Return the inputs' digest and the error that *request_id* was refused with for good."""
        row = self.row(
            "SELECT inputs, error FROM refusal WHERE request_id = ? AND profile = ?",
            request_id,
            profile,
        )
        return row and (bytes(row[0]), str(row[1]))

    def remember_refusal(self, request_id: str, profile: int, inputs: bytes, error: str) -> None:
        self._write(
            "INSERT OR IGNORE INTO refusal (request_id, profile, inputs, error)"
            " VALUES (?, ?, ?, ?)",
            request_id,
            profile,
            inputs,
            error,
        )


_SEALED = (
    "id, act, profile, request_id, inputs, packet, counterparty, amount_fen, balance_fen, policy,"
    " at, clock, facts, generation, operator, risk, verdict, reports, challenge, device, session,"
    " counter, signature"
)
"""The columns that `EntryRow.sealed_fields` has, in its order."""

_ENTRY = (
    "id, act, profile, request_id, inputs, packet, counterparty, amount_fen, balance_fen, policy,"
    " at, clock, facts, generation, operator, mac"
)


def sealed_row(row: Any) -> SealedRow:
    """Return the columns act, facts, request_id, at and balance_fen as a row."""
    act, facts, request_id, at, balance_fen = row
    return SealedRow(act, facts, request_id, from_micros(at), balance_fen)


def _entry(row: Any) -> EntryRow:
    fields: list[Any] = list(row)
    fields[10] = from_micros(fields[10])
    return EntryRow(*fields)
