"""The audit behind ``hongbao check``: re-adds the whole ledger and reports every discrepancy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from hongbao.auditing import (
    bills,
    books,
    cases,
    chain,
    channel,
    guards,
    holds,
    lanes,
    log,
    packets,
    people,
    private,
    signatures,
    state,
)
from hongbao.auditing.checkpoint import Checkpoint
from hongbao.auditing.context import ROWS_MAX, Context
from hongbao.auditing.digest import BooksDigest
from hongbao.auditing.packets import claims_digests
from hongbao.auditing.walk import FROM_THE_FIRST, Reader, walk
from hongbao.errors import Damaged
from hongbao.questions import Question
from hongbao.words import N_, fill

if TYPE_CHECKING:
    from hongbao.answers import FindingLine
    from hongbao.store import Head

_KEEP = N_(
    "keep this copy as evidence; restore the newest backup, or see what can be kept with "
    "`hongbao repair`"
)

_KEEP_ON_CLUSTER = N_(
    "keep a backup of this as evidence; restore an earlier one into another folder, and compare"
)

PROBLEMS = {
    "pages": (N_("pages or rows the engine cannot read: {count}"), _KEEP),
    "books": (N_("books whose debits and credits differ: {count}"), _KEEP),
    "accounts": (N_("accounts that differ from the sum of their transfers: {count}"), _KEEP),
    "floors": (N_("accounts below zero on their own side: {count}"), _KEEP),
    "moves": (N_("transfers no rule allows: {count}"), _KEEP),
    "reserve": (N_("institutions whose books contradict each other: {count}"), _KEEP),
    "transit": (
        N_("institutions that disagree on the money in transit between them: {count}"),
        _KEEP,
    ),
    "messages": (
        N_("payments whose state, outcome and frozen money disagree: {count}"),
        _KEEP,
    ),
    "batches": (N_("settlements that differ from the sum of their payments: {count}"), _KEEP),
    "suspense": (
        N_("banks whose surplus or shortage is not what their statements explain: {count}"),
        _KEEP,
    ),
    "packets": (N_("packets whose account, claims and refund disagree: {count}"), _KEEP),
    "terms": (N_("packets whose terms differ from what was sealed at sending: {count}"), _KEEP),
    "deals": (N_("packets whose shares do not match their draws: {count}"), _KEEP),
    "held": (
        N_("holds whose case, amount and destination disagree: {count}"),
        _KEEP,
    ),
    "balances": (N_("entries whose balance does not follow from the previous one: {count}"), _KEEP),
    "maturing": (
        N_("claims withdrawable later whose amounts differ from the claims: {count}"),
        _KEEP,
    ),
    "usage": (N_("limit counters that differ from what they count: {count}"), _KEEP),
    "habits": (
        N_("profiles whose habits do not follow from their acts: {count}"),
        _KEEP,
    ),
    "challenges": (
        N_("stops and challenges that differ from the request and the answer: {count}"),
        _KEEP,
    ),
    "cases": (
        N_(
            "cases without their event, or decided differently from the operators' "
            "opinions: {count}"
        ),
        _KEEP,
    ),
    "bills": (
        N_("imported bills whose rows differ from what was sealed at import: {count}"),
        _KEEP,
    ),
    "state": (
        N_("rows of people, cards, devices or rules that differ from what was sealed: {count}"),
        _KEEP,
    ),
    "sealed": (
        N_("sealed values that cannot be opened, or do not match their row: {count}"),
        _KEEP,
    ),
    "devices": (
        N_("devices whose key on this machine is missing or damaged: {count}"),
        N_("register this machine with `hongbao device add DEVICE`, then remove the old device"),
    ),
    "signatures": (
        N_("acts and devices whose signature or counter is missing or wrong: {count}"),
        _KEEP,
    ),
    "chain": (N_("breaks in the chain (edited, missing or foreign entries): {count}"), _KEEP),
    "head": (
        N_("the noted head is missing: the ledger is an older or shortened copy"),
        N_("restore the newest backup, or accept this state with `hongbao restore FILE`"),
    ),
    "noted_head": (
        N_("stretches of the ledger with no head noted next to the keys: {count}"),
        N_(
            "if this is the newest state, accept it with `hongbao backup FILE` and "
            "`hongbao restore FILE`"
        ),
    ),
    "log": (
        N_("lanes, leaves or checkpoints of the log that are not as they were: {count}"),
        N_("find out what is missing, then record the loss with `hongbao home epoch`"),
    ),
}
"""Every check in the order it is made: what is wrong where it fails, and what to do then."""


Check = Callable[[Context], Iterator[str]]

CHECKS: dict[str, Check] = {
    "pages": books.check_pages,
    "books": books.check_books,
    "accounts": books.check_accounts,
    "floors": books.check_floors,
    "moves": books.check_moves,
    "reserve": books.check_reserve,
    "transit": channel.check_transit,
    "messages": channel.check_messages,
    "batches": channel.check_batches,
    "suspense": channel.check_suspense,
    "packets": packets.check_packets,
    "terms": packets.check_terms,
    "deals": packets.check_deals,
    "held": holds.check_held,
    "maturing": people.check_maturing,
    "usage": people.check_usage,
    "challenges": guards.check_challenges,
    "cases": cases.check_cases,
    "bills": bills.check_bills,
    "state": state.check_state,
    "sealed": private.check_sealed,
    "devices": guards.check_devices,
    "head": chain.check_head,
    "noted_head": chain.check_noted_head,
    "log": log.check_log,
}
"""Checks that ask for rows: each yields those that fail it, so named that a person finds them."""


def _sealing(context: Context) -> Reader:
    return lanes.Lanes(context) if context.store.has_lanes else chain.Chain(context)


READERS: dict[str, Callable[[Context], Reader]] = {
    "balances": people.Balances,
    "habits": guards.Habits,
    "signatures": signatures.Signatures,
    "chain": _sealing,
}
"""Checks that follow the entries, all in one pass."""


SHARED = frozenset({"log"})
"""Checks of what only a ledger has that machines share."""

PAGES, WALK, ALL = 8, 72, 100
"""How much of a check's work is the pages, and the pass over the entries, in percent."""

LEDGER_ALONE = PROBLEMS.keys() - {"devices", "head", "noted_head", "log"}
"""The checks of what the ledger itself has, without what lies next to the keys."""


class Auditor:
    """One look over one snapshot, which is the *context*."""

    def __init__(
        self, context: Context, progress: Callable[[int, int], None] | None = None
    ) -> None:
        self.context = context
        self._progress = progress
        self.entries = context.count(Question.ENTRY_COUNT)
        self.transfers = context.count(Question.TRANSFER_COUNT)
        self.books: str | None = None
        """The digest of the books, once the entries have been read."""
        self._readers: dict[str, Reader] = {}
        self._claims: list[str] = []
        self._read = 0
        if progress is not None:
            context.progress = self._has_read

    def findings(self, names: Collection[str] = PROBLEMS) -> list[FindingLine]:
        """Return every check, or those of *names*, with what it found, in a fixed order."""
        if self.context.store.log is None:
            names = set(names) - SHARED
        pages = self._finding("pages") if "pages" in names else None
        self._report(PAGES)
        damage = self._walk(names)
        self._report(PAGES + WALK)
        found = [
            pages if name == "pages" and pages is not None else self._finding(name, damage)
            for name in PROBLEMS
            if name in names
        ]
        if self.context.behind is not None and self.context.unread is None:
            self._compare_claims(self.context.behind)
        self._report(ALL)
        return found

    def _compare_claims(self, behind: Checkpoint) -> None:
        """Doubt the checkpoint unless the claims up to it are the ones that there were."""
        try:
            self._claims = claims_digests(
                self.context, behind.entry, self.context.store.head().entry
            )
        except Damaged:
            self._claims = [""]
        if self._claims[0] != behind.claims:
            self.context.doubt("claims")

    def proven(self, head: Head, whole_at: int, whole_entry: int) -> Checkpoint:
        """Return what is proven up to *head*, once `findings` of everything has found nothing."""
        readers = self._readers
        signed, balances, sealed = readers["signatures"], readers["balances"], readers["chain"]
        assert isinstance(signed, signatures.Signatures)
        assert isinstance(balances, people.Balances)
        assert isinstance(sealed, chain.Chain)
        assert self.books is not None
        claims = self._claims or claims_digests(self.context, head.entry)
        habits = self.context.rows(Question.HABITS)
        return Checkpoint(
            entry=head.entry,
            mac=head.mac,
            generation=sealed.generation,
            whole_at=whole_at,
            whole_entry=whole_entry,
            entries=self.entries,
            books=self.books,
            claims=claims[-1],
            restored=signed.restored,
            signers=signed.signers,
            enrolled=frozenset(signed.signed_for),
            balances=balances.last,
            habits={profile: (upto, text) for profile, upto, text in habits},
        )

    def _has_read(self, entries: int) -> None:
        self._read += entries
        self._report(PAGES + WALK * self._read // max(self.entries, 1))

    def _report(self, percent: int) -> None:
        """Report that so much of the work is done, as a share of the entries."""
        if self._progress is not None:
            self._progress(self.entries * percent // ALL, self.entries)

    def _walk(self, names: Collection[str]) -> Damaged | None:
        """Have all entries go by, and return what kept them from it."""
        self._readers = {}
        unread = self.context.unread
        try:
            self._readers = {
                name: make(self.context) for name, make in READERS.items() if name in names
            }
            if not self._readers:
                return None
            readers: list[Reader] = [*self._readers.values()]
            digest = None if unread is not None else BooksDigest()
            if digest is not None:
                readers.append(digest)
            walk(self.context, readers, FROM_THE_FIRST if unread is None else unread.entry)
            self.books = None if digest is None else str(digest)
            return None
        except Damaged as error:
            return error
        finally:
            verifying = self._readers.get("signatures")
            if isinstance(verifying, signatures.Signatures):
                verifying.stop()

    def _finding(self, name: str, damage: Damaged | None = None) -> FindingLine:
        problem, next_step = PROBLEMS[name]
        try:
            if name not in READERS:
                rows = list(CHECKS[name](self.context))
            elif damage is not None:
                raise damage
            else:
                rows = self._readers[name].found
        except Damaged as error:
            problem, next_step = PROBLEMS["pages"]
            rows = [str(error)]
        if next_step is _KEEP and self.context.store.file is None:
            next_step = _KEEP_ON_CLUSTER
        return {
            "check": name,
            "ok": not rows,
            "problem": fill(problem, {"count": len(rows)}) if rows else None,
            "count": len(rows),
            "rows": rows[:ROWS_MAX],
            "next_step": next_step if rows else None,
        }
