"""What can go wrong, in words, and the exit code that says so to a shell."""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, unique
from types import MappingProxyType
from typing import ClassVar

from hongbao.parser_words import in_english, translated
from hongbao.units import iso
from hongbao.words import N_, fill, harmless, say


@unique
class ExitCode(IntEnum):
    """Scripts depend on these numbers: append, never renumber."""

    OK = 0
    UNEXPECTED = 1  # a bug of ours
    USAGE = 2  # wrong arguments; the number every command line uses
    NOT_FOUND = 10
    NOT_CLAIMABLE = 11  # finished, expired, already claimed, not for you
    INSUFFICIENT = 12
    LIMIT = 13
    PIN = 14
    BUSY = 15  # another hongbao is writing; try again
    HELD = 16  # stopped by risk control; an act whose money is held ends with 0
    PENDING = 17  # the outcome is not known yet
    CONFLICT = 18  # a request id reused with other inputs
    DAMAGED = 19  # or tampered with
    LOCKED = 20
    UNUSABLE = 21  # the home as it is: disk full, read-only, written by a newer version
    DECLINED = 22  # the bank said no, or cannot be reached
    DIFFERENCES = 23  # two institutions' books do not agree
    INTERRUPTED = 130  # Ctrl-C


class HongbaoError(Exception):
    """
    A refusal that a person can understand.

    *code* is for programs and never changes; *exit_code* is for shells; *sentence* and *advice*
    are templates for people, filled from *facts* (see `hongbao.words.fill` for how each is shown).
    Sentences are lower case, without a full stop, and never hold a secret.
    """

    code: ClassVar[str] = "error"
    final: ClassVar[bool] = False
    """Whether the same request can never be answered otherwise, however often it is made."""
    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED
    sentence: ClassVar[str] = ""
    advice: ClassVar[str | None] = None

    def __init__(self, **facts: object) -> None:
        super().__init__()
        self.facts: Mapping[str, object] = facts

    def __str__(self) -> str:
        """Return the sentence in English, which is what programs and logs are told."""
        return fill(self.sentence, self.facts)

    @property
    def message(self) -> str:
        """The sentence in the reader's language."""
        return say(self.sentence, **self.facts)

    @property
    def hint(self) -> str | None:
        """The next step in the reader's language, where there is one."""
        advice = self._advice()
        return None if advice is None else say(advice, **self.facts)

    def _advice(self) -> str | None:
        """Return the template of the next step; where it depends on the facts, on those."""
        return self.advice

    def as_dict(self) -> dict[str, object]:
        """Return the error for programs: code, message and hint in English, and the facts."""
        facts = {
            name: iso(value) if isinstance(value, datetime) else value
            for name, value in self.facts.items()
        }
        advice = self._advice()
        hint = None if advice is None else fill(advice, self.facts)
        return {"code": self.code, "message": str(self), "hint": hint, **facts}


# --- 2: what was typed cannot be read ------------------------------------------------------------


class UsageError(HongbaoError):
    """Something typed cannot be used as it stands."""

    exit_code = ExitCode.USAGE


class InvalidAmount(UsageError):
    """The amount cannot be read without guessing."""

    code = "invalid_amount"
    sentence = N_("amount {text} is not yuan with at most two decimals")
    advice = N_("write it like 66.66: plain digits, no sign, no grouping, at least 0.01")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class InvalidCount(UsageError):
    """A packet needs at least one share, and the policy caps how many."""

    code = "invalid_count"
    sentence = N_("the number of shares is 1 to {shares_max}, not {count}")

    def __init__(self, *, count: int, shares_max: int) -> None:
        super().__init__(count=count, shares_max=shares_max)


class InvalidNumber(UsageError):
    """A number is not written in plain digits, or is too small to mean anything."""

    code = "invalid_number"
    sentence = N_("{option} needs a whole number from {least} on, not {text}")

    def __init__(self, text: str, *, option: str, least: int) -> None:
        super().__init__(text=shortened(text), option=option, least=least)


class NotADemoHome(UsageError):
    """Banks and devices are told to fail only where time and chance are the user's own, too."""

    code = "not_a_demo_home"
    sentence = N_("only in a demo home can banks and devices be told to fail")
    advice = N_("make one with `hongbao init NAME --demo`, in a folder that HONGBAO_HOME names")


class NoSuchFault(UsageError):
    """A bank or a channel cannot fail like this."""

    code = "no_such_fault"
    sentence = N_("{place} cannot be told {text}")
    advice = N_("it can be told: {known}")

    def __init__(self, *, place: str, text: str, known: str) -> None:
        super().__init__(place=place, text=shortened(text), known=known)


class DayNotBegun(UsageError):
    """No bank has a statement for a day that is still to come."""

    code = "day_not_begun"
    sentence = N_("{date} has not begun yet, so no bank has a statement for it")

    def __init__(self, *, date: str) -> None:
        super().__init__(date=date)


class MissingReason(UsageError):
    """A correction says why it was made."""

    code = "missing_reason"
    sentence = N_("a correction needs a reason")
    advice = N_("say it with --reason, in at most {length_max} characters")

    def __init__(self, *, length_max: int) -> None:
        super().__init__(length_max=length_max)


class ShareTooSmall(UsageError):
    """The total cannot give every share at least one fen."""

    code = "share_too_small"
    sentence = N_("{total_fen} among {count} leaves less than 0.01 for a share")
    advice = N_("send at least {least_fen}, or fewer shares")

    def __init__(self, *, total_fen: int, count: int) -> None:
        super().__init__(total_fen=total_fen, count=count, least_fen=count)


class InvalidName(UsageError):
    """A profile's name is not one that every screen and file can carry."""

    code = "invalid_name"
    sentence = N_("{text} cannot be a profile's name")
    advice = N_("use 1 to {length_max} letters, digits, - or _, in any script")

    def __init__(self, text: str, *, length_max: int) -> None:
        super().__init__(text=shortened(text), length_max=length_max)


class NameTaken(UsageError):
    """Another profile in this home has the name."""

    code = "name_taken"
    sentence = N_("this home already has a profile named {name}")
    advice = N_("choose another name, or act as that profile with `-p {name}`")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class OperatorExists(UsageError):
    """Another operator has the name."""

    code = "operator_exists"
    sentence = N_("there is an operator named {name} already")
    advice = N_("choose another name; `hongbao operator list` shows those that are taken")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class OperatorNeeded(UsageError):
    """Only the first operator is made by whoever comes; an operator answers for each other one."""

    code = "operator_needed"
    sentence = N_("an operator of this home has to answer for a new one")
    advice = N_("`hongbao operator add {name} --operator NAME`, with the PIN of NAME")

    def __init__(self, name: str) -> None:
        super().__init__(name=name)


class InvalidDeviceName(UsageError):
    """A device's name is not one that every screen and file can carry."""

    code = "invalid_device_name"
    sentence = N_("{text} cannot be a device's name")
    advice = N_("use 1 to {length_max} letters, digits, - or _, in any script")

    def __init__(self, text: str, *, length_max: int) -> None:
        super().__init__(text=shortened(text), length_max=length_max)


class DeviceExists(UsageError):
    """The profile has let a device of that name in, or has been asked to."""

    code = "device_exists"
    sentence = N_("{profile} has a device named {device} already")
    advice = N_("choose another name; `hongbao device list` shows those that are taken")

    def __init__(self, *, device: str, profile: str) -> None:
        super().__init__(device=device, profile=profile)


class AlreadyApproved(UsageError):
    """There is nothing left to approve about a device."""

    code = "already_approved"
    sentence = N_("{device} is let in already")
    advice = N_("`hongbao device list` shows how each of your devices stands")

    def __init__(self, *, device: str) -> None:
        super().__init__(device=device)


class DeviceInUse(UsageError):
    """A device is not removed by itself: then nobody could let one in again."""

    code = "device_in_use"
    sentence = N_("{device} is the device that you act from")
    advice = N_("remove it from another one: `hongbao device remove {device} -p {profile}@DEVICE`")

    def __init__(self, *, device: str, profile: str) -> None:
        super().__init__(device=device, profile=profile)


class NotIdentified(UsageError):
    """Nobody has said who the profile is, so an ID number proves nothing about it."""

    code = "not_identified"
    sentence = N_("nobody has said yet who {profile} is, so an ID number proves nothing")
    advice = N_("say it with `hongbao identify`, or approve the device from one that you have")

    def __init__(self, *, profile: str) -> None:
        super().__init__(profile=profile)


class AuthenticatorExists(UsageError):
    """A profile has one authenticator."""

    code = "authenticator_exists"
    sentence = N_("{profile} has an authenticator already")
    advice = N_("remove that one first, with `hongbao totp remove`")

    def __init__(self, *, profile: str) -> None:
        super().__init__(profile=profile)


class CodeNotRepeated(UsageError):
    """The code that was typed back is not that of the authenticator which is being added."""

    code = "code_not_repeated"
    sentence = N_("this is not the code of the new authenticator")
    advice = N_("nothing was changed; delete it in the app and begin again")


class SecretFileExists(UsageError):
    """A secret is written into a new file: what it would overwrite may be the only copy."""

    code = "secret_file_exists"
    sentence = N_("{path} already exists, and a secret overwrites nothing")
    advice = N_("choose another name")

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path)


class InvalidSecret(UsageError):
    """A file was to hold an authenticator's secret."""

    code = "invalid_secret"
    sentence = N_("{path} does not hold an authenticator's secret")
    advice = N_("`hongbao totp add --secret-file FILE` writes one")

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path)


class RulesNeedOperator(UsageError):
    """Once a home has operators, one of them answers for which rules are in force."""

    code = "rules_need_operator"
    sentence = N_("this home has operators: one of them has to answer for its rules")
    advice = N_("name them with --operator; the PIN asked for is theirs")


class InvalidGreeting(UsageError):
    """The greeting is too long, or holds characters that would change the screen."""

    code = "invalid_greeting"
    sentence = N_("a greeting has at most {length_max} characters")

    def __init__(self, *, length: int, length_max: int) -> None:
        super().__init__(length=length, length_max=length_max)


class TextTooLong(UsageError):
    """A text of one line is longer than its place allows."""

    code = "text_too_long"
    sentence = N_("{field} has at most {length_max} characters")

    def __init__(self, *, field: str, length_max: int) -> None:
        super().__init__(field=field, length_max=length_max)


class UnprintableText(UsageError):
    """A text holds control, escape or direction characters, which a screen would obey."""

    _fields: ClassVar[tuple[str, ...]] = (N_("greeting"), N_("cover"), N_("reason"))

    code = "unprintable_text"
    sentence = N_("{field} holds an invisible or control character (U+{codepoint})")
    advice = N_("leave out control characters, escapes and direction marks")

    def __init__(self, *, field: str, codepoint: str) -> None:
        super().__init__(field=field, codepoint=codepoint)


class InvalidPacketId(UsageError):
    """The packet's id has a typing error: its check character does not fit."""

    code = "invalid_packet_id"
    sentence = N_("{text} is not a packet's id: at least one character is wrong")
    advice = N_("ids look like hb_7Q2M4K9X; list yours with `hongbao packets`")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class InvalidCaseId(UsageError):
    """The case's id has a typing error: its check character does not fit."""

    code = "invalid_case_id"
    sentence = N_("{text} is not a case's id: at least one character is wrong")
    advice = N_("ids look like rc_7Q2M4K9X; list them with `hongbao review list`")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class InvalidChallengeId(UsageError):
    """The challenge's id has a typing error: its check character does not fit."""

    code = "invalid_challenge_id"
    sentence = N_("{text} is not a challenge's id: at least one character is wrong")
    advice = N_("ids look like ch_7Q2M4K9X; the refusal that asked the question names it")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class InvalidAnswer(UsageError):
    """What was answered to a challenge is no number, and so was no try either."""

    code = "invalid_answer"
    sentence = N_("the answer is a number, not {text}")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class InvalidCode(UsageError):
    """A code of an authenticator is six digits. It is a secret, and stays out of the sentence."""

    code = "invalid_code"
    sentence = N_("an authenticator's code is exactly six digits")
    advice = N_("type what the app shows now; nothing was tried")


class SameOperator(UsageError):
    """An operator had their say of a case already: four eyes are two people."""

    code = "same_operator"
    sentence = N_("four eyes are two people, and this operator has spoken already")
    advice = N_("another operator has to look at it; who has thought better of it escalates")


class InvalidIdNumber(UsageError):
    """
    The resident ID number is not one that GB 11643 allows.

    *problem* is one of ``length``, ``region``, ``birth_date`` and ``check``. The number itself is
    personal data and stays out of the sentence.
    """

    code = "invalid_id_number"
    sentence = N_("the ID number is not valid: {reason}")
    advice = N_("check the number on the card: 17 digits, then a digit or X")

    _reasons: ClassVar[Mapping[str, str]] = {
        "length": N_("it needs 17 digits and a check character"),
        "region": N_("its first six digits are no region"),
        "birth_date": N_("its birth date does not exist or lies ahead"),
        "check": N_("its check character does not fit; one character is wrong"),
    }

    def __init__(self, problem: str) -> None:
        super().__init__(problem=problem)

    def __str__(self) -> str:
        reason = self._reasons[str(self.facts["problem"])]
        return fill(self.sentence, {"reason": reason})

    @property
    def message(self) -> str:
        return say(self.sentence, reason=say(self._reasons[str(self.facts["problem"])]))


class InvalidRealName(UsageError):
    """A real name is letters, with at most a space, dot, hyphen or apostrophe between them."""

    code = "invalid_real_name"
    sentence = N_("the real name cannot be read as a name")
    advice = N_("write it as on the ID card, 2 to 30 letters")


class InvalidCardNumber(UsageError):
    """The card number fails its length or its Luhn check (ISO/IEC 7812)."""

    code = "invalid_card_number"
    sentence = N_("the card number is not valid: a digit is wrong or missing")
    advice = N_("type the 16 to 19 digits on the card")


class UnknownBank(UsageError):
    """No bank in this simulation issues cards that begin like this one."""

    code = "unknown_bank"
    sentence = N_("no bank here issues cards beginning with {prefix}")
    advice = N_("the banks here issue {prefixes}")

    def __init__(self, *, prefix: str, prefixes: str) -> None:
        super().__init__(prefix=prefix, prefixes=prefixes)


class CardInUse(UsageError):
    """The card is already bound, to this profile or to another."""

    code = "card_in_use"
    sentence = N_("card {card} is already bound in this home")

    def __init__(self, card: str) -> None:
        super().__init__(card=card)


class IdentityMismatch(UsageError):
    """The ID number is known here under another name, or the profile is already someone."""

    code = "identity_mismatch"
    sentence = N_("the name and the ID number do not belong together")
    advice = N_("an ID number keeps the name it was first given with")


class AlreadyIdentified(UsageError):
    """A profile is identified once; a person does not become another."""

    code = "already_identified"
    sentence = N_("{profile} is already identified as {real_name}")

    def __init__(self, *, profile: str, real_name: str) -> None:
        super().__init__(profile=profile, real_name=real_name)


class InvalidInstant(UsageError):
    """A date or time cannot be read."""

    code = "invalid_instant"
    sentence = N_("{text} is not a date or time")
    advice = N_("write 2026, 2026-02, 2026-02-16 or 2026-02-16T20:00:00+08:00")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class InvalidAccountRoot(UsageError):
    """What journals are to call the wallet is no part of an account's name."""

    code = "invalid_account_root"
    sentence = N_("{text} cannot be part of an account's name")
    advice = N_("begin with an English capital, then use up to {length_max} letters, digits and -")

    def __init__(self, text: str, *, length_max: int) -> None:
        super().__init__(text=shortened(text), length_max=length_max)


class InvalidDuration(UsageError):
    """A length of time cannot be read."""

    code = "invalid_duration"
    sentence = N_("{text} is not a length of time")
    advice = N_("write 90s, 30m, 25h, 7d, or a sum like 1d12h")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class InvalidSpan(UsageError):
    """How far a look back goes cannot be read, or is no number of whole days."""

    code = "invalid_span"
    sentence = N_("{text} is not a number of days, weeks, months or years")
    advice = N_("write 30d, 2w, 3mo or 1y: a month is 1mo, and a day is the shortest")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class PeriodNotBegun(UsageError):
    """A statement is asked for of a time that is still to come."""

    code = "period_not_begun"
    sentence = N_("the period begins at {since}, which is still to come")
    advice = N_("by the ledger's clock it is {now_at}")

    def __init__(self, *, since: datetime, now_at: datetime) -> None:
        super().__init__(since=since, now_at=now_at)


class UnknownEnding(UsageError):
    """A file's name ends as that of no format does; *known* are the endings that do."""

    code = "unknown_ending"
    sentence = N_("no format is known by the ending {ending}")
    advice = N_("choose one of {known}, or name a format with `--format`")

    def __init__(self, *, ending: str, known: str) -> None:
        super().__init__(ending=ending, known=known)


class InvalidRange(UsageError):
    """A period ends before it begins."""

    code = "invalid_range"
    sentence = N_("the period ends before it begins")


class ClockBackwards(UsageError):
    """A ledger's clock only goes forward."""

    code = "clock_backwards"
    sentence = N_("the ledger's clock is at {now_at}; it only goes forward")

    def __init__(self, *, now_at: datetime) -> None:
        super().__init__(now_at=now_at)


class InvalidPolicy(UsageError):
    """
    A policy file breaks a rule of its form; *line* says where.

    *problem* is one of the keys of the sentences below; *facts* are what its sentence names.
    """

    code = "invalid_policy"
    sentence = N_("policy {source}, line {line}: {reason}")
    advice = N_("`hongbao policy show standard` prints a complete example")

    _reasons: ClassVar[Mapping[str, str]] = {
        "syntax": N_("from column {column} on, this is not TOML"),
        "defined_twice": N_("this is defined twice"),
        "too_long": N_("a policy has at most {length_max} characters"),
        "unknown_key": N_("unknown key {text}; known here: {known}"),
        "missing_key": N_("{key} is missing"),
        "used_twice": N_("{key} has {text} twice"),
        "not_text": N_("{key} must be text in quotes"),
        "bad_text": N_("{key} must be 1 to {length_max} printable characters"),
        "bad_name": N_("{key} must be 1 to 32 lower-case letters, digits or -, not {text}"),
        "not_one_of": N_("{key} must be one of {known}, not {text}"),
        "not_whole": N_("{key} must be a whole number from {least} to {most}"),
        "not_flag": N_("{key} must be true or false"),
        "bad_amount": N_('{key} must be yuan in quotes, like "1000.00", not {text}'),
        "bad_percentage": N_('{key} must be a percentage in quotes, like "0.1%", not {text}'),
        "bad_time": N_('{key} must be a time of day in quotes, like "23:00", not {text}'),
        "not_list": N_("{key} must be a list of at least one of {known}"),
        "unknown_flow": N_("limits cannot count {text}, only {known}"),
        "not_table": N_("{key} must be a table, [{key}]"),
        "not_tables": N_("{key} must be one or more tables, [[{key}]]"),
        "no_first_tier": N_("no tier is open to someone who is not identified and has no card"),
        "tier_unreachable": N_("nobody can be in {tier}: {other} comes later and asks no more"),
    }

    def __init__(self, *, source: str, line: int, problem: str, **facts: object) -> None:
        super().__init__(source=source, line=line, problem=problem, **facts)

    def __str__(self) -> str:
        reason = fill(self._reasons[str(self.facts["problem"])], self.facts)
        return fill(self.sentence, {**self.facts, "reason": reason})

    @property
    def message(self) -> str:
        reason = say(self._reasons[str(self.facts["problem"])], **self.facts)
        return say(self.sentence, **{**self.facts, "reason": reason})


class InvalidRiskPack(InvalidPolicy):
    """A risk pack's file breaks a rule of its form; *line* says where, as `InvalidPolicy` does."""

    code = "invalid_risk_pack"
    sentence = N_("risk pack {source}, line {line}: {reason}")
    advice = N_("`hongbao risk rules standard --text` prints a complete example")

    _reasons: ClassVar[Mapping[str, str]] = {
        **InvalidPolicy._reasons,  # noqa: SLF001 - of our own family
        "too_long": N_("a risk pack has at most {length_max} characters"),
        "too_many": N_("{key} stands here more than {most} times"),
        "not_for_answer": N_("{key} means nothing where the answer is {answer}"),
        "not_holdable": N_("a top-up cannot be held: the money is not here yet"),
        "only_claims": N_("only claims can be delayed"),
        "bad_window": N_('{key} must be a length of time in quotes, like "10m", "24h" or "30d"'),
        "needs": N_("{indicator} needs {key}"),
        "takes_no": N_("{indicator} does not take {key}"),
        "no_threshold": N_("a condition needs at_least or at_most"),
        "never": N_("at_least is above at_most, so this never holds"),
    }


class InvalidModel(UsageError):
    """
    A risk model's file breaks a rule of its form.

    *problem* is one of the keys of the sentences below; *facts* are what its sentence names.
    """

    code = "invalid_model"
    sentence = N_("model {source}: {reason}")
    advice = N_("`hongbao risk train` writes one; a model is not mended by hand")

    _reasons: ClassVar[Mapping[str, str]] = {
        "too_long": N_("a model has at most {length_max} characters"),
        "not_json": N_("this is not JSON"),
        "form": N_("this is not a {known}"),
        "unknown_key": N_("unknown key {text}; known here: {known}"),
        "missing_key": N_("{key} is missing"),
        "bad_name": N_("{key} must be 1 to 32 lower-case letters, digits or -"),
        "not_whole": N_("{key} must be a whole number from {least} to {most}"),
        "not_list": N_("{key} must be a list of 1 to {most} entries"),
        "bad_key": N_("{text} is no indicator, or is there twice"),
        "usual": N_("usual must have one number for each key: {count}"),
        "bad_training": N_("training must be a few short facts"),
        "tree": N_("tree {number} is not one: its nodes do not fit together"),
    }

    def __init__(self, *, source: str, problem: str, **facts: object) -> None:
        super().__init__(source=source, problem=problem, **facts)

    def __str__(self) -> str:
        reason = fill(self._reasons[str(self.facts["problem"])], self.facts)
        return fill(self.sentence, {**self.facts, "reason": reason})

    @property
    def message(self) -> str:
        reason = say(self._reasons[str(self.facts["problem"])], **self.facts)
        return say(self.sentence, **{**self.facts, "reason": reason})


class TooLittleHistory(UsageError):
    """A model cannot be learned from a handful of acts."""

    code = "too_little_history"
    sentence = N_("too few acts to learn from: {found}; it takes {needed}")
    advice = N_("the model that ships with hongbao needs no training")

    def __init__(self, *, found: int, needed: int) -> None:
        super().__init__(found=found, needed=needed)


class PolicyVersionReused(UsageError):
    """Two different texts claim to be the same policy and version."""

    code = "policy_version_reused"
    sentence = N_("policy {policy} is already known here with another text")
    advice = N_("give the changed file a new version")

    def __init__(self, policy: str) -> None:
        super().__init__(policy=policy)


class RiskPackVersionReused(UsageError):
    """Two different texts claim to be the same risk pack and version."""

    code = "risk_pack_version_reused"
    sentence = N_("risk pack {pack} is already known here with another text")
    advice = N_("give the changed file a new version")

    def __init__(self, pack: str) -> None:
        super().__init__(pack=pack)


class InvalidStory(UsageError):
    """
    A story holds what cannot be played; *line* says where.

    *problem* is one of the keys of the sentences below; *facts* are what its sentence names.
    """

    code = "invalid_story"
    sentence = N_("story {source}, line {line}: {reason}")

    _reasons: ClassVar[Mapping[str, str]] = {
        "no_arrow": N_("a command ends in => and its exit code, like `balance => 0`"),
        "no_exit_code": N_("after => comes an exit code from 0 to 255"),
        "open_quote": N_("a quotation mark is not closed"),
        "no_command": N_("an indented line says what a command answers, but no command is above"),
        "no_command_word": N_("there is no command before =>"),
        "bad_expectation": N_("an indented line begins with `>`, `2>` or `{{`"),
        "bad_json": N_("this is not JSON"),
        "unknown_name": N_("no line before this one fills {name}"),
        "not_yours": N_("a story cannot set {name}"),
    }

    def __init__(self, *, source: str, line: int, problem: str, **facts: object) -> None:
        super().__init__(source=source, line=line, problem=problem, **facts)

    def __str__(self) -> str:
        reason = fill(self._reasons[str(self.facts["problem"])], self.facts)
        return fill(self.sentence, {**self.facts, "reason": reason})

    @property
    def message(self) -> str:
        reason = say(self._reasons[str(self.facts["problem"])], **self.facts)
        return say(self.sentence, **{**self.facts, "reason": reason})


class InvalidBankStatement(UsageError):
    """
    A bank's statement breaks a rule of its form, or its own sums; *line* says where.

    *problem* is one of the keys of the sentences below; *facts* are what its sentence names.
    """

    code = "invalid_bank_statement"
    sentence = N_("bank statement, line {line}: {reason}")
    advice = N_("ask the bank for the file again; a statement is not mended by hand")

    _reasons: ClassVar[Mapping[str, str]] = {
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

    def __init__(self, *, line: int, problem: str, **facts: object) -> None:
        super().__init__(line=line, problem=problem, **facts)

    def __str__(self) -> str:
        reason = fill(self._reasons[str(self.facts["problem"])], self.facts)
        return fill(self.sentence, {**self.facts, "reason": reason})

    @property
    def message(self) -> str:
        reason = say(self._reasons[str(self.facts["problem"])], **self.facts)
        return say(self.sentence, **{**self.facts, "reason": reason})


class InvalidBill(UsageError):
    """
    A WeChat bill breaks a rule of its form, or its own sums; *line* says where.

    *problem* is one of the keys of the sentences below; *facts* are what its sentence names.
    """

    code = "invalid_bill"
    sentence = N_("bill, line {line}: {reason}")
    advice = N_("nothing was imported; export the bill again, and do not edit it")

    _reasons: ClassVar[Mapping[str, str]] = {
        "not_a_bill": N_("a WeChat bill begins with {known}"),
        "no_key": N_("the lines above the table do not say {key}"),
        "no_table": N_("the file ends before its table, which begins with {known}"),
        "columns": N_("the table has no column {key}"),
        "fields": N_("a row has {count} fields, not {found}"),
        "fields_unclear": N_("it is not clear where the fields of this row begin and end"),
        "bad_value": N_("{key} cannot be {text}"),
        "too_long": N_("{key} is longer than {count} characters"),
        "rounded": N_("a spreadsheet has rounded {key}"),
        "formula": N_("a bill holds no formulas"),
        "encoding": N_("this is neither UTF-8 nor, from the first line on, GBK"),
        "quotes": N_("a quotation mark is not closed, or the line is far too long"),
        "outside": N_("{text} is not in the period of the bill"),
        "too_many": N_("a bill has at most {count} rows"),
        "too_much": N_("its rows up to here hold more text than all rows of any bill"),
        "count": N_("number of rows: the bill says {count}, but there are {found}"),
        "sum": N_(
            "{key} says {count} and {sum_fen}, but the rows are {found} and make {found_fen}"
        ),
        "workbook": N_("the workbook cannot be read any further"),
    }

    def __init__(self, *, line: int, problem: str, **facts: object) -> None:
        super().__init__(line=line, problem=problem, **facts)

    _row_advice = N_(
        "nothing was imported; in this row, put quotation marks around each text that has commas"
        " or quotation marks in it, double those inside, and import the file again"
    )

    def __str__(self) -> str:
        reason = fill(self._reasons[str(self.facts["problem"])], self.facts)
        return fill(self.sentence, {**self.facts, "reason": reason})

    @property
    def message(self) -> str:
        reason = say(self._reasons[str(self.facts["problem"])], **self.facts)
        return say(self.sentence, **{**self.facts, "reason": reason})

    @property
    def hint(self) -> str | None:
        return say(self._advice(), **self.facts)

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "hint": fill(self._advice(), self.facts)}

    def _advice(self) -> str:
        unclear = self.facts["problem"] in ("fields_unclear", "quotes")
        return self._row_advice if unclear else str(self.advice)


class NotABill(UsageError):
    """A file that cannot be a WeChat bill as it is; *reason* says what it is."""

    code = "not_a_bill"
    sentence = N_("{path} cannot be read as a bill: {reason}")

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class InvalidBillId(UsageError):
    """What was typed is no imported bill's id: a slip of the finger, not a bill that is gone."""

    code = "invalid_bill_id"
    sentence = N_("'{text}' is not an imported bill's id")
    advice = N_("`hongbao import --list` shows which there are")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class Unanswered(UsageError):
    """A question needs an answer, and nobody is there to give one."""

    code = "unanswered"
    sentence = N_("{question} needs an answer, and this is not a terminal")
    advice = N_("give {flag}")

    def __init__(
        self, *, question: str, flag: str, asked: Mapping[str, object] | None = None
    ) -> None:
        """Take the *question* as it is in the catalogue, and what was *asked* about with it."""
        super().__init__(question=fill(question, asked or {}), flag=flag)
        self._question = (question, asked or {})

    @property
    def message(self) -> str:
        question, asked = self._question
        return say(self.sentence, question=say(question, **asked))


class NotAnswered(Unanswered):
    """Ctrl-D at a question: the input was ended instead."""

    code = "not_answered"
    sentence = N_("no answer was given to '{question}'; nothing was changed")
    advice = N_("type an answer, or give {flag}")


class Declined(UsageError):
    """The person said no."""

    code = "declined"
    sentence = N_("nothing was done")


class BadCommandLine(UsageError):
    """The command line itself cannot be read; *problem* is the parser's own sentence for it."""

    code = "usage"
    sentence = "{problem}"
    advice = N_("see `{command} --help`")

    _placeholders: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self, problem: str, *, command: str, placeholders: Mapping[str, str] | None = None
    ) -> None:
        """Take what stands for values in *problem*, by what it is called there (`translated`)."""
        self._placeholders = placeholders or {}
        super().__init__(problem=in_english(problem, self._placeholders), command=command)
        self._problem = problem

    def __str__(self) -> str:
        return str(self.facts["problem"])

    @property
    def message(self) -> str:
        return translated(self._problem, self._placeholders)


class ConflictingOptions(UsageError):
    """Two things were typed of which only one can be meant."""

    code = "conflicting_options"
    sentence = N_("{first} and {second} cannot be given together")
    advice = N_("see `{command} --help`")

    def __init__(self, first: str, second: str, *, command: str) -> None:
        super().__init__(first=first, second=second, command=command)


class FileExists(UsageError):
    """A file would be overwritten."""

    code = "file_exists"
    sentence = N_("{path} already exists")
    advice = N_("choose another name, or overwrite it with --yes")

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path)


class InvalidPath(UsageError):
    """What was typed cannot be the path of a file or a folder."""

    code = "invalid_path"
    sentence = N_("{path} cannot be used as a path: {reason}")

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(path=path or "''", reason=reason)


class NotUtf8(UsageError):
    """
    Bytes that are not UTF-8, in an argument, in a variable of ours, or at a prompt.

    No answer in JSON and no row of the ledger could repeat them.
    """

    code = "not_utf8"
    sentence = N_("{field} is not UTF-8")
    advice = N_("use a terminal that is set to UTF-8; rename a file whose name is not")

    def __init__(self, field: str) -> None:
        super().__init__(field=field)


class InsideHome(UsageError):
    """A file would be written among those that the home itself consists of."""

    code = "inside_home"
    sentence = N_("{path} is inside {folder}, where this home keeps its own files")
    advice = N_("choose a place outside that folder")

    def __init__(self, *, path: str, folder: str) -> None:
        super().__init__(path=path, folder=folder)


class StatementTooLong(UsageError):
    """
    The format has an end: a sheet has so many rows, and a PDF is made whole in memory.

    It is said before anything is written.
    """

    code = "statement_too_long"
    sentence = N_("{form} holds at most {count_max} movements, and this period has {count}")
    advice = N_("choose a shorter period with --from and --to, or another format: csv, html")

    def __init__(self, form: str, *, count: int, count_max: int) -> None:
        super().__init__(form=form, count=count, count_max=count_max)


class FontUnusable(UsageError):
    """The font that HONGBAO_FONT names cannot write a statement."""

    _reasons: ClassVar[tuple[str, ...]] = (
        N_("it has no Chinese characters"),
        N_("it is not a font that a PDF can hold"),
        N_("it has no face of that number"),
    )

    code = "font_unusable"
    sentence = N_("the font {path}, which HONGBAO_FONT names, cannot be used: {reason}")
    advice = N_("name another, or none, and one is looked for")

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class NotSigned(UsageError):
    """A file holds no signature of hongbao's, and is nothing that would have one."""

    code = "not_signed"
    sentence = N_("{path} is no statement or receipt: it has no signature")
    advice = N_("if its signature is a file of its own, name that with `--sig FILE`")

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path)


class InvalidSignature(UsageError):
    """A file that was named as a signature is none."""

    code = "invalid_signature"
    sentence = N_("{path} is not a signature as `hongbao export` writes it")

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path)


class InvalidPublicKey(UsageError):
    """What was named as a public key is none."""

    code = "invalid_public_key"
    sentence = N_("{text!r} is not a public key: 64 hexadecimal digits, or a file that has them")
    advice = N_("whoever signs says theirs with `hongbao key`")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class SelfRecipient(UsageError):
    """A packet is for somebody else."""

    code = "self_recipient"
    sentence = N_("a packet cannot be sent to yourself")


class HomeExists(UsageError):
    """A home's policy, first clock and dice are chosen when it is made, and not later."""

    code = "home_exists"
    sentence = N_(
        "this home already exists; its clock, dice and policy were chosen when it was made"
    )
    advice = N_("turn the clock with `hongbao clock`, change rules with `hongbao policy use`")


class InvalidRequestId(UsageError):
    """A request id is 1 to 64 letters, digits and ``-_.:``."""

    code = "invalid_request_id"
    sentence = N_("a request id is 1 to 64 letters, digits or any of - _ . :")


# --- 10: not here --------------------------------------------------------------------------------


class NotFound(HongbaoError):
    """What was named does not exist."""

    exit_code = ExitCode.NOT_FOUND


class HomeNotFound(NotFound):
    """There is no ledger here yet."""

    code = "home_not_found"
    sentence = N_("there is no wallet here yet")
    advice = N_("make one with `hongbao init NAME`")


class ProfileNotFound(NotFound):
    """No profile of this name is in the home."""

    code = "profile_not_found"
    sentence = N_("no profile is named {name}")
    advice = N_("`hongbao profiles` lists those there are")

    def __init__(self, name: str) -> None:
        super().__init__(name=shortened(name))


class PacketNotFound(NotFound):
    """The id is well formed, but no packet has it."""

    code = "packet_not_found"
    sentence = N_("there is no packet {packet}")
    advice = N_("`hongbao packets` lists those you can see")

    def __init__(self, packet: str) -> None:
        super().__init__(packet=packet)


class ChallengeNotFound(NotFound):
    """The id is well formed, but no challenge of this profile's has it."""

    code = "challenge_not_found"
    sentence = N_("you have no challenge {challenge}")
    advice = N_("`hongbao challenge list` shows those that can be answered")

    def __init__(self, challenge: str) -> None:
        super().__init__(challenge=challenge)


class RequestNotFound(NotFound):
    """Nothing of this profile's that moves money goes by that name."""

    code = "request_not_found"
    sentence = N_("you have no packet or payment called {subject}")
    advice = N_("name a packet, a request of yours, or a message such as NU20260216000012")

    def __init__(self, subject: str) -> None:
        super().__init__(subject=shortened(subject))


class CardNotFound(NotFound):
    """The profile has no such card."""

    code = "card_not_found"
    sentence = N_("you have no card {card}")
    advice = N_("`hongbao card list` shows your cards; `hongbao card add` binds one")

    def __init__(self, card: str) -> None:
        super().__init__(card=shortened(card))


class NoCard(NotFound):
    """The profile has no card at all."""

    code = "no_card"
    sentence = N_("no card is bound yet")
    advice = N_("bind one with `hongbao card add`")


class PolicyNotFound(NotFound):
    """No policy of this name ships with hongbao or was used here, and no file has it either."""

    code = "policy_not_found"
    sentence = N_("no policy is named {policy}, and no such file can be read")
    advice = N_("`hongbao policy list` shows what there is")

    def __init__(self, policy: str) -> None:
        super().__init__(policy=shortened(policy))


class BillNotFound(NotFound):
    """No such bill was imported into this profile, or it was removed."""

    code = "bill_not_found"
    sentence = N_("no imported bill is called {bill}")
    advice = N_("`hongbao import --list` shows which there are")

    def __init__(self, bill: str) -> None:
        super().__init__(bill=bill)


class NoBill(NotFound):
    """There is no imported bill to compare with."""

    code = "no_bill"
    sentence = N_("no bill was imported yet")
    advice = N_("bring one in with `hongbao import FILE`")


class FileNotReadable(NotFound):
    """A file that was named cannot be read."""

    code = "file_not_readable"
    sentence = N_("cannot read {path}: {reason}")

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class SignatureMissing(NotFound):
    """A statement whose signature is a file of its own stands there without it."""

    code = "signature_missing"
    sentence = N_("the signature of {path} is missing: there is no {signature_file}")
    advice = N_("keep both side by side, or name it with `--sig FILE`")

    def __init__(self, *, path: str, signature_file: str) -> None:
        super().__init__(path=path, signature_file=signature_file)


class NoReceipt(NotFound):
    """A payment was asked for and has not moved anything, or not yet."""

    code = "no_receipt"
    sentence = N_("nothing has moved by {subject}, so there is no receipt")
    advice = N_("see what became of it with `hongbao trace {subject}`")

    def __init__(self, subject: str) -> None:
        super().__init__(subject=shortened(subject))


class UnknownPlace(NotFound):
    """No bank and no channel has this code."""

    code = "unknown_place"
    sentence = N_("there is no bank or channel called {text} here")
    advice = N_("banks and channels here: {places}")

    def __init__(self, text: str, *, places: str) -> None:
        super().__init__(text=shortened(text), places=places)


class OperatorNotFound(NotFound):
    """Nobody of that name may put books right here."""

    code = "operator_not_found"
    sentence = N_("there is no operator named {name} here")
    advice = N_("`hongbao operator list` lists those there are")

    def __init__(self, name: str) -> None:
        super().__init__(name=shortened(name))


class DeviceNotFound(NotFound):
    """The profile has not let a device of this name in, nor was it asked to."""

    code = "device_not_found"
    sentence = N_("you have no device {device}")
    advice = N_("`hongbao device list` shows your devices; `hongbao device add DEVICE` lets one in")

    def __init__(self, device: str) -> None:
        super().__init__(device=shortened(device))


class NoAuthenticator(NotFound):
    """The profile has no authenticator."""

    code = "no_authenticator"
    sentence = N_("{profile} has no authenticator")
    advice = N_("add one with `hongbao totp add`")

    def __init__(self, *, profile: str) -> None:
        super().__init__(profile=profile)


class UnknownCity(NotFound):
    """No city of this name is known."""

    code = "unknown_city"
    sentence = N_("there is no city called {text} here")
    advice = N_("write a large city of China as shanghai or 上海, or unknown")

    def __init__(self, text: str) -> None:
        super().__init__(text=shortened(text))


class DifferenceNotFound(NotFound):
    """Both books say the same of this payment."""

    code = "difference_not_found"
    sentence = N_("there is no open difference about {payment}")
    advice = N_("see what differs with `hongbao reconcile`")

    def __init__(self, payment: str) -> None:
        super().__init__(payment=shortened(payment))


class CaseNotFound(NotFound):
    """The id is well formed, but no case has it."""

    code = "case_not_found"
    sentence = N_("there is no case {case}")
    advice = N_("`hongbao review list --all` lists every one")

    def __init__(self, case: str) -> None:
        super().__init__(case=case)


class RiskPackNotFound(NotFound):
    """No risk pack of this name ships with hongbao or was used here, and no file has it either."""

    code = "risk_pack_not_found"
    sentence = N_("no risk pack is named {pack}, and no such file can be read")
    advice = N_("`hongbao risk rules standard --text > mine.toml` begins one")

    def __init__(self, pack: str) -> None:
        super().__init__(pack=shortened(pack))


class DecisionNotFound(HongbaoError):
    """Risk control judged nothing under this request id."""

    code = "decision_not_found"
    exit_code = ExitCode.NOT_FOUND
    sentence = N_("nothing of this profile was judged as request {request_id}")
    advice = N_("`hongbao history --json` shows the request ids of what was done")

    def __init__(self, request_id: str) -> None:
        super().__init__(request_id=shortened(request_id))


# --- 11: the packet's state says no, or a case's -------------------------------------------------


class NotClaimable(HongbaoError):
    """The packet cannot be resolved this way, and where *final* never will be."""

    exit_code = ExitCode.NOT_CLAIMABLE
    final = True


class PacketFinished(NotClaimable):
    """Every share is taken (手慢了，红包派完了)."""

    code = "packet_finished"
    sentence = N_("too slow: every share of {packet} is taken")
    advice = N_("see who was faster with `hongbao show {packet}`")

    def __init__(self, packet: str) -> None:
        super().__init__(packet=packet)


class NothingToRefund(NotClaimable):
    """Every share was claimed, so nothing can go back to the sender."""

    code = "nothing_to_refund"
    sentence = N_("every share of {packet} was claimed; there is nothing to return")
    advice = N_("see who got what: `hongbao show {packet}`")

    def __init__(self, packet: str) -> None:
        super().__init__(packet=packet)


class PacketExpired(NotClaimable):
    """24 hours are over (该红包已超过24小时)."""

    code = "packet_expired"
    sentence = N_("{packet} expired at {expires_at}")
    advice = N_("what was left goes back to the sender with `hongbao refund`")

    def __init__(self, packet: str, *, expires_at: datetime) -> None:
        super().__init__(packet=packet, expires_at=expires_at)


class PacketRefunded(NotClaimable):
    """What was left has gone back to the sender."""

    code = "packet_refunded"
    sentence = N_("{packet} was refunded at {refunded_at}")

    def __init__(self, packet: str, *, refunded_at: datetime) -> None:
        super().__init__(packet=packet, refunded_at=refunded_at)


class PacketNotExpired(NotClaimable):
    """A packet can be refunded only once it has expired."""

    code = "packet_not_expired"
    final = False
    sentence = N_("{packet} can still be claimed; it can be refunded from {expires_at}")

    def __init__(self, packet: str, *, expires_at: datetime) -> None:
        super().__init__(packet=packet, expires_at=expires_at)


class AlreadyClaimed(NotClaimable):
    """One claim a person and packet."""

    code = "already_claimed"
    sentence = N_("you already claimed {amount_fen} from {packet}")
    advice = N_("see it with `hongbao show {packet}`")

    def __init__(self, packet: str, *, amount_fen: int) -> None:
        super().__init__(packet=packet, amount_fen=amount_fen)


class NotForYou(NotClaimable):
    """An exclusive packet opens only for the person it names."""

    code = "not_for_you"
    sentence = N_("{packet} is for someone else")

    def __init__(self, packet: str) -> None:
        super().__init__(packet=packet)


class NotYourPacket(NotClaimable):
    """Only its sender gets back what nobody claimed of a packet."""

    code = "not_your_packet"
    sentence = N_("someone else sent {packet}; only its sender can have the rest back")

    def __init__(self, packet: str) -> None:
        super().__init__(packet=packet)


class OwnPacket(NotClaimable):
    """One's own packet, where the policy or the packet's kind keeps it from the sender."""

    code = "own_packet"
    sentence = N_("you sent {packet} yourself")

    def __init__(self, packet: str) -> None:
        super().__init__(packet=packet)


class NotYetRevealed(NotClaimable):
    """A packet's seed is secret until the packet is closed."""

    code = "not_yet_revealed"
    final = False
    sentence = N_("{packet} is still open; its seed is revealed when it closes")

    def __init__(self, packet: str) -> None:
        super().__init__(packet=packet)


class CaseClosed(HongbaoError):
    """
    There is nothing left to be said of the case.

    *state* is one of the keys of the sentences below.
    """

    code = "case_closed"
    exit_code = ExitCode.NOT_CLAIMABLE
    sentence = N_("case {case} was closed on {closed_at}: {reason}")
    advice = N_("`hongbao review show {case}` tells how it came to that")

    _reasons: ClassVar[Mapping[str, str]] = {
        "approved": N_("it was approved"),
        "rejected": N_("it was rejected"),
        "released": N_("its time was over, and the money went on"),
        "returned": N_("its time was over, and the money went back"),
    }

    def __init__(self, case: str, *, state: str, closed_at: datetime) -> None:
        super().__init__(case=case, state=state, closed_at=closed_at)

    def __str__(self) -> str:
        return fill(
            self.sentence, {**self.facts, "reason": self._reasons[str(self.facts["state"])]}
        )

    @property
    def message(self) -> str:
        reason = self._reasons[str(self.facts["state"])]
        return say(self.sentence, **{**self.facts, "reason": reason})


# --- 12: not enough money ------------------------------------------------------------------------


class InsufficientBalance(HongbaoError):
    """The balance holds less than the act needs."""

    code = "insufficient_balance"
    exit_code = ExitCode.INSUFFICIENT
    sentence = N_("balance is {available_fen}, but {needed_fen} is needed")

    def __init__(
        self, *, needed_fen: int, available_fen: int, has_card: bool, topup_max_fen: int
    ) -> None:
        """Take whether a card is bound, and the most that limits let be topped up at once now."""
        super().__init__(
            needed_fen=needed_fen,
            available_fen=available_fen,
            missing_fen=needed_fen - available_fen,
            has_card=has_card,
            topup_max_fen=topup_max_fen,
        )

    def _advice(self) -> str:
        missing_fen, topup_max_fen = self.facts["missing_fen"], self.facts["topup_max_fen"]
        assert isinstance(missing_fen, int)
        assert isinstance(topup_max_fen, int)
        if missing_fen > topup_max_fen:
            return N_("limits let you top up {topup_max_fen} now; see `hongbao limits`")
        if not self.facts["has_card"]:
            return N_("bind a card with `hongbao card add`, then top up {missing_fen}")
        return N_("top up with `hongbao topup {missing_fen}`")


class NotWithdrawable(HongbaoError):
    """Some of the balance was claimed too recently to be withdrawn."""

    code = "not_withdrawable"
    exit_code = ExitCode.INSUFFICIENT
    sentence = N_("{withdrawable_fen} can be withdrawn now, but {needed_fen} is needed")
    advice = N_("the rest can be withdrawn later; it can be sent at once")

    def __init__(self, *, needed_fen: int, withdrawable_fen: int, from_at: datetime | None) -> None:
        super().__init__(needed_fen=needed_fen, withdrawable_fen=withdrawable_fen, from_at=from_at)


class InsufficientCard(HongbaoError):
    """The bank says that the card's account holds less than was asked of it."""

    code = "insufficient_card"
    exit_code = ExitCode.INSUFFICIENT
    sentence = N_("the bank declined: card {card} does not hold {needed_fen}")

    def __init__(self, *, card: str, needed_fen: int) -> None:
        super().__init__(card=card, needed_fen=needed_fen)


# --- 17: the outcome is not known yet ------------------------------------------------------------


class PaymentPending(HongbaoError):
    """
    The bank has not answered, so that nobody knows yet whether the payment came about.

    The money is frozen until a query finds out. *payment* is the message's id.
    """

    code = "payment_pending"
    exit_code = ExitCode.PENDING
    sentence = N_("{bank} has not answered: {amount_fen} with {card} is pending ({payment})")
    advice = N_("nothing is lost: do not pay again; ask the bank later with `hongbao settle`")

    def __init__(self, *, payment: str, amount_fen: int, card: str, bank: str) -> None:
        super().__init__(payment=payment, amount_fen=amount_fen, card=card, bank=bank)


# --- 22: the bank said no, or cannot be reached --------------------------------------------------


class NotPaid(HongbaoError):
    """Nothing moved: the payment did not come about."""

    exit_code = ExitCode.DECLINED


class Unpaid(NotPaid):
    """A payment that was sent came to nothing."""

    def __init__(self, *, bank: str, card: str, amount_fen: int, payment: str) -> None:
        super().__init__(bank=bank, card=card, amount_fen=amount_fen, payment=payment)


class BankDeclined(Unpaid):
    """The bank refuses, without saying why."""

    code = "bank_declined"
    sentence = N_("{bank} declined {amount_fen} with {card}")
    advice = N_("nothing was moved; try another card")


class CardAccountClosed(Unpaid):
    """The account behind the card is closed."""

    code = "card_account_closed"
    sentence = N_("{bank} declined: the account of {card} is closed")
    advice = N_("nothing was moved; remove the card with `hongbao card remove {card}`")


class PaymentReversed(Unpaid):
    """The bank never booked the payment, so it was undone (冲正)."""

    code = "payment_reversed"
    sentence = N_("{bank} never received {payment}: {amount_fen} with {card} was undone")
    advice = N_("nothing was moved; you may try again")


class BankDown(NotPaid):
    """The bank cannot be reached, so nothing was sent."""

    code = "bank_down"
    sentence = N_("{bank} cannot be reached at present")
    advice = N_("nothing was moved; try later, or another card")

    def __init__(self, *, bank: str) -> None:
        super().__init__(bank=bank)


class ChannelDown(NotPaid):
    """No clearing channel can be reached, so nothing was sent."""

    code = "channel_down"
    sentence = N_("neither clearing channel to {bank} can be reached at present")
    advice = N_("nothing was moved; try later, or pay from the balance")

    def __init__(self, *, bank: str) -> None:
        super().__init__(bank=bank)


# --- 23: two institutions' books do not agree ----------------------------------------------------


class DifferencesFound(HongbaoError):
    """A bank's statement and the platform's records differ, and nobody has put it right yet."""

    code = "differences_found"
    exit_code = ExitCode.DIFFERENCES
    sentence = N_("differences that are left for {date}: {open}")
    advice = N_("end each with `hongbao reconcile resolve PAYMENT --reason TEXT --operator NAME`")

    def __init__(
        self, *, date: str, banks: list[dict[str, object]], differences: list[dict[str, object]]
    ) -> None:
        count = sum(not difference["corrected"] for difference in differences)
        super().__init__(date=date, open=count, banks=banks, differences=differences)


class BillDiffers(HongbaoError):
    """An imported bill and this home's records do not say the same."""

    code = "bill_differs"
    exit_code = ExitCode.DIFFERENCES
    sentence = N_("rows of {bill} and of this home that do not agree: {count}")

    def __init__(self, count: int, compared: Mapping[str, object]) -> None:
        super().__init__(count=count, **compared)


# --- 13: a rule of the policy --------------------------------------------------------------------


class LimitExceeded(HongbaoError):
    """
    A tier's limit leaves less room than the act needs.

    *returns_at* is the moment room returns by itself; None where it never does (a single act's
    limit, a lifetime's).
    """

    code = "limit_exceeded"
    exit_code = ExitCode.LIMIT
    sentence = N_(
        "{amount_fen} is over the {period} limit of {limit_fen} (used {used_fen}, left {left_fen})"
    )

    _periods: ClassVar[Mapping[str, str]] = {
        "single": N_("single-payment"),
        "day": N_("daily"),
        "year": N_("yearly"),
        "lifetime": N_("lifetime"),
    }

    def __init__(
        self,
        *,
        limit: str,
        period: str,
        tier: str,
        amount_fen: int,
        limit_fen: int,
        used_fen: int,
        returns_at: datetime | None,
        identifying_helps: bool,
    ) -> None:
        super().__init__(
            identifying_helps=identifying_helps,
            limit=limit,
            period=period,
            tier=tier,
            amount_fen=amount_fen,
            limit_fen=limit_fen,
            used_fen=used_fen,
            left_fen=max(limit_fen - used_fen, 0),
            returns_at=returns_at,
        )

    def __str__(self) -> str:
        period = self._periods[str(self.facts["period"])]
        return fill(self.sentence, {**self.facts, "period": period})

    @property
    def message(self) -> str:
        period = say(self._periods[str(self.facts["period"])])
        return say(self.sentence, **{**self.facts, "period": period})

    def _advice(self) -> str:
        if self.facts["returns_at"] is None:
            if self.facts["identifying_helps"]:
                return N_("`hongbao limits` shows every limit; `hongbao identify` can raise them")
            return N_("`hongbao limits` shows every limit")
        return N_("room returns at {returns_at}; `hongbao limits` shows every limit")


class ShareAboveCap(HongbaoError):
    """The total cannot be shared without a share above the policy's cap."""

    code = "share_above_cap"
    exit_code = ExitCode.LIMIT
    sentence = N_(
        "a share is at most {share_max_fen}; {total_fen} needs at least {count_least} shares"
    )

    def __init__(self, *, total_fen: int, share_max_fen: int) -> None:
        super().__init__(
            total_fen=total_fen,
            share_max_fen=share_max_fen,
            count_least=-(-total_fen // share_max_fen),
        )


class FixedShareAboveCap(HongbaoError):
    """Each share has a fixed amount, above the policy's cap: more shares would not change that."""

    code = "fixed_share_above_cap"
    exit_code = ExitCode.LIMIT
    sentence = N_("a share is at most {share_max_fen}, not {share_fen}")

    def __init__(self, *, share_fen: int, share_max_fen: int) -> None:
        super().__init__(share_fen=share_fen, share_max_fen=share_max_fen)


class PacketAboveCap(HongbaoError):
    """The total is above what one packet may hold."""

    code = "packet_above_cap"
    exit_code = ExitCode.LIMIT
    sentence = N_("a packet holds at most {packet_max_fen}, not {total_fen}")

    def __init__(self, *, total_fen: int, packet_max_fen: int) -> None:
        super().__init__(total_fen=total_fen, packet_max_fen=packet_max_fen)


class TooManyProfiles(HongbaoError):
    """The policy caps how many profiles one ID number may have."""

    code = "too_many_profiles"
    exit_code = ExitCode.LIMIT
    sentence = N_("this ID number has as many profiles as the policy allows: {profiles_max}")

    def __init__(self, *, profiles_max: int) -> None:
        super().__init__(profiles_max=profiles_max)


# --- 14: the payment PIN -------------------------------------------------------------------------


class PinError(HongbaoError):
    """The payment PIN is missing its form, its strength or its match."""

    exit_code = ExitCode.PIN


class InvalidPin(PinError):
    """A PIN is six digits."""

    code = "invalid_pin"
    sentence = N_("a PIN is exactly six digits")


class PinMismatch(PinError):
    """A new PIN is typed twice, and the second one was another."""

    code = "pin_mismatch"
    sentence = N_("the two new PINs are not the same")
    advice = N_("nothing was changed; try again")


class WeakPin(PinError):
    """One digit repeated, a run, or the holder's birth date."""

    code = "weak_pin"
    sentence = N_("this PIN is too easy to guess")
    advice = N_("avoid one digit repeated, runs like 123456, and your birth date")


class WrongPin(PinError):
    """The PIN does not match; the attempt was counted before it was checked."""

    code = "wrong_pin"
    sentence = N_("wrong PIN; attempts left: {attempts_left}")

    def __init__(self, *, attempts_left: int) -> None:
        super().__init__(attempts_left=attempts_left)


class WrongPinOrCode(PinError):
    """
    PIN and authenticator's code do not both fit; the attempt was counted before it was checked.

    Which of them does not is not told, or each could be guessed by itself.
    """

    code = "wrong_pin_or_code"
    sentence = N_("wrong PIN or wrong code; attempts left: {attempts_left}")
    advice = N_("each code counts once; wait for the next one in the app")

    def __init__(self, *, attempts_left: int) -> None:
        super().__init__(attempts_left=attempts_left)


class WrongPinOrIdentity(PinError):
    """Whoever said who they are did not know the PIN, or is somebody else; which is not told."""

    code = "wrong_pin_or_identity"
    sentence = N_("wrong PIN, or somebody else's identity; attempts left: {attempts_left}")
    advice = N_("it takes the real name and the ID number that `hongbao identify` was given")

    def __init__(self, *, attempts_left: int) -> None:
        super().__init__(attempts_left=attempts_left)


class PinLocked(PinError):
    """Too many wrong PINs; only the ledger's clock opens this lock."""

    code = "pin_locked"
    sentence = N_("the PIN is locked until {locked_until_at}")

    def __init__(self, *, locked_until_at: datetime) -> None:
        super().__init__(locked_until_at=locked_until_at)


# --- 16: held by risk control --------------------------------------------------------------------


class HeldByRisk(HongbaoError):
    """
    Risk control does not let an act happen, or not yet.

    *rule* names the rule of the pack, and *why* is its sentence in both languages.
    """

    exit_code = ExitCode.HELD


class ChallengeRequired(HeldByRisk):
    """A person has to show that they are there; then the same request goes through."""

    code = "challenge_required"
    sentence = N_("{why}")
    advice = N_("answer with `hongbao challenge answer {challenge}` and ask for the same again")

    def __init__(self, *, challenge: str, rule: str, why: Mapping[str, str]) -> None:
        super().__init__(challenge=challenge, rule=rule, why=why)


class WrongAnswer(HeldByRisk):
    """A challenge was answered wrongly; the try was counted before it was looked at."""

    code = "wrong_answer"
    sentence = N_("wrong answer; tries left: {tries_left}")
    advice = N_("count again, and answer `hongbao challenge answer {challenge}`")

    def __init__(self, *, challenge: str, tries_left: int) -> None:
        super().__init__(challenge=challenge, tries_left=tries_left)


class ChallengeFailed(HeldByRisk):
    """All tries at a challenge were wrong."""

    code = "challenge_failed"
    sentence = N_("{challenge} was answered wrongly too often; nothing was done")
    advice = N_("ask for the same again, and there is another question")

    def __init__(self, *, challenge: str) -> None:
        super().__init__(challenge=challenge)


class ChallengeExpired(HeldByRisk):
    """A challenge was answered, or its request made again, too late."""

    code = "challenge_expired"
    sentence = N_("{challenge} was open until {until_at}")
    advice = N_("ask for the same again, and there is another question")

    def __init__(self, *, challenge: str, until_at: datetime) -> None:
        super().__init__(challenge=challenge, until_at=until_at)


class ChallengeUsed(HeldByRisk):
    """What a challenge stood before has been done, and it lets nothing else happen."""

    code = "challenge_used"
    sentence = N_("{challenge} was passed, and what it stood before is done")
    advice = N_("`hongbao history` shows it")

    def __init__(self, *, challenge: str) -> None:
        super().__init__(challenge=challenge)


class LoweredLimit(HeldByRisk):
    """Less may leave this profile in a day than its tier would allow."""

    code = "lowered_limit"
    sentence = N_("{why}: no more than {limit_fen} may go out in a day")
    advice = N_("`hongbao risk why {request_id}` explains it")

    def __init__(
        self, *, limit_fen: int, request_id: str, rule: str, why: Mapping[str, str]
    ) -> None:
        super().__init__(limit_fen=limit_fen, request_id=request_id, rule=rule, why=why)


class RefusedByRisk(HeldByRisk):
    """A rule of the risk pack says no."""

    code = "refused_by_risk"
    sentence = N_("{why}")
    advice = N_("`hongbao risk why {request_id}` explains it")

    def __init__(self, *, request_id: str, rule: str, why: Mapping[str, str]) -> None:
        super().__init__(request_id=request_id, rule=rule, why=why)


class SessionEnded(HeldByRisk):
    """A rule of the risk pack ends the device's session with this act."""

    code = "session_ended"
    sentence = N_("{why}; the session of {device} has been ended")
    advice = N_("begin a new one with `hongbao device login {device}`")

    def __init__(self, *, device: str, rule: str, why: Mapping[str, str]) -> None:
        super().__init__(device=device, rule=rule, why=why)


class BadSignature(HeldByRisk):
    """A request was not signed by the device that it says it comes from."""

    code = "bad_signature"
    sentence = N_("the request is not signed by {device}, whose session has been ended")
    advice = N_("begin a new one with `hongbao device login {device}`")

    def __init__(self, *, device: str) -> None:
        super().__init__(device=device)


class ReplayedNonce(HeldByRisk):
    """A signed request was made a second time."""

    code = "replayed_nonce"
    sentence = N_("the request was signed once before; the session of {device} has been ended")
    advice = N_("begin a new one with `hongbao device login {device}`")

    def __init__(self, *, device: str) -> None:
        super().__init__(device=device)


class SessionCut(HeldByRisk):
    """The device's session was ended, and nobody has begun a new one."""

    code = "session_cut"
    sentence = N_("the session of {device} was ended for safety")
    advice = N_("begin a new one with `hongbao device login {device}`")

    def __init__(self, *, device: str) -> None:
        super().__init__(device=device)


class DeviceNotEnrolled(HeldByRisk):
    """The profile has not let this device in."""

    code = "device_not_enrolled"
    sentence = N_("{profile} has not let {device} in")
    advice = N_("let it in with `hongbao device add {device}`")

    def __init__(self, *, device: str, profile: str) -> None:
        super().__init__(device=shortened(device), profile=profile)


class DevicePending(HeldByRisk):
    """The device waits to be let in."""

    code = "device_pending"
    sentence = N_("{device} waits to be let in")
    advice = N_("let it in from a device you have, with `hongbao device approve {device}`")

    def __init__(self, *, device: str) -> None:
        super().__init__(device=device)


class PacketHeld(HeldByRisk):
    """The packet is looked at before anybody can claim it."""

    code = "packet_held"
    sentence = N_("{packet} is held until {until_at} at the latest: {why}")
    advice = N_("nothing is lost: it can be claimed afterwards, or goes back to its sender")

    def __init__(self, packet: str, *, until_at: datetime, why: Mapping[str, str]) -> None:
        super().__init__(packet=packet, until_at=until_at, why=why)


class WithdrawalHeldBack(HeldByRisk):
    """A withdrawal was held, and not let go."""

    code = "withdrawal_held_back"
    sentence = N_("the withdrawal of {amount_fen} to {card} was not let go: {why}")
    advice = N_("the money is back in the balance, fee and quota included")

    def __init__(
        self, *, amount_fen: int, card: str, payment: str, case: str, why: Mapping[str, str]
    ) -> None:
        super().__init__(amount_fen=amount_fen, card=card, payment=payment, case=case, why=why)


class DeviceKeyMissing(HeldByRisk):
    """The device is another machine: this one cannot sign for it."""

    code = "device_key_missing"
    sentence = N_("this machine does not hold the key of {device}")
    advice = N_("let this machine in with `hongbao device add`, or act from that one")

    def __init__(self, device: str) -> None:
        super().__init__(device=device)


# --- 15 to 21: the home --------------------------------------------------------------------------


class Busy(HongbaoError):
    """Another process kept the write lock for longer than we wait."""

    code = "busy"
    exit_code = ExitCode.BUSY
    sentence = N_("another hongbao is writing to this home")
    advice = N_("nothing was changed; try again")


class RequestConflict(HongbaoError):
    """The request id was used before, with other inputs."""

    code = "request_conflict"
    exit_code = ExitCode.CONFLICT
    sentence = N_("request {request_id} was already used for something else")
    advice = N_("use a new request id for a new request")

    def __init__(self, request_id: str) -> None:
        super().__init__(request_id=request_id)


class Damaged(HongbaoError):
    """The ledger or its keys do not fit together, or cannot be read."""

    code = "damaged"
    exit_code = ExitCode.DAMAGED
    sentence = N_("{path} is damaged, or does not belong to these keys")
    advice = N_("bring back a good copy with `hongbao restore FILE`")

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path)


class DeviceKeyDamaged(Damaged):
    """The file of a device's key is not what was written, so that device signs nothing any more."""

    code = "device_key_damaged"
    sentence = N_("{path}, a device's key, is damaged")
    advice = N_(
        "say who you are to let this machine in anew: `hongbao device add DEVICE --id-file FILE`,"
        " then act from it with `-p @DEVICE`"
    )


class ChecksFailed(HongbaoError):
    """`hongbao check` found something wrong; the findings say what."""

    code = "checks_failed"
    exit_code = ExitCode.DAMAGED
    sentence = N_("checks that failed: {failed}")

    def __init__(self, *, failed: int, findings: list[dict[str, object]]) -> None:
        super().__init__(failed=failed, findings=findings)


class RecordsIncomplete(HongbaoError):
    """Something that has to be kept is missing, or is not what was written."""

    code = "records_incomplete"
    exit_code = ExitCode.DAMAGED
    sentence = N_("the records are not complete: checks that failed: {failed}")
    advice = N_("`hongbao check` tells what is wrong, and what to do")

    def __init__(self, *, failed: int, findings: list[dict[str, object]]) -> None:
        super().__init__(failed=failed, findings=findings)


class Unfair(HongbaoError):
    """`hongbao verify` recomputed a packet, and what was paid is not what its seed says."""

    code = "unfair"
    exit_code = ExitCode.DAMAGED
    sentence = N_("{packet} was not dealt as its seed says")
    advice = N_("see what else is wrong with `hongbao check`")

    def __init__(
        self, packet: str, *, commitment_holds: bool, shares: list[dict[str, object]]
    ) -> None:
        super().__init__(packet=packet, commitment_holds=commitment_holds, shares=shares)


class RolledBack(HongbaoError):
    """The ledger ends before an entry that these keys have already seen."""

    code = "rolled_back"
    exit_code = ExitCode.DAMAGED
    sentence = N_(
        "the ledger ends at entry {last_entry}, but entry {noted_entry} was seen: "
        "this is an older or shortened copy"
    )
    advice = N_("bring back the newest copy with `hongbao restore FILE`, or accept this one there")

    def __init__(self, *, last_entry: int, noted_entry: int) -> None:
        super().__init__(last_entry=last_entry, noted_entry=noted_entry)


class OlderCopy(HongbaoError):
    """A copy that was to be restored is not the newest state these keys have seen."""

    code = "older_copy"
    exit_code = ExitCode.DAMAGED
    sentence = N_(
        "this copy ends at entry {last_entry} and lacks entry {noted_entry}, which was seen: "
        "what happened since would be lost"
    )
    advice = N_("restore a newer copy, or accept this one with --yes")

    def __init__(self, *, last_entry: int, noted_entry: int) -> None:
        super().__init__(last_entry=last_entry, noted_entry=noted_entry)


class HistoryReplaced(HongbaoError):
    """The ledger has the noted entry, but not with the noted seal."""

    code = "history_replaced"
    exit_code = ExitCode.DAMAGED
    sentence = N_("entry {noted_entry} is not the one that was seen: the history was replaced")
    advice = N_("see what else is wrong with `hongbao check`")

    def __init__(self, *, noted_entry: int) -> None:
        super().__init__(noted_entry=noted_entry)


class NotGenuine(HongbaoError):
    """
    `hongbao verify-statement` found a statement or a receipt that is not what was signed.

    Its facts are those of a `hongbao.answers.FileVerified`.
    """

    exit_code = ExitCode.DAMAGED

    def __init__(self, **verified: object) -> None:
        super().__init__(**verified)


class FileEdited(NotGenuine):
    """Something in a statement or a receipt is not as it was signed."""

    code = "file_edited"
    sentence = N_("{file} was edited after it was signed: {reason}")


class RowsMissing(NotGenuine):
    """What a statement or a receipt says was signed, but not all of that is there."""

    code = "rows_missing"
    sentence = N_("{file} is not complete: lines that were signed and are missing: {missing_count}")


class CutShort(NotGenuine):
    """A statement or a receipt has lost its end."""

    code = "cut_short"
    sentence = N_("{file} was cut short: its end is missing")
    advice = N_("ask for the file again, or export it anew")


class UnknownSigner(NotGenuine):
    """A statement or a receipt is signed, but by no key that anybody here knows."""

    code = "unknown_signer"
    sentence = N_(
        "{file} is somebody else's: it is signed by {public_key}, which nobody here knows"
    )
    advice = N_(
        "a key in a file proves nothing by itself; with the key that you were given, "
        "use `--key KEY`"
    )


class OtherSigner(UnknownSigner):
    """The file is signed by another key than the one that was named as trusted."""

    sentence = N_(
        "{file} is somebody else's: it is signed by {public_key}, neither a key of this home nor"
        " the one that you named"
    )
    advice = N_("ask whoever gave you the file which key is theirs; they see it with `hongbao key`")


class NewerThanLedger(NotGenuine):
    """A statement or a receipt tells of entries that the ledger does not have."""

    code = "newer_than_ledger"
    sentence = N_(
        "{file} is genuine, but the ledger is not: it ends at entry {last_entry}, "
        "and entry {entry} was signed"
    )
    advice = N_(
        "this is an older or shortened copy; bring back the newest with `hongbao restore FILE`"
    )


class OtherHistory(NotGenuine):
    """A statement or a receipt is genuine, but the ledger has another entry at its head."""

    code = "other_history"
    sentence = N_(
        "{file} is genuine, but the ledger is not: its entry {entry} is not the one that was signed"
    )
    advice = N_("the history was replaced; see what else is wrong with `hongbao check`")


class BankStatementForged(HongbaoError):
    """A bank's statement is not what the bank signed: read no further."""

    code = "bank_statement_forged"
    exit_code = ExitCode.DAMAGED
    sentence = N_(
        "the signature of this statement is not {bank}'s: it was edited, or is of another home"
    )
    advice = N_("ask the bank for the file again; a statement is not mended by hand")

    def __init__(self, bank: str) -> None:
        super().__init__(bank=bank)


class HomeLocked(HongbaoError):
    """The home's key is wrapped by a passphrase that was not given."""

    code = "home_locked"
    exit_code = ExitCode.LOCKED
    sentence = N_("this home is locked by a passphrase")
    advice = N_("open it with `hongbao unlock`, or name a file in HONGBAO_PASSPHRASE_FILE")


class WrongPassphrase(HongbaoError):
    """The passphrase does not open the home's key."""

    code = "wrong_passphrase"
    exit_code = ExitCode.LOCKED
    sentence = N_("the passphrase does not open this home")


class WeakPassphrase(UsageError):
    """A passphrase stands alone against an offline search, so it has a least length."""

    code = "weak_passphrase"
    sentence = N_("a passphrase needs at least {length_min} characters")

    def __init__(self, *, length_min: int) -> None:
        super().__init__(length_min=length_min)


class CommonPassphrase(WeakPassphrase):
    """A passphrase is long enough, and still one of the first that a search would try."""

    code = "common_passphrase"
    sentence = N_("this passphrase is among the first that anyone would try")
    advice = N_("take a few words that do not belong together")


class PassphraseMismatch(UsageError):
    """A new passphrase is typed twice, and the second one was another."""

    code = "passphrase_mismatch"
    sentence = N_("the two passphrases are not the same")
    advice = N_("nothing was changed; try again")


class KeyringUnavailable(HongbaoError):
    """The system keyring, or the extra that reaches it, is not there."""

    code = "keyring_unavailable"
    exit_code = ExitCode.UNUSABLE
    sentence = N_("the system keyring cannot be used: {reason}")
    advice = N_("install `hongbao[keyring]`, or use a passphrase")

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)


class TrainerMissing(HongbaoError):
    """The library that learns models is not installed."""

    code = "trainer_missing"
    exit_code = ExitCode.UNUSABLE
    sentence = N_("training a model needs scikit-learn, which is not installed")
    advice = N_("`pip install 'hongbao[train]'`")


class PdfMissing(HongbaoError):
    """The library that writes PDF is not installed."""

    code = "pdf_missing"
    exit_code = ExitCode.UNUSABLE
    sentence = N_("writing a PDF needs fpdf2, which is not installed")
    advice = N_("`pip install 'hongbao[pdf]'`, or use `--format html`")


class FontMissing(HongbaoError):
    """A PDF brings its font along, and none for Chinese names is installed."""

    code = "font_missing"
    exit_code = ExitCode.UNUSABLE
    sentence = N_("no font that can write Chinese was found")
    advice = N_("`pip install 'hongbao[pdf]'` brings one, or name one in HONGBAO_FONT")


class NewerHome(HongbaoError):
    """The home was written by a later version, whose rules this one does not know."""

    code = "newer_home"
    exit_code = ExitCode.UNUSABLE
    sentence = N_("this home was written by a newer hongbao (form {form}, this one knows {known})")
    advice = N_("upgrade hongbao")

    def __init__(self, *, form: int, known: int) -> None:
        super().__init__(form=form, known=known)


class StorageRefused(HongbaoError):
    """The disk is full, read-only, or not ours to write."""

    # What systems say most often: marked here, so that they are said in the reader's language.
    _reasons: ClassVar[tuple[str, ...]] = (
        N_("Permission denied"),
        N_("Read-only file system"),
        N_("No space left on device"),
        N_("Disk quota exceeded"),
        N_("File too large"),
        N_("Cannot allocate memory"),
        N_("No such file or directory"),
        N_("Not a directory"),
        N_("Is a directory"),
        N_("File name too long"),
        N_("Too many open files"),
        N_("Input/output error"),
        N_("Bad file descriptor"),
        N_("File exists"),
        # and the engine:
        N_("database or disk is full"),
        N_("attempt to write a readonly database"),
        N_("unable to open database file"),
    )

    code = "storage_refused"
    exit_code = ExitCode.UNUSABLE
    sentence = N_("cannot write to {path}: {reason}")
    advice = N_("nothing was changed; make room or mend the permissions, then try again")

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class StorageUnreadable(StorageRefused):
    """A file of the home is there, but the system does not let us read it."""

    code = "storage_unreadable"
    sentence = N_("cannot read {path}: {reason}")
    advice = N_("nothing was changed; mend the permissions, then try again")


class SystemRefused(HongbaoError):
    """The system refused to use a file, or (without a *path*) to do anything more at all."""

    code = "system_refused"
    exit_code = ExitCode.UNUSABLE
    sentence = N_("the system refused to use {path}: {reason}")
    _without_path: ClassVar[str] = N_("the system refused: {reason}")
    advice = N_("what was being done is done whole or not at all; look with `hongbao history`")

    def __init__(self, *, path: str | None, reason: str) -> None:
        super().__init__(path=path, reason=reason)

    def __str__(self) -> str:
        return fill(self._says, self.facts)

    @property
    def message(self) -> str:
        return say(self._says, **self.facts)

    @property
    def _says(self) -> str:
        return self._without_path if self.facts["path"] is None else self.sentence


class ForeignFile(StorageUnreadable):
    """In the place of one of the home's own files is something that might not be ours to write."""

    code = "foreign_file"
    sentence = N_("{path} is not used: {reason}")
    advice = N_("nothing was changed; put a plain file of your own in its place, under one name")


class AnswerUnwritable(HongbaoError):
    """Standard output does not take the answer. What was asked for has been done by then."""

    code = "answer_unwritable"
    exit_code = ExitCode.UNUSABLE
    sentence = N_("the answer cannot be written to standard output: {reason}")
    advice = N_("what you asked for may be done; look with `hongbao history`")

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)


class StoryFailed(HongbaoError):
    """
    A command in a story did not do what the story says.

    *problem* is one of the keys of the sentences below.
    """

    code = "story_failed"
    sentence = N_("story {source}, line {line}: {reason}")

    _reasons: ClassVar[Mapping[str, str]] = {
        "exit_code": N_("`{command}` ended with {got}, not with {expected}"),
        "text": N_("`{command}` did not say: {expected}"),
        "silence": N_("`{command}` said something where it should be silent"),
        "fact": N_("`{command}` answered {got}, not {expected}"),
        "hangs": N_("`{command}` did not end within {expected}"),
    }

    def __init__(
        self, *, source: str, line: int, problem: str, command: str, expected: str, got: str
    ) -> None:
        super().__init__(
            source=source,
            line=line,
            problem=problem,
            command=command,
            expected=expected,
            got=got,
        )

    def __str__(self) -> str:
        reason = fill(self._reasons[str(self.facts["problem"])], self.facts)
        return fill(self.sentence, {**self.facts, "reason": reason})

    @property
    def message(self) -> str:
        reason = say(self._reasons[str(self.facts["problem"])], **self.facts)
        return say(self.sentence, **{**self.facts, "reason": reason})


class Unexpected(HongbaoError):
    """A bug of ours: what went wrong has no sentence of its own."""

    code = "unexpected"
    sentence = N_(
        "this is a bug in hongbao ({kind}); what was being done is done whole or not at all"
    )
    advice = N_("look with `hongbao history`, and report what HONGBAO_DEBUG=1 shows")

    def __init__(self, error: Exception) -> None:
        super().__init__(kind=type(error).__name__)


class Interrupted(HongbaoError):
    """Ctrl-C at a question, before anything was changed."""

    code = "interrupted"
    exit_code = ExitCode.INTERRUPTED
    sentence = N_("interrupted; nothing was changed")


class Stopped(Interrupted):
    """Ctrl-C while something was being done: all of it is, or nothing."""

    code = "stopped"
    sentence = N_("interrupted; what was being done is done whole or not at all")
    advice = N_("look with `hongbao history`")


def recall(told: Mapping[str, object]) -> HongbaoError:
    """
    Return the error that *told*, an error's `HongbaoError.as_dict`, was made from.

    >>> from datetime import UTC
    >>> error = PacketExpired("hb_7Q2M4K9X", expires_at=datetime(2026, 2, 17, tzinfo=UTC))
    >>> str(recall(error.as_dict())) == str(error)
    True
    """
    facts = {
        name: datetime.fromisoformat(value)
        if name.endswith("_at") and isinstance(value, str)
        else value
        for name, value in told.items()
        if name not in ("code", "message", "hint")
    }
    kind = _by_code(HongbaoError)[str(told["code"])]
    error = kind.__new__(kind)
    HongbaoError.__init__(error, **facts)
    return error


def _by_code(kind: type[HongbaoError]) -> dict[str, type[HongbaoError]]:
    found = {kind.code: kind}
    for narrower in kind.__subclasses__():
        found |= _by_code(narrower)
    return found


def shortened(text: str, length_max: int = 40) -> str:
    """
    Return *text* quoted for a sentence: escapes shown as text, and never longer than a line.

    >>> shortened("1e3"), shortened("a\\x1b[31m")
    ("'1e3'", "'a\\\\x1b[31m'")
    """
    return f"'{harmless(text, length_max)}'"
