"""Values that cannot be read: amounts, names, texts, ids, dates."""

from datetime import datetime, timedelta
from typing import ClassVar

from hongbao.errors.base import THEN, NotFound, UsageError, example, shortened
from hongbao.words import N_


class InvalidAmount(UsageError):
    """The amount cannot be read without guessing."""

    text: str = example("1,000", kw_only=False, shape=shortened)

    sentence = N_("amount {text} is not yuan with at most two decimals")
    advice = N_("write it like 66.66: plain digits, no sign, no grouping, at least 0.01")


class InvalidNumber(UsageError):
    """A number is not written in plain digits, or is too small to mean anything."""

    text: str = example("１０", kw_only=False, shape=shortened)
    option: str = example("--count")
    least: int = example(0)

    sentence = N_("{option} needs a whole number of at least {least}, not {text}")


class NumberTooLarge(UsageError):
    """A number is larger than what can be done in a day, or shown."""

    text: str = example("1000000", kw_only=False, shape=shortened)
    option: str = example("--simulate")
    most: int = example(100_000)

    sentence = N_("{option} takes {most} at most, not {text}")


class InvalidName(UsageError):
    """A profile's name is not one that every screen and file can carry."""

    text: str = example("\x1b[31mred", kw_only=False, shape=shortened)
    length_max: int = example(20)

    sentence = N_("{text} cannot be a profile's name")
    advice = N_("use 1 to {length_max} letters, digits, emoji, - or _, and spaces between words")


class InvalidDeviceName(UsageError):
    """A device's name is not one that every screen and file can carry."""

    text: str = example("my/tablet", kw_only=False, shape=shortened)
    length_max: int = example(20)

    sentence = N_("{text} cannot be a device's name")
    advice = N_("use 1 to {length_max} letters, digits, emoji, - or _, and spaces between words")


class InvalidGreeting(UsageError):
    """The greeting is too long, or holds characters that would change the screen."""

    length: int = example(26)
    length_max: int = example(25)

    sentence = N_("a greeting has at most {length_max} characters")


class TextTooLong(UsageError):
    """A text of one line is longer than its place allows."""

    field: str = example("cover")
    length_max: int = example(20)

    sentence = N_("{field} has at most {length_max} characters")


class UnprintableText(UsageError):
    """A text holds control, escape or direction characters, which a screen would obey."""

    _fields: ClassVar[tuple[str, ...]] = (N_("greeting"), N_("cover"), N_("reason"), N_("luck"))

    field: str = example("greeting")
    codepoint: str = example("001B")

    sentence = N_("{field} has an invisible or control character (U+{codepoint})")
    advice = N_("remove control characters, escapes and direction marks")


class InvalidPacketId(UsageError):
    """The packet's id has a typing error: its check character does not fit."""

    text: str = example("hb_7Q2M4K9W", kw_only=False, shape=shortened)

    sentence = N_("{text} is not a packet ID: at least one character is wrong")
    advice = N_("IDs look like hb_7Q2M4K9X; see yours with `hongbao packets`")


class InvalidCaseId(UsageError):
    """The case's id has a typing error: its check character does not fit."""

    text: str = example("rc_7Q2M4K9W", kw_only=False, shape=shortened)

    sentence = N_("{text} is not a case ID: at least one character is wrong")
    advice = N_("IDs look like rc_7Q2M4K9X; see them with `hongbao review list`")


class InvalidChallengeId(UsageError):
    """The challenge's id has a typing error: its check character does not fit."""

    text: str = example("ch_7Q2M4K9W", kw_only=False, shape=shortened)

    sentence = N_("{text} is not a challenge ID: at least one character is wrong")
    advice = N_("IDs look like ch_7Q2M4K9X; the refusal that required the challenge names it")


class InvalidAnswer(UsageError):
    """The answer to a challenge is not a number, and does not count as a try."""

    text: str = example("many", kw_only=False, shape=shortened)

    sentence = N_("the answer is a number, not {text}")


class InvalidInstant(UsageError):
    """A date or time cannot be read."""

    text: str = example("2026-02-30", kw_only=False, shape=shortened)

    sentence = N_("{text} is not a date or time")
    advice = N_("write 2026, 2026-02, 2026-02-16 or 2026-02-16T20:00:00+08:00")


class InvalidAccountRoot(UsageError):
    """The wallet's name for journals cannot be part of an account's name."""

    text: str = example("微信", kw_only=False, shape=shortened)
    length_max: int = example(40)

    sentence = N_("{text} cannot be part of an account's name")
    advice = N_("begin with an English capital, then use up to {length_max} letters, digits and -")


class InvalidDuration(UsageError):
    """A length of time cannot be read."""

    text: str = example("5", kw_only=False, shape=shortened)

    sentence = N_("{text} is not a duration")
    advice = N_("write 90s, 30m, 25h, 7d, or a sum like 1d12h")


class InvalidSpan(UsageError):
    """The period back from now cannot be read, or is not a number of whole days."""

    text: str = example("1m", kw_only=False, shape=shortened)

    sentence = N_("{text} is not a number of days, weeks, months or years")
    advice = N_("write 30d, 2w, 3mo or 1y: a month is 1mo, and a day is the shortest")


class PeriodNotBegun(UsageError):
    """A statement is asked for of a time that is still to come."""

    since: datetime = example(THEN + timedelta(days=300))
    now_at: datetime = example(THEN)

    sentence = N_("the period begins at {since}, which is in the future")
    advice = N_("by the ledger's clock it is {now_at}")


class InvalidRange(UsageError):
    """A period ends before it begins."""

    sentence = N_("the period ends before it begins")


class InvalidBillId(UsageError):
    """The text is not an imported bill's id: a typing error, not a missing bill."""

    text: str = example("bl_04HMASWX", kw_only=False, shape=shortened)

    sentence = N_("{text} is not an imported bill's ID")
    advice = N_("see the imported bills: `hongbao import --list`")


class InvalidRequestId(UsageError):
    """A request id is 1 to 64 letters, digits and ``-_.:``, and not ``last``."""

    sentence = N_("a request ID is 1 to 64 letters, digits or any of - _ . :, but not “last”")


class UnknownCity(NotFound):
    """No city of this name is known."""

    text: str = example("atlantis", kw_only=False, shape=shortened)

    sentence = N_("there is no city called {text} here")
    advice = N_("name a large city of China, such as shanghai or 上海, or unknown")
