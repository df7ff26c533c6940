"""
The gallery of refusals: ``docs/errors.md``, made from the errors themselves.

``python -m tests.gallery`` writes it anew; the test that calls `page` refuses one that is behind.
"""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from hongbao import words
from hongbao.errors import (
    AlreadyApproved,
    AlreadyClaimed,
    AlreadyIdentified,
    AnswerUnwritable,
    AuthenticatorExists,
    BadCommandLine,
    BadSignature,
    BankDeclined,
    BankDown,
    BankStatementForged,
    BillDiffers,
    BillNotFound,
    Busy,
    CardAccountClosed,
    CardInUse,
    CardNotFound,
    CaseClosed,
    CaseNotFound,
    ChallengeExpired,
    ChallengeFailed,
    ChallengeNotFound,
    ChallengeRequired,
    ChallengeUsed,
    ChannelDown,
    ChecksFailed,
    ClockBackwards,
    CodeNotRepeated,
    CommonPassphrase,
    ConflictingOptions,
    CutShort,
    Damaged,
    DayNotBegun,
    DecisionNotFound,
    Declined,
    DeviceExists,
    DeviceInUse,
    DeviceKeyDamaged,
    DeviceKeyMissing,
    DeviceNotEnrolled,
    DeviceNotFound,
    DevicePending,
    DifferenceNotFound,
    DifferencesFound,
    ExitCode,
    FileEdited,
    FileExists,
    FileNotReadable,
    FixedShareAboveCap,
    FontMissing,
    FontUnusable,
    ForeignFile,
    HistoryReplaced,
    HomeExists,
    HomeLocked,
    HomeNotFound,
    HongbaoError,
    IdentityMismatch,
    InsideHome,
    InsufficientBalance,
    InsufficientCard,
    Interrupted,
    InvalidAccountRoot,
    InvalidAmount,
    InvalidAnswer,
    InvalidBankStatement,
    InvalidBill,
    InvalidBillId,
    InvalidCardNumber,
    InvalidCaseId,
    InvalidChallengeId,
    InvalidCode,
    InvalidCount,
    InvalidDeviceName,
    InvalidDuration,
    InvalidGreeting,
    InvalidIdNumber,
    InvalidInstant,
    InvalidModel,
    InvalidName,
    InvalidNumber,
    InvalidPacketId,
    InvalidPath,
    InvalidPin,
    InvalidPolicy,
    InvalidPublicKey,
    InvalidRange,
    InvalidRealName,
    InvalidRequestId,
    InvalidRiskPack,
    InvalidSecret,
    InvalidSignature,
    InvalidSpan,
    InvalidStory,
    KeyringUnavailable,
    LimitExceeded,
    LoweredLimit,
    MissingReason,
    NameTaken,
    NewerHome,
    NewerThanLedger,
    NoAuthenticator,
    NoBill,
    NoCard,
    NoReceipt,
    NoSuchFault,
    NotABill,
    NotADemoHome,
    NotAnswered,
    NotForYou,
    NothingToRefund,
    NotIdentified,
    NotSigned,
    NotUtf8,
    NotWithdrawable,
    NotYetRevealed,
    NotYourPacket,
    OlderCopy,
    OperatorExists,
    OperatorNeeded,
    OperatorNotFound,
    OtherHistory,
    OwnPacket,
    PacketAboveCap,
    PacketExpired,
    PacketFinished,
    PacketHeld,
    PacketNotExpired,
    PacketNotFound,
    PacketRefunded,
    PassphraseMismatch,
    PaymentPending,
    PaymentReversed,
    PdfMissing,
    PeriodNotBegun,
    PinLocked,
    PinMismatch,
    PolicyNotFound,
    PolicyVersionReused,
    ProfileNotFound,
    RecordsIncomplete,
    RefusedByRisk,
    ReplayedNonce,
    RequestConflict,
    RequestNotFound,
    RiskPackNotFound,
    RiskPackVersionReused,
    RolledBack,
    RowsMissing,
    RulesNeedOperator,
    SameOperator,
    SecretFileExists,
    SelfRecipient,
    SessionCut,
    SessionEnded,
    ShareAboveCap,
    ShareTooSmall,
    SignatureMissing,
    StatementTooLong,
    Stopped,
    StorageRefused,
    StorageUnreadable,
    StoryFailed,
    SystemRefused,
    TextTooLong,
    TooLittleHistory,
    TooManyProfiles,
    TrainerMissing,
    Unanswered,
    Unexpected,
    Unfair,
    UnknownBank,
    UnknownCity,
    UnknownEnding,
    UnknownPlace,
    UnknownSigner,
    UnprintableText,
    WeakPassphrase,
    WeakPin,
    WithdrawalHeldBack,
    WrongAnswer,
    WrongPassphrase,
    WrongPin,
    WrongPinOrCode,
    WrongPinOrIdentity,
)

GALLERY = Path(__file__).parent.parent / "docs" / "errors.md"

PACKET = "hb_7Q2M4K9X"
PAYMENT = "NU20260216000012"
DIFFERENCE: dict[str, object] = {"message": PAYMENT, "kind": "shortage", "corrected": False}
CHALLENGE = "ch_7Q2M4K9X"
REQUEST = "rq_0000000000000000000000001A"
QUICK = {
    "en": "these claims are quicker than hands: please show that it is you",
    "zh": "领取速度异常，请确认为本人操作",
}
NEW_HERE = {"en": "this account is new and not identified", "zh": "账户较新且未实名"}
TOO_MANY = {"en": "too much in one hour: please try again later", "zh": "操作过于频繁，请稍后再试"}
FAR_AWAY = {
    "en": "this device was far away a moment ago",
    "zh": "设备位置异常，为保障资金安全已中止操作",
}
UNUSUAL = {
    "en": "an unusual amount, place and hour: this is looked at first",
    "zh": "金额、地点和时间均异常，本次交易需先核实",
}
LEDGER = "~/.local/share/hongbao/data/ledger.db"
THEN = datetime.fromisoformat("2026-02-17T20:00:00+08:00")
NEXT_DAY = datetime.fromisoformat("2026-02-17T00:00:00+08:00")

SAMPLES: tuple[HongbaoError, ...] = (
    # One of each, with facts that could be; in the order in which the gallery shows them.
    BadCommandLine("No such command 'sned'. Did you mean 'send'?", command="hongbao"),
    ConflictingOptions("--to", "--count", command="hongbao send"),
    Unanswered(question="payment PIN", flag="--pin-file"),
    NotAnswered(question="payment PIN", flag="--pin-file"),
    Declined(),
    InvalidAmount("1,000"),
    InvalidNumber("１０", option="--count", least=0),
    InvalidCount(count=101, shares_max=100),
    ShareTooSmall(total_fen=4, count=5),
    InvalidName("\x1b[31mred", length_max=20),
    NameTaken("小明"),
    OperatorExists("老王"),
    OperatorNeeded("小梅"),
    RulesNeedOperator(),
    InvalidDeviceName("my tablet", length_max=20),
    DeviceExists(device="tablet", profile="小明"),
    AlreadyApproved(device="tablet"),
    DeviceInUse(device="小明-1", profile="小明"),
    NotIdentified(profile="小红"),
    AuthenticatorExists(profile="小明"),
    CodeNotRepeated(),
    SecretFileExists(path="totp.txt"),
    InvalidSecret(path="totp.txt"),
    InvalidGreeting(length=26, length_max=25),
    TextTooLong(field="cover", length_max=20),
    UnprintableText(field="greeting", codepoint="001B"),
    InvalidPacketId("hb_7Q2M4K9W"),
    InvalidCaseId("rc_7Q2M4K9W"),
    InvalidChallengeId("ch_7Q2M4K9W"),
    InvalidAnswer("many"),
    InvalidCode(),
    SameOperator(),
    SelfRecipient(),
    InvalidRealName(),
    InvalidIdNumber("check"),
    IdentityMismatch(),
    AlreadyIdentified(profile="小明", real_name="张*"),
    InvalidCardNumber(),
    UnknownBank(prefix="411111", prefixes="999901, 999902, 999903, 999904, 999905"),
    CardInUse("**** 0003"),
    InvalidInstant("2026-02-30"),
    InvalidAccountRoot("微信", length_max=40),
    InvalidDuration("5"),
    InvalidSpan("1m"),
    PeriodNotBegun(since=THEN + timedelta(days=300), now_at=THEN),
    UnknownEnding(ending=".ods", known=".csv, .html, .json, .xlsx"),
    InvalidRange(),
    ClockBackwards(now_at=THEN),
    InvalidPolicy(
        source="mine.toml", line=12, problem="bad_amount", key="share_max", text="200 yuan"
    ),
    InvalidRiskPack(source="mine.toml", line=27, problem="needs", key="window", indicator="claims"),
    PolicyVersionReused("mine@1"),
    RiskPackVersionReused("mine/1"),
    InvalidModel(source="mine.json", problem="tree", number=3),
    TooLittleHistory(found=12, needed=256),
    InvalidRequestId(),
    HomeExists(),
    FileExists(path="november.csv"),
    InvalidPath("~nobody/november.csv", reason="there is no user of that name"),
    NotUtf8("'caf\\udce9.csv'"),
    InsideHome(path="keys/master.json", folder="~/.local/share/hongbao/keys"),
    StatementTooLong("pdf", count=12000, count_max=10000),
    FontUnusable(path="DejaVuSans.ttf", reason="it has no Chinese characters"),
    NotSigned(path="november.pdf"),
    InvalidSignature(path="november.csv.sig"),
    InvalidPublicKey("5d0c"),
    WeakPassphrase(length_min=8),
    CommonPassphrase(length_min=8),
    PassphraseMismatch(),
    InvalidStory(source="lesson.txt", line=7, problem="no_exit_code"),
    NotADemoHome(),
    NoSuchFault(place="icbc", text="sulk", known="timeout, lost, late, slow, decline, …"),
    InvalidBankStatement(line=7, problem="sum", key="TtlDbtNtries", sum_fen=10705, found_fen=10005),
    InvalidBill(line=19, problem="bad_value", key="金额(元)", text="¥1,000.00"),
    NotABill(
        path="bill.zip",
        reason="it is a ZIP archive; unzip it first, with the password that WeChat has sent",
    ),
    InvalidBillId("bl_04HMASWX"),
    DayNotBegun(date="2026-02-17"),
    MissingReason(length_max=100),
    HomeNotFound(),
    ProfileNotFound("小白"),
    BillNotFound("bl_04HMASWS"),
    NoBill(),
    PacketNotFound(PACKET),
    ChallengeNotFound(CHALLENGE),
    RequestNotFound("new-year"),
    NoCard(),
    CardNotFound("cmb-1234"),
    PolicyNotFound("generous"),
    RiskPackNotFound("generous"),
    DecisionNotFound("7K2M9QXA"),
    UnknownPlace("hsbc", places="icbc, cmb, ccb, abc, boc, netsunion, unionpay"),
    OperatorNotFound("小梅"),
    DifferenceNotFound(PAYMENT),
    CaseNotFound("rc_04HMASWS"),
    DeviceNotFound("phone"),
    NoAuthenticator(profile="小明"),
    UnknownCity("atlantis"),
    FileNotReadable(path="mine.toml", reason="No such file or directory"),
    SignatureMissing(path="november.csv", signature_file="november.csv.sig"),
    NoReceipt(PAYMENT),
    OwnPacket(PACKET),
    NotForYou(PACKET),
    NotYourPacket(PACKET),
    AlreadyClaimed(PACKET, amount_fen=2645),
    PacketFinished(PACKET),
    NothingToRefund(PACKET),
    PacketRefunded(PACKET, refunded_at=THEN),
    PacketExpired(PACKET, expires_at=THEN),
    PacketNotExpired(PACKET, expires_at=THEN),
    NotYetRevealed(PACKET),
    CaseClosed("rc_04HMASWS", state="rejected", closed_at=THEN),
    InsufficientBalance(needed_fen=20000, available_fen=1000, has_card=True, topup_max_fen=500000),
    InsufficientCard(card="icbc-0003", needed_fen=20000000),
    NotWithdrawable(needed_fen=20000, withdrawable_fen=1000, from_at=NEXT_DAY),
    LimitExceeded(
        limit="unverified-day",
        period="day",
        tier="unverified",
        amount_fen=20000,
        limit_fen=100000,
        used_fen=90000,
        returns_at=NEXT_DAY,
        identifying_helps=True,
    ),
    ShareAboveCap(total_fen=100000, share_max_fen=20000),
    FixedShareAboveCap(share_fen=30000, share_max_fen=20000),
    PacketAboveCap(total_fen=3000000, packet_max_fen=2000000),
    TooManyProfiles(profiles_max=5),
    InvalidPin(),
    WeakPin(),
    PinMismatch(),
    WrongPin(attempts_left=4),
    WrongPinOrCode(attempts_left=4),
    WrongPinOrIdentity(attempts_left=4),
    PinLocked(locked_until_at=THEN),
    ChallengeRequired(challenge=CHALLENGE, rule="quick-claims", why=QUICK),
    WrongAnswer(challenge=CHALLENGE, tries_left=2),
    ChallengeFailed(challenge=CHALLENGE),
    ChallengeExpired(challenge=CHALLENGE, until_at=THEN),
    ChallengeUsed(challenge=CHALLENGE),
    LoweredLimit(limit_fen=100000, request_id=REQUEST, rule="unknown-person", why=NEW_HERE),
    RefusedByRisk(request_id=REQUEST, rule="too-many-acts", why=TOO_MANY),
    PacketHeld(PACKET, until_at=THEN, why=UNUSUAL),
    WithdrawalHeldBack(
        amount_fen=20000, card="icbc-0003", payment=PAYMENT, case="rc_04HMASWS", why=UNUSUAL
    ),
    SessionEnded(device="alice-1", rule="impossible-travel", why=FAR_AWAY),
    DeviceKeyMissing("alice-1"),
    Busy(),
    DeviceNotEnrolled(device="tablet", profile="小明"),
    DevicePending(device="tablet"),
    BadSignature(device="小明-1"),
    ReplayedNonce(device="小明-1"),
    SessionCut(device="小明-1"),
    PaymentPending(payment=PAYMENT, amount_fen=20000, card="icbc-0003", bank="icbc"),
    RequestConflict("new-year-1"),
    Damaged(path=LEDGER),
    DeviceKeyDamaged(path="…/keys/devices/2cab2f34db2ace66.key"),
    RolledBack(last_entry=6, noted_entry=8),
    HistoryReplaced(noted_entry=8),
    OlderCopy(last_entry=6, noted_entry=8),
    ChecksFailed(failed=1, findings=[]),
    RecordsIncomplete(failed=1, findings=[]),
    Unfair(PACKET, commitment_holds=True, shares=[]),
    FileEdited(file="november.csv", reason="what it says is not what was signed"),
    RowsMissing(file="november.csv", missing_count=2),
    CutShort(file="november.csv"),
    UnknownSigner(file="november.csv", public_key="5d" * 32),
    NewerThanLedger(file="november.csv", entry=33, last_entry=21),
    OtherHistory(file="november.csv", entry=33),
    BankStatementForged("icbc"),
    HomeLocked(),
    WrongPassphrase(),
    StorageRefused(path=LEDGER, reason="No space left on device"),
    StorageUnreadable(path=LEDGER, reason="Permission denied"),
    ForeignFile(path=LEDGER, reason="it is a link"),
    NewerHome(form=9, known=1),
    TrainerMissing(),
    PdfMissing(),
    FontMissing(),
    KeyringUnavailable(reason="its Python package is missing"),
    SystemRefused(path="/home/ming/.local/share/hongbao/keys", reason="Input/output error"),
    AnswerUnwritable(reason="No space left on device"),
    BankDeclined(bank="icbc", card="icbc-0003", amount_fen=20000, payment=PAYMENT),
    CardAccountClosed(bank="icbc", card="icbc-0003", amount_fen=20000, payment=PAYMENT),
    PaymentReversed(bank="icbc", card="icbc-0003", amount_fen=20000, payment=PAYMENT),
    BankDown(bank="icbc"),
    ChannelDown(bank="icbc"),
    DifferencesFound(date="2026-02-16", banks=[], differences=[DIFFERENCE]),
    BillDiffers(2, {"bill": "bl_04HMASWS", "sums": [], "lines": []}),
    Interrupted(),
    Stopped(),
    StoryFailed(
        source="demo.txt", line=9, problem="exit_code", command="balance", expected="0", got="10"
    ),
    Unexpected(KeyError()),
)

HEADINGS = {
    ExitCode.UNEXPECTED: "a bug of ours",
    ExitCode.USAGE: "what was typed cannot be used as it stands",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.NOT_CLAIMABLE: "the packet's state says no",
    ExitCode.INSUFFICIENT: "not enough money",
    ExitCode.LIMIT: "a rule of the policy",
    ExitCode.PIN: "the payment PIN",
    ExitCode.BUSY: "busy; try again",
    ExitCode.HELD: "stopped by risk control",
    ExitCode.PENDING: "the outcome is not known yet",
    ExitCode.CONFLICT: "a request id reused with other inputs",
    ExitCode.DAMAGED: "damaged or tampered",
    ExitCode.LOCKED: "a locked home",
    ExitCode.UNUSABLE: "the home cannot be used as it is",
    ExitCode.DECLINED: "the bank said no, or cannot be reached",
    ExitCode.DIFFERENCES: "two institutions' books do not agree",
    ExitCode.INTERRUPTED: "interrupted",
}

_TOP = """\
# Refusals

Every refusal is one sentence, most with a next step, an exit code for shells and a code for programs.
What is refused changes nothing.
Only a payment that a bank has declined, or has not answered, is written down, because the bank was asked.
With `--json` the same stands on standard error as one document; see [JSON](json.md).

This page is made from the errors themselves, and a test keeps it so.
"""  # noqa: E501


def kinds(of: type[HongbaoError] = HongbaoError) -> Iterator[type[HongbaoError]]:
    """Yield every kind of refusal that has a code of its own."""
    for kind in of.__subclasses__():
        if "code" in vars(kind):
            yield kind
        yield from kinds(kind)


def page() -> str:
    """Return the whole gallery."""
    parts = [_TOP]
    for code in ExitCode:
        shown = [error for error in SAMPLES if error.exit_code is code]
        if shown:
            parts.append(f"## {code:d} · {HEADINGS[code]}\n")
            parts += [_exhibit(error) for error in shown]
    return "\n".join(parts)


def _exhibit(error: HongbaoError) -> str:
    why = (type(error).__doc__ or "").strip().split("\n\n")[0]
    told = "\n".join(line for language in ("en", "zh_CN") for line in _told(error, language))
    return f"### `{error.code}`\n\n{' '.join(why.split())}\n\n```\n{told}\n```\n"


def _told(error: HongbaoError, language: str) -> list[str]:
    words.use_language(language)
    try:
        is_pending = error.exit_code is ExitCode.PENDING
        start = "hongbao: pending: {message}" if is_pending else "hongbao: error: {message}"
        told = [words.say(start, message=error.message)]
        if error.hint is not None:
            told.append(words.say("hongbao: hint: {hint}", hint=error.hint))
        return told
    finally:
        words.use_language("en")


if __name__ == "__main__":
    GALLERY.write_text(page(), encoding="utf-8")
    sys.exit()
