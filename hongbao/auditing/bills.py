"""The check of bills that were brought in: each says what it said then, and nothing else does."""

from collections.abc import Iterator
from datetime import datetime

from hongbao.auditing.look import Look
from hongbao.auditing.sealed import has, told
from hongbao.domain.bill import Digest


class Bills(Look):
    """Whether the external book is what was brought into it."""

    def _bills(self) -> Iterator[str]:
        """
        Make the digest of each bill's rows again, and compare it with what its entry has sealed.

        A bill that was removed has an entry that says so, and no rows; no bill is without its
        entry, nor such an entry without its bill.
        """
        for number, bill, digest, answer, act, own, removed, gone, how, by_own, left in self._rows(
            "SELECT number, external_bill.id, digest, made.answer, made.act,"
            " made.profile IS external_bill.profile, removed, gone.answer, gone.act,"
            " gone.profile IS external_bill.profile,"
            " EXISTS (SELECT 1 FROM external_row WHERE bill = external_bill.number)"
            " FROM external_bill LEFT JOIN entry AS made ON made.id = external_bill.entry"
            " LEFT JOIN entry AS gone ON gone.id = removed ORDER BY number"
        ):
            facts = {"bill": bill, "digest": digest.hex()}
            as_made = act == "bill_import" and own and has(answer, facts)
            if removed is None:
                good = as_made and digest == self._digest(number, answer)
            else:
                good = as_made and how == "bill_remove" and by_own and not left and has(gone, facts)
            if not good:
                yield str(bill)
        for (entry,) in self._rows(
            "SELECT entry.id FROM entry LEFT JOIN external_bill ON entry.id IN"
            " (external_bill.entry, external_bill.removed)"
            " WHERE act IN ('bill_import', 'bill_remove') AND external_bill.number IS NULL"
            " ORDER BY entry.id"
        ):
            yield f"entry {entry}"

    def _digest(self, number: int, answer: str) -> bytes | None:
        """Make the digest of the rows of bill *number*, whose period its entry's *answer* says."""
        period = told(answer)
        try:
            since, until = (
                datetime.fromisoformat(period[name]) for name in ("begins_at", "ends_at")
            )
            digest = Digest(since, until)
        except (KeyError, TypeError, ValueError):  # it is no answer of ours
            return None
        for row in self._store.bill_rows(number):
            digest.add(row)
        return digest.digest()
