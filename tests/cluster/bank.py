"""
A checker of bank histories, after Jepsen's: money moves between accounts, and none is made or lost.

Steps are ``["transfer", id, from, to, amount]`` and ``["read", {account: balance}]``. Each transfer
also writes a row with its id, so that in the end every unknown outcome is known.
"""

from collections.abc import Iterator, Mapping, Sequence

from tests.cluster.history import FAIL, OK, Finding, Op


def check(
    history: Sequence[Op],
    begun_with: Mapping[int, int],
    final: Mapping[int, int],
    rows: Sequence[tuple[int, int, int, int]],
) -> list[Finding]:
    """
    Return what is wrong with *history*, given the *final* balances and *rows* of transfers.

    Both were read when all who could still write were gone.
    """
    return [
        *_check_reads(history, begun_with, final),
        *_check_rows(history, rows),
        *_check_balances(begun_with, final, rows),
    ]


def _check_reads(
    history: Sequence[Op], begun_with: Mapping[int, int], final: Mapping[int, int]
) -> Iterator[Finding]:
    """Find reads of money that was never there, or of less than there is."""
    whole = sum(begun_with.values())
    reads = [
        {int(account): balance for account, balance in step[1].items()}
        for op in history
        if op.outcome == OK
        for step in op.value
        if step[0] == "read"
    ]
    for read in [*reads, dict(final)]:
        if sum(read.values()) != whole:
            yield Finding("total", f"{sum(read.values())} in all, not {whole}: {read}")
        if any(balance < 0 for balance in read.values()):
            yield Finding("negative", f"an account is overdrawn: {read}")


def _check_rows(
    history: Sequence[Op], rows: Sequence[tuple[int, int, int, int]]
) -> Iterator[Finding]:
    """Find transfers that are gone, or there although they were refused or never asked for."""
    there = {row[0] for row in rows}
    if len(there) < len(rows):
        yield Finding("twice", "a transfer is there twice")
    asked = {step[1]: op for op in history for step in op.value if step[0] == "transfer"}
    for number, op in asked.items():
        if op.outcome == OK and number not in there:
            yield Finding("lost", f"transfer {number} was acknowledged and is gone")
        if op.outcome == FAIL and number in there:
            yield Finding("undone", f"transfer {number} is there, though it was rolled back")
    for number in sorted(there - set(asked)):
        yield Finding("invented", f"nobody asked for transfer {number}")


def _check_balances(
    begun_with: Mapping[int, int],
    final: Mapping[int, int],
    rows: Sequence[tuple[int, int, int, int]],
) -> Iterator[Finding]:
    """Find accounts that are not what their transfers make of them."""
    balances = dict(begun_with)
    for _, source, target, amount in rows:
        balances[source] -= amount
        balances[target] += amount
    for account, balance in balances.items():
        if final.get(account) != balance:
            text = f"account {account} is {final.get(account)}; its transfers make {balance}"
            yield Finding("balance", text)
