"""A long ledger, made in bulk: every row as the wallet would have written it, only faster."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.bare import connect_to
from bench.homes import CLAIMER, SENDER, env_of, found
from hongbao.changes.devices import SetCounter
from hongbao.changes.guards import KeepHabit
from hongbao.changes.packets import AddUsage
from hongbao.domain.chain import Act, canonical, line, statement
from hongbao.domain.dates import day_key
from hongbao.domain.facts import Columns
from hongbao.domain.facts import encode as encode_facts
from hongbao.domain.fairness import NONCE_BYTES, DrawInput, Terms, commitment, share_amount
from hongbao.domain.ids import packet_id, request_id
from hongbao.domain.ledger import PLATFORM, SIDES, Account, Kind, Reason, Transfer
from hongbao.domain.risk.acts import Asked, Seen, What
from hongbao.domain.risk.forest import parse_forest
from hongbao.domain.risk.habit import after, encode
from hongbao.domain.risk.judge import keys_of
from hongbao.domain.risk.pack import parse_pack
from hongbao.domain.risk.record import Record
from hongbao.engines.sqlcipher import Ledger
from hongbao.home.places import LEDGER
from hongbao.packs import MODEL, model_text
from hongbao.queries.devices import device_keys
from hongbao.queries.guards import remembered
from hongbao.store import EntryRow, HabitRow
from hongbao.units import iso, to_micros
from hongbao.wallet import Wallet

SHARE_FEN = 5
GREETING = "恭喜发财，大吉大利"
SHARE_MAX_FEN = 20_000
TOPUP_FEN = 20_000
BETWEEN = timedelta(seconds=1)
TOOK = {"send": "1:310 2:52000 3:640", "claim": "5:180 6:90 7:110"}
"""How long steps take, or so we say: a row is as long as a measured one."""

EXPIRES_AFTER = timedelta(hours=24)

PACKETS_A_BATCH = 2_000
"""How much is committed at once: each commit writes nearly every page of the random indexes."""

ENTRY = (*EntryRow._fields, "mac")

_INSERTS = {
    "account": (
        "INSERT INTO account (id, book, kind, owner, side, debits_fen, credits_fen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
    ),
    "packet": (
        "INSERT INTO packet (number, id, entry, sender, kind, deal, total_fen, count,"
        " share_max_fen, greeting, seed, created_at, expires_at, claimed_fen, claimed_count,"
        " closed_at) VALUES (?, ?, ?, ?, 'lucky', 'double-mean', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    "entry": (
        f"INSERT INTO entry ({', '.join(ENTRY)}, took) VALUES ({', '.join('?' * len(ENTRY))}, ?)"
    ),
    "transfer": (
        "INSERT INTO transfer (entry, book, debit, credit, amount_fen, reason)"
        " VALUES (?, ?, ?, ?, ?, ?)"
    ),
    "claim": (
        "INSERT INTO claim (packet, seat, profile, amount_fen, nonce, entry)"
        " VALUES (?, ?, ?, ?, ?, ?)"
    ),
}
"""In the order in which the tables refer to each other."""


def grow(folder: Path, transfers: int, shares: int) -> None:
    """
    Make a home in *folder* whose ledger has at least *transfers* transfers, and no open packet.

    One member more than there are *shares* send each other lucky packets, a second between acts,
    and claim them all. Only the writing is done in bulk: ids and seeds are drawn, shares
    are dealt, entries are sealed one after the other and counters kept as the wallet does it, so
    that ``check`` finds nothing wrong and a claim finds what it would find in a ledger that grew up
    by itself. The engine's own constraints are on throughout.
    """
    begun_at = datetime.now(UTC) - BETWEEN * (transfers + transfers // 10) - timedelta(days=1)
    env = env_of(folder, begun_at)
    names = [f"member{number}" for number in range(shares + 1)]
    for serial, name in enumerate([*names, SENDER, CLAIMER]):
        found(env, name, topup_fen=TOPUP_FEN, serial=serial)
    with Wallet.open(env) as wallet:
        connection = connect_to(env)
        try:
            crowd = _Crowd(wallet, Ledger(env.data / LEDGER, connection), shares, begun_at)
            # Nobody needs this file after the run, and what it holds is the same either way.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -200000")
            packets = -(-max(transfers - crowd.transfers, 0) // (shares + 1))
            while packets > 0:
                crowd.play(connection, min(packets, PACKETS_A_BATCH))
                packets -= PACKETS_A_BATCH
        finally:
            connection.close()
        wallet.keys.note_head(crowd.entry, crowd.mac)


class _Crowd:
    """The members, what they have, and how far their ledger has come."""

    def __init__(self, wallet: Wallet, store: Ledger, shares: int, begun_at: datetime) -> None:
        self._vault = wallet.vault
        self._policy = wallet.policy.ref
        self._store = store
        self._shares, self._total_fen = shares, shares * SHARE_FEN
        self._members = store.profiles()[: shares + 1]
        self._balances = [store.balance_fen(member.account) for member in self._members]
        self._at = begun_at
        self._packet = store.next_number("packet")
        self._account = int(store.row("SELECT max(id) FROM account")[0])
        self._packet_ids: set[str] = set()
        self.transfers = int(store.row("SELECT count(*) FROM transfer")[0])
        head = store.head()
        self.entry, self.mac = head.entry, head.mac
        self._keys = device_keys(wallet.home)
        self._accounts = [
            int(
                store.row(
                    "SELECT id FROM account WHERE book = ? AND kind = ? AND owner = ?",
                    *member.account,
                )[0]
            )
            for member in self._members
        ]
        self._devices = [store.devices(member.id)[0] for member in self._members]
        known = [remembered(wallet.home, member.id) for member in self._members]
        self._habits = [of.habit for of in known]
        self._judged_last = [of.upto for of in known]
        home = wallet.home.row
        assert home.risk_pack is not None
        pack = parse_pack(store.rules("risk_pack", home.risk_pack) or "", home.risk_pack)
        forest = parse_forest(model_text(), MODEL)
        self._judged_by = (pack.ref, forest.ref, (0,) * len(keys_of(pack, forest)))

    def play(self, connection: Any, packets: int) -> None:
        """Send and claim *packets* packets in one transaction."""
        self._rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in _INSERTS}
        self._sent_fen: dict[tuple[int, str], int] = {}
        debits_fen, credits_fen = [0] * len(self._members), [0] * len(self._members)
        for _packet in range(packets):
            sender = self._packet % len(self._members)
            debits_fen[sender] += self._total_fen
            for claimer, amount_fen in self._play_packet(sender):
                credits_fen[claimer] += amount_fen
        with self._store.transaction():
            for table, insert in _INSERTS.items():
                connection.executemany(insert, self._rows[table])
            connection.executemany(
                "UPDATE account SET debits_fen = debits_fen + ?, credits_fen = credits_fen + ?"
                " WHERE id = ?",
                [
                    (debits_fen[number], credits_fen[number], account)
                    for number, account in enumerate(self._accounts)
                ],
            )
            self._store.apply(
                AddUsage(person, "send_balance", day, amount_fen)
                for (person, day), amount_fen in self._sent_fen.items()
            )
            self._store.apply(
                KeepHabit(
                    member.id, HabitRow(self._judged_last[number], encode(self._habits[number]))
                )
                for number, member in enumerate(self._members)
            )
            self._store.apply(SetCounter(device.id, device.counter) for device in self._devices)

    def _play_packet(self, sender: int) -> Iterator[tuple[int, int]]:
        """Send one packet and claim it, and yield who got how much of it."""
        me = self._members[sender]
        number, seed, drawn = self._packet, os.urandom(32), self._free_packet_id()
        self._packet += 1
        self._account += 1
        account = Account(PLATFORM, Kind.PACKET, number)
        sent_at, send_entry = self._at + BETWEEN, self.entry + 1
        expires_at = sent_at + EXPIRES_AFTER
        agreed = Terms(drawn, "double-mean", self._total_fen, self._shares, SHARE_MAX_FEN)
        terms: dict[str, object] = {
            "packet": drawn,
            "kind": "lucky",
            "deal": "double-mean",
            "total_fen": self._total_fen,
            "count": self._shares,
            "share_max_fen": SHARE_MAX_FEN,
            "recipient": None,
            "greeting": GREETING,
            "cover": None,
            "paid_from": "balance",
            "payment": None,
            "commitment": commitment(agreed, seed),
            "expires_at": iso(expires_at),
            "held": None,
            "scripted": False,
        }
        transfer = Transfer(me.account, account, self._total_fen, Reason.SEND)
        self._seal("send", sender, number, None, transfer, -self._total_fen, terms)
        key = (me.person, day_key(sent_at))
        self._sent_fen[key] = self._sent_fen.get(key, 0) + self._total_fen

        remaining_fen = self._total_fen
        for seat in range(1, self._shares + 1):
            claimer = (sender + seat) % len(self._members)
            request = request_id(os.urandom(16))
            nonce = os.urandom(NONCE_BYTES)
            amount_fen = share_amount(
                agreed, seed, seat, DrawInput(nonce), remaining_fen=remaining_fen
            )
            remaining_fen -= amount_fen
            told: dict[str, object] = {
                "packet": drawn,
                "kind": "lucky",
                "sender": me.name,
                "greeting": GREETING,
                "seat": seat,
                "amount_fen": amount_fen,
                "nonce": nonce.hex(),
                "luck": None,
                "count": self._shares,
                "finished": seat == self._shares,
                "held": None,
                "delayed": None,
            }
            transfer = Transfer(account, self._members[claimer].account, amount_fen, Reason.CLAIM)
            self._seal("claim", claimer, number, me.id, transfer, amount_fen, told, request)
            self._rows["claim"].append(
                (number, seat, self._members[claimer].id, amount_fen, nonce, self.entry)
            )
            yield claimer, amount_fen

        self._rows["account"].append(
            (
                *(self._account, PLATFORM, Kind.PACKET.value, number, SIDES[Kind.PACKET]),
                *(self._total_fen, self._total_fen),
            )
        )
        self._rows["packet"].append(
            (
                *(
                    number,
                    drawn,
                    send_entry,
                    me.id,
                    self._total_fen,
                    self._shares,
                    SHARE_MAX_FEN,
                ),
                *(
                    GREETING,
                    seed,
                    to_micros(sent_at),
                    to_micros(expires_at),
                    self._total_fen,
                    self._shares,
                ),
                to_micros(self._at),
            )
        )

    def _seal(
        self,
        act: str,
        member: int,
        packet: int,
        counterparty: int | None,
        transfer: Transfer,
        amount_fen: int,
        told: dict[str, object],
        request: str | None = None,
    ) -> None:
        """Add one entry with its one *transfer* to the chain, as `unit_of_work.append` does."""
        self.entry += 1
        self._at += BETWEEN
        self._balances[member] += amount_fen
        request = request or request_id(os.urandom(16))
        columns = Columns(request, iso(self._at), self._balances[member])
        answer = {**columns.common, **told, "balance_fen": columns.balance_fen}
        record = self._record(act, member, counterparty, abs(amount_fen))
        verdict, reports, _challenge = record.columns
        me, device, inputs = self._members[member].id, self._devices[member], os.urandom(32)
        counter = self._devices[member].counter + 1
        self._devices[member] = device._replace(counter=counter)
        said = statement(me, device.id, device.session, act, request, inputs, counter)
        unsealed = EntryRow(
            id=self.entry,
            act=act,
            profile=me,
            request_id=request,
            inputs=inputs,
            packet=packet,
            counterparty=counterparty,
            amount_fen=amount_fen,
            balance_fen=self._balances[member],
            policy=self._policy,
            at=self._at,
            clock="real",
            facts=encode_facts(act, answer, columns),
            generation=self._vault.generation,
            risk=record.encode(),
            verdict=verdict,
            reports=reports,
            device=device.id,
            session=device.session,
            counter=counter,
            signature=self._keys.sign(device.public_key, said),
        )
        fields = unsealed.sealed_fields
        self.mac = self._vault.chain_mac(self.mac, canonical([Act(fields, [line(transfer)])]))
        self._rows["entry"].append((*fields, self.mac, TOOK[act]))
        packet_account, mine = self._account, self._accounts[member]
        ends = (mine, packet_account) if act == "send" else (packet_account, mine)
        self._rows["transfer"].append(
            (self.entry, PLATFORM, *ends, transfer.amount_fen, transfer.reason)
        )

    def _record(self, act: str, member: int, other: int | None, amount_fen: int) -> Record:
        """Remember the act, and say that it was allowed: what is measured is all nothing here."""
        is_claim = act == "claim"
        seen = Seen(
            at=int(self._at.timestamp()),
            what=What.CLAIM if is_claim else What.SEND,
            amount_fen=amount_fen,
            other=other or 0,
            reaction_ms=5000 if is_claim else -1,
        )
        self._habits[member] = after(self._habits[member], seen)
        self._judged_last[member] = self.entry
        pack, model, values = self._judged_by
        asked = Asked(seen, 1, 1, 1, 1, 1, 1, 0)
        return Record(seen, asked, pack, model, values=values, score=500)

    def _free_packet_id(self) -> str:
        drawn = packet_id(os.urandom(8))
        while drawn in self._packet_ids:
            drawn = packet_id(os.urandom(8))
        self._packet_ids.add(drawn)
        return drawn
