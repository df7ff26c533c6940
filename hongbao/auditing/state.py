"""The check of sealed state: profiles, cards, devices and rules are as their last act left them."""

from collections.abc import Iterator

from hongbao.auditing.context import Context
from hongbao.auditing.sealed import facts_in
from hongbao.domain.chain import state
from hongbao.errors import Damaged
from hongbao.store import SEALED, Question
from hongbao.units import from_micros, iso


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
    yield from _readings(context)
    yield from _faults(context)


def _readings(context: Context) -> Iterator[str]:
    """Compare the clock with the last entry: it never goes back, nor from virtual to real."""
    for clock, clock_at, last_clock, last_at in context.rows(Question.HOME_CLOCK):
        if clock == "virtual":
            is_sound = clock_at is not None and clock_at >= (last_at or 0)
        else:
            is_sound = clock_at is None and last_clock != "virtual"
        if not is_sound:
            yield "home 1: the clock"


def _faults(context: Context) -> Iterator[str]:
    """Compare what banks and channels do wrong with the last entry about each of them."""
    told_to: dict[str, list[tuple[str, int, str]]] = {}
    for (facts,) in context.rows(Question.FAULT_ENTRIES):
        said = facts_in("bank_fault", facts)
        if said:
            told_to[said["bank"]] = [
                (line["fault"], line["amount_fen"] or 0, line["set_at"]) for line in said["faults"]
            ]
    kept = {(place, *fault) for place, faults in told_to.items() for fault in faults}
    found = {
        (place, fault, amount_fen, None if since is None else iso(from_micros(since)))
        for place, fault, amount_fen, since in context.rows(Question.FAULTS)
    }
    for place, fault, *_ in sorted(kept ^ found, key=str):
        yield f"fault {place}: {fault}"


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
