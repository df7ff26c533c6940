"""Bills of another wallet: reading them, and comparing them with this home's records."""

from collections.abc import Sequence

from hongbao.errors.base import LEFT_OUT, BooksDiffer, NotFound, UsageError, example
from hongbao.words import N_

BILL_PROBLEMS = {
    "not_a_bill": N_("a WeChat bill begins with {known}"),
    "no_key": N_("the lines above the table lack {key}"),
    "no_table": N_("the file ends before its table, which begins with {known}"),
    "columns": N_("the table has no column {key}"),
    "fields": N_("a row has {count} fields, not {found}"),
    "fields_unclear": N_("the fields of this row cannot be told apart"),
    "bad_value": N_("{key} cannot be {text}"),
    "too_long": N_("{key} is longer than {count} characters"),
    "rounded": N_("a spreadsheet has rounded {key}"),
    "formula": N_("a bill has no formulas"),
    "encoding": N_("this is neither UTF-8 nor, from the first line on, GBK"),
    "quotes": N_("a quotation mark is not closed, or the line is far too long"),
    "outside": N_("{text} is not in the period of the bill"),
    "too_many": N_("a bill has at most {count} rows"),
    "too_much": N_("its rows up to here have more text than a whole bill may have"),
    "count": N_("number of rows: the bill says {count}, but there are {found}"),
    "sum": N_("{key} says {count} and {sum_fen}, but found {found} and {found_fen}"),
    "workbook": N_("the workbook cannot be read from here on"),
}


class InvalidBill(UsageError):
    """
    A WeChat bill breaks a rule of its form, or its own sums; *line* says where.

    *problem* is one of `BILL_PROBLEMS`; which other facts there are depends on it.
    """

    _row_advice = N_(
        "nothing was imported; in this row, put quotation marks around each text that has commas"
        " or quotation marks in it, double those inside, and import the file again"
    )

    line: int = example(19)
    problem: str = example("bad_value", also=("fields_unclear",), words=BILL_PROBLEMS)
    key: str = example("金额(元)", default=LEFT_OUT)
    known: str = example("微信支付账单明细", default=LEFT_OUT)
    count: int = example(6, default=LEFT_OUT)
    found: int = example(5, default=LEFT_OUT)
    text: str = example("¥1,000.00", default=LEFT_OUT)
    sum_fen: int = example(10_705, default=LEFT_OUT)
    found_fen: int = example(10_005, default=LEFT_OUT)

    sentence = N_("bill, line {line}: {problem}")
    advice = N_("nothing was imported; export the bill again, and do not edit it")

    def chosen_advice(self) -> str | None:
        unclear = self.problem in ("fields_unclear", "quotes")
        return self._row_advice if unclear else self.advice


class NotABill(UsageError):
    """A file that cannot be a WeChat bill as it is; *reason* says what it is."""

    path: str = example("bill.zip")
    reason: str = example(
        "it is a ZIP archive; unzip it first, with the password that WeChat has sent"
    )

    sentence = N_("{path} cannot be read as a bill: {reason}")


class BillNotFound(NotFound):
    """No such bill was imported into this profile, or it was removed."""

    bill: str = example("bl_04HMASWS", kw_only=False)

    sentence = N_("there is no imported bill {bill}")
    advice = N_("see the imported bills: `hongbao import --list`")


class NoBill(NotFound):
    """There is no imported bill to compare with."""

    sentence = N_("no bill has been imported yet")
    advice = N_("import one with `hongbao import FILE`")


class BillDiffers(BooksDiffer):
    """
    An imported bill and this home's records do not say the same.

    Its facts are those of a `hongbao.answers.Compared`, and how many rows differ.
    """

    count: int = example(2)
    begins_at: str = example("2025-11-01T00:00:00+08:00")
    ends_at: str = example("2025-11-30T23:59:59+08:00")
    profile: str = example("小明")
    bill: str = example("bl_04HMASWS")
    ok: bool = example(False)
    by_id: int = example(0)
    by_time: int = example(0)
    sums: Sequence[object] = example(())
    lines: Sequence[object] = example(())

    sentence = N_("rows of {bill} that disagree with this wallet: {count}")
