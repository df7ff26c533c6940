"""Settlement: netting of what a bank and the platform owe each other, and its transfers."""

from collections.abc import Iterable
from typing import NamedTuple


class Gross(NamedTuple):
    """The gross amounts between one *bank* and the platform since the last batch."""

    bank: str
    in_count: int  # messages that took from cards: towards the platform
    in_fen: int
    out_count: int  # messages that paid to cards: towards the bank
    out_fen: int


class Net(NamedTuple):
    """The net of a `Gross`: the amount set off, and the rest, which goes one way."""

    bank: str
    netted_fen: int
    to_platform_fen: int
    to_bank_fen: int


class Totals(NamedTuple):
    """A batch as a whole: *net_fen* moves at the central bank, *saved_fen* need not move at all."""

    message_count: int
    transfer_count: int
    gross_fen: int
    net_fen: int
    saved_fen: int


def net(gross: Gross) -> Net:
    """
    Set off what *gross* has in both ways: the net amount is paid by the one that owes more.

    >>> net(Gross("icbc", in_count=3, in_fen=500, out_count=1, out_fen=200))
    Net(bank='icbc', netted_fen=200, to_platform_fen=300, to_bank_fen=0)
    """
    assert gross.in_fen >= 0
    assert gross.out_fen >= 0

    netted_fen = min(gross.in_fen, gross.out_fen)
    return Net(gross.bank, netted_fen, gross.in_fen - netted_fen, gross.out_fen - netted_fen)


def totals(lines: Iterable[Gross]) -> Totals:
    """
    Add up a batch: every message singly, and the one net transfer for each bank.

    >>> totals([Gross("icbc", 3, 500, 1, 200), Gross("cmb", 1, 100, 1, 100)])
    Totals(message_count=6, transfer_count=1, gross_fen=900, net_fen=300, saved_fen=600)
    """
    message_count = transfer_count = gross_fen = net_fen = 0
    for line in lines:
        _, _, to_platform_fen, to_bank_fen = net(line)
        message_count += line.in_count + line.out_count
        transfer_count += to_platform_fen + to_bank_fen > 0
        gross_fen += line.in_fen + line.out_fen
        net_fen += to_platform_fen + to_bank_fen
    return Totals(message_count, transfer_count, gross_fen, net_fen, gross_fen - net_fen)


def in_order(nets: Iterable[Net]) -> list[Net]:
    """
    Put the banks that pay before the banks that are paid; each half by its bank's name.

    Then the platform's reserve never dips below zero on the way, if it does not end there. It
    first only rises and then only falls, so it is nowhere lower than at one of its two ends: the
    opening, which is not negative, or the closing, which is the same in every order. So if any
    order can be settled, this one can. Banks need no order: each moves once.
    """
    return sorted(nets, key=lambda line: (line.to_bank_fen > 0, line.bank))
