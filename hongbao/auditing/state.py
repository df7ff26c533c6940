"""The check of sealed state: profiles, cards, devices and rules are as their last act left them."""

from collections.abc import Iterator

from hongbao.auditing.context import Context, Counts
from hongbao.auditing.sealed import facts_in
from hongbao.domain.chain import state
from hongbao.errors import Damaged
from hongbao.questions import Question
from hongbao.store import SEALED, Holder
from hongbao.units import from_micros, iso, to_micros


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
    yield from _tries(context)
    for request_id, profile, inputs, error, *seal in context.rows(Question.REFUSALS):
        key = f"{request_id}/{profile}"
        if not _is_sealed(context, "refusal", key, (inputs, error), *seal):
            yield f"refusal {key}"


def _tries(context: Context) -> Iterator[str]:
    """
    Compare the tries at each PIN with those that are noted next to the keys.

    Both are written for each try, one after the other, so an interrupted one may stand in one of
    them alone. The greater count is believed.
    """
    steps = {Holder("profile", row.id): row.totp_step for row in context.store.profiles()}
    for holder in (*steps, *(Holder("operator", row.id) for row in context.store.operators())):
        if holder not in context.noted.tries:
            continue
        pin, noted = context.store.pin(holder), context.noted.tries[holder]
        until = 0 if pin.locked_until is None else to_micros(pin.locked_until)
        counted = (pin.tries, pin.cleared, steps.get(holder, 0), until)
        is_locked_never = pin.locked_until is not None and not until
        if noted is None or is_locked_never or not _is_one_try_apart(counted, noted):
            yield f"{holder.table} {holder.id}: tries at the PIN"


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


def _is_one_try_apart(counted: Counts, noted: Counts) -> bool:
    """
    Return whether both are the same, or one step of one try apart: it was counted, or cleared.

    The first code of an authenticator is *counted* in the ledger alone.
    """
    earlier, later = sorted((counted, noted))
    if later[:2] == earlier[:2]:
        return later[3] == earlier[3] and (later[2] == earlier[2] or later == counted)
    if later[0] == earlier[0]:
        return later[1] == later[0]
    return later[:2] == (earlier[0] + 1, earlier[1])
