"""The check of imported bills: each has the rows that it had at import, and no others."""

from collections.abc import Iterator
from datetime import datetime

from hongbao.auditing.context import Context
from hongbao.auditing.sealed import facts_in, has
from hongbao.domain.bill import Digest
from hongbao.questions import Question


def check_bills(context: Context) -> Iterator[str]:
    """
    Make the digest of each bill's rows again, and compare it with what its entry has sealed.

    A bill that was removed has an entry that says so, and no rows; no bill is without its
    entry, nor such an entry without its bill.
    """
    for row in context.rows(Question.BILLS_IMPORTED):
        number, bill, digest, made, act, own, removed, gone, how, by_own, left, is_next = row
        named = {"bill": bill, "digest": digest.hex()}
        as_made = act == "bill_import" and own and has(act, made, named)
        if removed is None:
            good = as_made and digest == _digest(context, number, made)
        else:
            good = (
                as_made and how == "bill_remove" and by_own and not left and has(how, gone, named)
            )
        if not (good and is_next):
            yield str(bill)
    for (entry,) in context.rows(Question.BILL_ENTRIES_WITHOUT_BILL):
        yield f"entry {entry}"


def _digest(context: Context, number: int, facts: str) -> bytes | None:
    """Make the digest of the rows of bill *number*, whose period its entry's *facts* say."""
    period = facts_in("bill_import", facts)
    try:
        since, until = (datetime.fromisoformat(period[name]) for name in ("begins_at", "ends_at"))
        digest = Digest(since, until)
    except (KeyError, ValueError):  # these are no facts of ours
        return None
    for row in context.store.bill_rows(number):
        digest.add(row)
    return digest.digest()
