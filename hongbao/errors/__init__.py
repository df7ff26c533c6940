"""
The errors: every refusal with its code, sentence, hint and exit code.

`TOPICS` is all of it at a glance. Every error is imported from here, and its topic is loaded only
when one of its errors is asked for: most commands can go wrong in a few ways only.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

from hongbao.errors.base import *

TOPICS = {
    "usage": (
        "Unanswered NotAnswered Declined BadCommandLine NothingFits NoSuchTopic "
        "NoSuchCode ConflictingOptions TerminalNeeded UnknownColumn FileExists InvalidPath NotUtf8 "
        "InsideHome FileNotReadable SystemRefused AnswerUnwritable Unexpected Interrupted Stopped "
        "SandboxExists"
    ),
    "values": (
        "InvalidAmount InvalidNumber NumberTooLarge InvalidName InvalidDeviceName InvalidGreeting "
        "TextTooLong UnprintableText InvalidPacketId InvalidCaseId InvalidChallengeId "
        "InvalidAnswer InvalidInstant InvalidAccountRoot InvalidDuration InvalidSpan "
        "PeriodNotBegun InvalidRange InvalidBillId InvalidRequestId UnknownCity"
    ),
    "packets": (
        "InvalidCount ShareTooSmall SelfRecipient PacketNotFound PacketFinished "
        "NothingToRefund PacketExpired PacketRefunded PacketNotExpired AlreadyClaimed "
        "NotForYou NotYourPacket OwnPacket NotYetRevealed ShareAboveCap FixedShareAboveCap "
        "PacketAboveCap Unfair"
    ),
    "payments": (
        "NoSuchFault InvalidCardNumber UnknownBank CardInUse RequestNotFound CardNotFound "
        "NoCard NoReceipt UnknownPlace InsufficientBalance NotWithdrawable InsufficientCard "
        "PaymentPending NotAllDone Unpaid BankDeclined CardAccountClosed PaymentReversed BankDown "
        "ChannelDown LimitExceeded RequestConflict"
    ),
    "people": (
        "NameTaken LookAlike OperatorExists OperatorNeeded NotIdentified AuthenticatorExists "
        "CodeNotRepeated SecretFileExists InvalidSecret RulesNeedOperator InvalidCode "
        "SameOperator InvalidIdNumber InvalidRealName IdentityMismatch AlreadyIdentified "
        "ProfileNotFound DefaultProfileNotFound OperatorNotFound NoAuthenticator "
        "TooManyProfiles InvalidPin "
        "PinMismatch WeakPin WrongPin WrongPinOrCode WrongPinOrIdentity PinLocked"
    ),
    "devices": (
        "DeviceExists AlreadyApproved DeviceInUse DeviceNotFound SessionEnded BadSignature "
        "ReplayedNonce SessionCut SessionNotOpen NotOfSession DeviceNotEnrolled DevicePending "
        "DeviceKeyMissing DeviceKeyDamaged"
    ),
    "risk": (
        "ChallengeNotFound CaseNotFound DecisionNotFound CaseClosed ChallengeRequired "
        "WrongAnswer ChallengeFailed ChallengeExpired ChallengeUsed LoweredLimit "
        "RefusedByRisk PacketHeld WithdrawalHeldBack"
    ),
    "rules": (
        "InvalidPolicy InvalidRiskPack InvalidSettings InvalidSetting SettingNotFound "
        "AliasNotFound NoPlaceForSettings EditorFailed InvalidVariable InvalidModel "
        "TooLittleHistory PolicyVersionReused "
        "RiskPackVersionReused PolicyNotFound RiskPackNotFound TrainerMissing"
    ),
    "homes": (
        "NotADemoHome EventNotFound ClockBackwards HomeExists HomeNotFound Busy Damaged "
        "NothingToRepair KeysLost Unrepairable LabLedger NotLabLedger ChecksFailed "
        "RecordsIncomplete RolledBack OlderCopy HistoryReplaced StateAltered HomeLocked "
        "WrongPassphrase WeakPassphrase CommonPassphrase PassphraseMismatch KeyringUnavailable "
        "NewerHome OlderHome StorageRefused StorageUnreadable ForeignFile SandboxNotFound "
        "NewHomeTaken"
    ),
    "clusters": (
        "InvalidLedgerAddress DriverMissing LedgerUnreachable LedgerDenied ClusterRefused "
        "NodeNotTrusted OutcomeUnknown NotOnCluster LedgerTaken DatabaseNotEmpty LedgerGone "
        "OtherLedger NotAnInvitation InvitationUsed AlreadyJoined NotShared InvalidDatabaseUser "
        "LogRolledBack LogForked LogUnaccounted LogAltered WitnessLost ActsLost ActsRefused "
        "NotRepeatable "
        "NothingLost"
    ),
    "books": (
        "DayNotBegun MissingReason InvalidBankStatement DifferenceNotFound DifferencesFound "
        "BankStatementForged"
    ),
    "statements": (
        "UnknownEnding StatementTooLong FontUnusable NotSigned InvalidSignature "
        "InvalidPublicKey SignatureMissing NotGenuine FileEdited RowsMissing CutShort "
        "UnknownSigner OtherSigner NewerThanLedger OtherHistory PdfMissing FontMissing"
    ),
    "bills": "InvalidBill NotABill BillNotFound NoBill BillDiffers",
    "delivery": (
        "InvalidCursor CursorInUse NoSuchEvent EventNotSeen InvalidProgram InvalidUrl NotLoopback "
        "WebhookExists WebhookNotFound InvalidWebhookSecret WebhookNotGenuine UndeliveredEvents "
        "DeliveriesPending"
    ),
    "publishing": (
        "InvalidTarget KafkaMissing InvalidBrokerSettings BrokerSettingsRefused TopicNotFound "
        "TopicForgets BrokerRefused BrokerAway PublishingInterrupted AlreadyPublishing "
        "RelayReplaced PublicationDiverged"
    ),
    "serving": "Overloaded NotAClaim CannotListen",
    "stories": (
        "InvalidStory StoryFailed StoryStopped InvalidFact InvalidGiven InvalidTable HomeTaken "
        "PlayFailed PlayStuck"
    ),
    "recordings": (
        "NotARecording NothingRecorded RecordingDiffers NoStoryInIt "
        "NoPseudoTerminals PictureDiffers BadSize"
    ),
    "drills": "InvalidSites DrillInterrupted DrillCommandFailed DrillStuck DrillFoundFaults",
    "parallel": "GateGone NoGates MoneyLost RaceStuck NoBlock TooManyOrders LabLoss",
    "simulation": "StormInterrupted SimulatorMissing InvalidCosts",
    "lab": "ExperimentNotFound BadLabCommand UnequalShares",
    "lessons": (
        "InvalidLesson LessonNotFound StepNotFound NothingToUndo NotALessonsFolder "
        "ProgressUnreadable LessonFails"
    ),
    "classroom": (
        "InvalidRoster InvalidTask TaskNotFound ClassNotFound ClassUnreadable WorkNotFound "
        "FolderTaken NothingDone CannotHandIn NoMarksFile TaskFails ClassDiffers"
    ),
}
"""The errors of each topic, a module of this package, in the order of the gallery."""

if TYPE_CHECKING:
    from hongbao.errors.bills import *
    from hongbao.errors.books import *
    from hongbao.errors.classroom import *
    from hongbao.errors.clusters import *
    from hongbao.errors.delivery import *
    from hongbao.errors.devices import *
    from hongbao.errors.drills import *
    from hongbao.errors.homes import *
    from hongbao.errors.lab import *
    from hongbao.errors.lessons import *
    from hongbao.errors.packets import *
    from hongbao.errors.parallel import *
    from hongbao.errors.payments import *
    from hongbao.errors.people import *
    from hongbao.errors.publishing import *
    from hongbao.errors.recordings import *
    from hongbao.errors.risk import *
    from hongbao.errors.rules import *
    from hongbao.errors.serving import *
    from hongbao.errors.simulation import *
    from hongbao.errors.statements import *
    from hongbao.errors.stories import *
    from hongbao.errors.usage import *
    from hongbao.errors.values import *
else:
    _TOPIC_OF = {name: topic for topic, names in TOPICS.items() for name in names.split()}

    def __getattr__(name):
        if name not in _TOPIC_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return _load(_TOPIC_OF[name])[name]


def _load(topic: str) -> dict[str, type[HongbaoError]]:
    module = import_module(f"{__name__}.{topic}")
    loaded = {name: getattr(module, name) for name in TOPICS[topic].split()}
    globals().update(loaded)  # from now on they are found without `__getattr__`
    return loaded


def kinds() -> Iterator[type[HongbaoError]]:
    """Yield every kind of error, topic by topic; a family without a sentence is not one."""
    for topic in TOPICS:
        yield from (kind for kind in _load(topic).values() if "sentence" in vars(kind))


def recall(document: Mapping[str, object]) -> HongbaoError:
    """
    Return the error that *document*, an error's `HongbaoError.as_dict`, was made from.

    >>> from datetime import UTC
    >>> from hongbao.errors import PacketExpired
    >>> error = PacketExpired("hb_7Q2M4K9X", expires_at=datetime(2026, 2, 17, tzinfo=UTC))
    >>> str(recall(error.as_dict())) == str(error)
    True
    """
    kind = next(kind for kind in kinds() if kind.code == document["code"])
    moments = {
        name
        for name, fact in declarations(kind).items()
        if isinstance(fact, Fact) and isinstance(fact.example, datetime)
    }
    return kind.with_facts(
        {
            name: datetime.fromisoformat(value)
            if name in moments and isinstance(value, str)
            else value
            for name, value in document.items()
            if name not in ("code", "message", "hint")
        }
    )
