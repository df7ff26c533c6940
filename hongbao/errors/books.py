"""Reconciliation: bank statements, and differences between books."""

from hongbao.errors.base import (
    LEFT_OUT,
    BooksDiffer,
    NotFound,
    NotIntact,
    UsageError,
    example,
    shortened,
)
from hongbao.words import N_


class DayNotBegun(UsageError):
    """No bank has a statement for a day that is still to come."""

    date: str = example("2026-02-17")

    sentence = N_("{date} has not begun yet, so no bank has a statement for it")


class MissingReason(UsageError):
    """A correction says why it was made."""

    length_max: int = example(100)

    sentence = N_("a correction needs a reason")
    advice = N_("give it with --reason, in at most {length_max} characters")


BANK_STATEMENT_PROBLEMS = {
    "cut_short": N_("the file ends before its {key}"),
    "line_end": N_("every line ends in a line feed alone"),
    "not_key": N_("this line must begin with {key}"),
    "columns": N_("the columns must be {known}"),
    "fields": N_("an entry has {count} fields, not {found}"),
    "bad_value": N_("{key} cannot be {text}"),
    "order": N_("entries are in the order of their EndToEndId; {text} is not"),
    "count": N_("{key} says {count}, but the entries are {found}"),
    "sum": N_("{key} says {sum_fen}, but the entries add up to {found_fen}"),
    "after_end": N_("nothing may follow the signature"),
}


class InvalidBankStatement(UsageError):
    """
    A bank's statement breaks a rule of its form, or its own sums; *line* says where.

    *problem* is one of `BANK_STATEMENT_PROBLEMS`; which other facts there are depends on it.
    """

    line: int = example(7)
    problem: str = example("sum", words=BANK_STATEMENT_PROBLEMS)
    key: str = example("TtlDbtNtries", default=LEFT_OUT)
    known: str = example("EndToEndId,TxId,CdtDbtInd,Amt,Ccy,Sts,AccptncDtTm", default=LEFT_OUT)
    count: int = example(6, default=LEFT_OUT)
    found: int = example(5, default=LEFT_OUT)
    text: str = example("'1.234'", default=LEFT_OUT)
    sum_fen: int = example(10_705, default=LEFT_OUT)
    found_fen: int = example(10_005, default=LEFT_OUT)

    sentence = N_("bank statement, line {line}: {problem}")
    advice = N_("ask the bank for the file again; do not edit a statement")


class DifferenceNotFound(NotFound):
    """Both books say the same of this payment."""

    payment: str = example("NU20260216000012", kw_only=False, shape=shortened)

    sentence = N_("{payment} has no open difference")
    advice = N_("see the differences with `hongbao reconcile`")


class DifferencesFound(BooksDiffer):
    """A bank's statement and the platform's records differ, and it is not corrected yet."""

    date: str = example("2026-02-16")

    @property
    def open(self) -> int:
        return sum(not difference["corrected"] for difference in self.differences)

    @property
    def payment(self) -> object:
        """The first payment that differs, for the hint to name."""
        left = (difference for difference in self.differences if not difference["corrected"])
        return next(left, {"message": None})["message"]

    banks: list[dict[str, object]] = example([])
    differences: list[dict[str, object]] = example(
        [{"message": "NU20260216000012", "kind": "shortage", "corrected": False}]
    )

    sentence = N_("open differences for {date}: {open}")
    advice = N_(
        "correct each one: `hongbao reconcile resolve {payment} --reason TEXT --operator NAME`"
    )


class BankStatementForged(NotIntact):
    """A bank's statement is not what the bank signed: read no further."""

    bank: str = example("icbc", kw_only=False)

    sentence = N_(
        "the signature of this statement is not {bank}'s: the file was edited, or "
        "belongs to another wallet"
    )
    advice = N_("ask the bank for the file again; do not edit a statement")
