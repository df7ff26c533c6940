"""The check of sealed state: profiles, cards, devices and rules are as their last act left them."""

from collections.abc import Iterator

from hongbao.auditing.context import Context
from hongbao.domain.chain import state
from hongbao.errors import Damaged
from hongbao.store import SEALED, Question


def check_state(context: Context) -> Iterator[str]:
    """
    Compare each row of state with what the last entry that names it has sealed.

    A row that no entry names is as foreign as one that was edited, and one that an entry has
    left is missed; `chain` says whether the seals themselves are what was written.
    """
    sealed = {
        (table, key): (made, mac) for table, key, made, mac in context.rows(Question.LAST_SEALS)
    }
    for table in sorted(SEALED):
        for key, values in context.rows(Question.STATES, table):
            seal = sealed.pop((table, key), None)
            if seal is None or not _is_sealed(context, table, key, values, *seal):
                yield f"{table} {key}"
    for (table, key), (_generation, digest) in sorted(sealed.items()):
        if digest is not None:
            yield f"{table} {key} is missing"


def _is_sealed(
    context: Context,
    table: str,
    key: str,
    values: tuple[object, ...],
    generation: int,
    digest: bytes | None,
) -> bool:
    try:
        again = context.keys.row_mac(state(table, key, values), generation=generation)
    except (Damaged, TypeError):  # under keys this home never had, or of no value of ours
        return False
    return again == digest
