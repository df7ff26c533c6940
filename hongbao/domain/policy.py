"""A policy: limits, fees and time windows, parsed from TOML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, cast

from hongbao.domain.toml_table import CONFIDENCES, Document, Loads, Table, parsed_toml
from hongbao.errors import (
    FixedShareAboveCap,
    InvalidCount,
    PacketAboveCap,
    ShareAboveCap,
    ShareTooSmall,
    shortened,
)
from hongbao.rows import Row

FLOWS = ("send_balance", "send_card", "topup", "withdraw")
"""What a limit may count: money out, and in from a card. Claims are receipts, never counted."""

Period = Literal["single", "day", "year", "lifetime"]
PERIODS: tuple[Period, ...] = ("single", "day", "year", "lifetime")
"""How long a limit remembers, in the order in which limits are asked."""

Year = Literal["calendar", "rolling", "opening"]
YEARS: tuple[Year, ...] = ("calendar", "rolling", "opening")

CHANNELS = ("netsunion", "unionpay")
"""The clearing channels between the platform and the banks: 网联 and 银联."""


_HOURS_MAX = 8_784
"""A leap year."""

_DOUBLINGS = 4
"""How often a PIN's lock gets twice as long where a policy does not say where it ends."""

_DOUBLINGS_MAX = _HOURS_MAX.bit_length()


class Title(Row):
    """A title in both languages."""

    en: str
    zh: str

    def text(self, language: str) -> str:
        """
        Return the title in *language*, as `hongbao.words.language` names it.

        >>> Title("class I", "Ⅰ类").text("zh_CN")
        'Ⅰ类'
        """
        return self.zh if language.startswith("zh") else self.en


class Limit(Row):
    """
    At most *amount_fen* over *counts* in each *period*.

    Where *below_factors* is a number, the limit holds only for a payment whose authentication
    level (`hongbao.domain.limits.factor_level`) is below it.
    """

    id: str
    period: Period
    amount_fen: int
    counts: frozenset[str]
    below_factors: int | None = None
    confidence: str = ""
    source: str = ""

    @property
    def unconfirmed(self) -> bool:
        """Whether the amount rests on a weak source, which should be shown."""
        return self.confidence == "C"


class Tier(Row):
    """A tier (实名等级): its requirements, and the limits that follow from it."""

    name: str
    title: Title
    requires_identity: bool
    requires_channels: int
    limits: tuple[Limit, ...]

    def holds(self, identified: bool, channels: int) -> bool:
        """Whether a person verified this well meets the tier's requirements."""
        return channels >= self.requires_channels and (identified or not self.requires_identity)


class PacketRules(Row):
    """The rules of packets: caps, expiry, and who may claim."""

    share_max_fen: int
    shares_max: int
    total_max_fen: int
    expires_hours: int
    greeting_length_max: int
    sender_may_claim_group: bool

    @property
    def packet_max_fen(self) -> int:
        """The most that one packet can hold: its cap, or every share at its own cap."""
        return min(self.total_max_fen, self.shares_max * self.share_max_fen)


class PinRules(Row):
    """
    The lock of a PIN: after how many wrong ones, and for how long, doubling to *lock_hours_max*.

    What counts are the wrong ones since the last right one; that a lock has run out clears none.
    """

    attempts_max: int
    lock_hours: int
    lock_hours_max: int

    def attempts_left(self, wrong: int) -> int:
        """Return the attempts left after *wrong* ones until it locks; 0 if it does."""
        return -wrong % self.attempts_max

    def hours_locked(self, wrong: int) -> int:
        """
        Return for how long the last of *wrong* ones locks; 0 if it does not.

        >>> rules = PinRules(attempts_max=5, lock_hours=3, lock_hours_max=48)
        >>> [rules.hours_locked(wrong) for wrong in (4, 5, 6, 10, 15, 20, 25, 30, 5000)]
        [0, 3, 0, 6, 12, 24, 48, 48, 48]
        """
        if self.attempts_left(wrong):
            return 0
        doubled = min(wrong // self.attempts_max - 1, _DOUBLINGS_MAX)
        return int(min(self.lock_hours << doubled, self.lock_hours_max))


class WithdrawRules(Row):
    """The fee of withdrawals: none up to *free_fen* in a lifetime, then a rate, or the least."""

    free_fen: int
    rate_ppm: int
    least_fen: int


class BankRules(Row):
    """The rules of the demo banks."""

    card_opening_fen: int


class ChannelRules(Row):
    """
    Which clearing channel carries a payment: *order* names them as they are tried.

    *routes* maps a bank's code to the channel that its payments try first.
    """

    order: tuple[str, ...]
    routes: Mapping[str, str]
    slow_seconds: int

    def channels_for(self, bank: str) -> tuple[str, ...]:
        """
        Return the channels for a payment to or from *bank*, in the order in which to try them.

        >>> ChannelRules(CHANNELS, {"ccb": "unionpay"}, slow_seconds=30).channels_for("ccb")
        ('unionpay', 'netsunion')
        """
        first = self.routes.get(bank, self.order[0])
        return (first, *(channel for channel in self.order if channel != first))


class SettlementRules(Row):
    """When a day's batch closes, in China, and after how many days a claim can be withdrawn."""

    cut_off: time
    claims_after_days: int


class RefundRules(Row):
    """
    The time of a refund: *card_days* are working days until it reaches a card.

    After *give_up_days* of a bank that cannot be reached it goes to the balance instead.
    """

    card_days: int
    give_up_days: int


class Policy(Row):
    """
    One rule pack. *tiers* run from the least known person to the best known.

    *confidence* holds A, B or C for the numbers outside the limits, by dotted name
    (``packet.share_max``); *text* is what was read, to the character.
    """

    name: str
    version: int
    title: Title
    year: Year
    packet: PacketRules
    pin: PinRules
    withdraw: WithdrawRules
    bank: BankRules
    channel: ChannelRules
    settlement: SettlementRules
    refund: RefundRules
    profiles_per_person: int
    tiers: tuple[Tier, ...]
    text: str
    confidence: Mapping[str, str]

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def ref(self) -> str:
        """Name and version, as each entry records them: ``standard@2``."""
        return f"{self.name}@{self.version}"

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """The numbers from a weak source: dotted names, then the ids of limits."""
        limits = (limit for tier in self.tiers for limit in tier.limits)
        return (
            *(name for name, letter in self.confidence.items() if letter == "C"),
            *(limit.id for limit in limits if limit.unconfirmed),
        )

    def tier_for(self, identified: bool, channels: int) -> Tier:
        """
        Return the best tier whose requirements hold: the last such one in the file.

        *channels* is what `channels_of` counts.
        """
        return next(tier for tier in reversed(self.tiers) if tier.holds(identified, channels))


def channels_of(identified: bool, banks: Iterable[str]) -> int:
    """
    Count the external channels that have confirmed who a person is.

    The regulation counts independent databases. Here the check of the ID number is one, and each
    *distinct* bank whose card is bound is one more, because a bank has identified its customer;
    a second card of the same bank confirms nothing new.

    >>> channels_of(True, ["icbc", "icbc", "ccb"])
    3
    """
    return int(identified) + len(set(banks))


def check_packet(rules: PacketRules, total_fen: int, count: int, *, is_drawn: bool = True) -> None:
    """
    Refuse a packet that *rules* do not allow, the first that applies of:

    1. `InvalidCount`: no shares, or more than the policy allows;
    2. `ShareTooSmall`: less than one fen for each share;
    3. `FixedShareAboveCap`: shares whose amount is not drawn are each above their cap;
    4. `PacketAboveCap`: more than a packet may hold, however it is shared;
    5. `ShareAboveCap`: more than that many shares at their cap. WeChat, too, looks at the average
       here; that each share drawn stays below the cap is the dealing's own promise.

    What can never be sent is said before what another count would fix, so that the advice to use
    more shares is only given where it helps.
    """
    if not 1 <= count <= rules.shares_max:
        raise InvalidCount(count=count, shares_max=rules.shares_max)
    if total_fen < count:
        raise ShareTooSmall(total_fen=total_fen, count=count)
    if not is_drawn and total_fen > count * rules.share_max_fen:
        raise FixedShareAboveCap(share_fen=total_fen // count, share_max_fen=rules.share_max_fen)
    if total_fen > rules.packet_max_fen:
        raise PacketAboveCap(total_fen=total_fen, packet_max_fen=rules.packet_max_fen)
    if total_fen > count * rules.share_max_fen:
        raise ShareAboveCap(total_fen=total_fen, share_max_fen=rules.share_max_fen)


@lru_cache(maxsize=8)
def parse_policy(text: str, source: str, loads: Loads = parsed_toml) -> Policy:
    """
    Read a policy's TOML *text*, which came from *source* (a file's name, or a pack's).

    *loads* parses it, as ``tomllib.loads`` does (see `hongbao.parsed`).

    A process asks for the same rules with each home that it opens, and twice more in a `check`;
    nothing can change a `Policy`, so the latest few are remembered.

    Every key is required unless `docs/reference/policies.md` calls it optional, and no other is
    allowed: a mistyped limit must never become a missing one. The first thing wrong raises
    `InvalidPolicy` with its line.
    """
    reader = Document(text, source, loads=loads)
    top = Table(
        reader,
        (),
        reader.content(),
        needed=(
            *("name", "version", "title", "year", "profiles_per_person"),
            *("packet", "pin", "withdraw", "bank", "tier"),
        ),
        optional=("channel", "settlement", "refund", "confidence"),
    )
    top.note_confidence()
    return Policy(
        name=top.name("name"),
        version=top.whole("version", 1, 1_000_000),
        title=_title(top),
        year=cast(Year, top.one_of("year", YEARS)),
        profiles_per_person=top.whole("profiles_per_person", 1, 1_000),
        packet=_packet(top),
        pin=_pin(top),
        withdraw=_withdraw(top),
        bank=_bank(top),
        channel=_channel(top),
        settlement=_settlement(top),
        refund=_refund(top),
        tiers=_tiers(top),
        text=text,
        confidence=MappingProxyType(reader.confidence),
    )


def _title(table: Table) -> Title:
    title = table.table("title", needed=("en", "zh"))
    return Title(en=title.text("en", 60), zh=title.text("zh", 60))


def _packet(top: Table) -> PacketRules:
    table = top.table(
        "packet",
        needed=(
            *("share_max", "shares_max", "total_max", "expires_hours"),
            *("greeting_length_max", "sender_may_claim_group"),
        ),
        optional=("confidence",),
    )
    table.note_confidence()
    return PacketRules(
        share_max_fen=table.amount("share_max"),
        shares_max=table.whole("shares_max", 1, 1_000_000),
        total_max_fen=table.amount("total_max"),
        expires_hours=table.whole("expires_hours", 1, _HOURS_MAX),
        greeting_length_max=table.whole("greeting_length_max", 1, 1_000),
        sender_may_claim_group=table.flag("sender_may_claim_group"),
    )


def _pin(top: Table) -> PinRules:
    table = top.table(
        "pin",
        needed=("attempts_max", "lock_hours"),
        optional=("lock_hours_max", "confidence"),
    )
    table.note_confidence()
    hours = table.whole("lock_hours", 1, _HOURS_MAX)
    hours_max = min(hours << _DOUBLINGS, _HOURS_MAX)
    if "lock_hours_max" in table.content:
        hours_max = table.whole("lock_hours_max", hours, _HOURS_MAX)
    return PinRules(
        attempts_max=table.whole("attempts_max", 1, 100),
        lock_hours=hours,
        lock_hours_max=hours_max,
    )


def _withdraw(top: Table) -> WithdrawRules:
    table = top.table("withdraw", needed=("free", "rate", "least"), optional=("confidence",))
    table.note_confidence()
    return WithdrawRules(
        free_fen=table.amount("free", zero=True),
        rate_ppm=table.percentage_ppm("rate"),
        least_fen=table.amount("least", zero=True),
    )


def _bank(top: Table) -> BankRules:
    table = top.table("bank", needed=("card_opening",), optional=("confidence",))
    table.note_confidence()
    return BankRules(card_opening_fen=table.amount("card_opening", zero=True))


def _channel(top: Table) -> ChannelRules:
    table = top.table_or("channel", {"order": [*CHANNELS], "slow_seconds": 30, "routes": {}})
    return ChannelRules(
        order=table.some_of("order", CHANNELS),
        routes=_routes(table),
        slow_seconds=table.whole("slow_seconds", 1, 86_400),
    )


def _routes(channel: Table) -> Mapping[str, str]:
    if channel.content["routes"] == {}:
        return MappingProxyType({})
    from hongbao.domain.identity import BANKS  # few policies have routes, and few acts need banks

    table = channel.table("routes", needed=(), optional=tuple(bank.code for bank in BANKS))
    return MappingProxyType({bank: table.one_of(bank, CHANNELS) for bank in table.content})


def _settlement(top: Table) -> SettlementRules:
    table = top.table_or("settlement", {"cut_off": "23:00", "claims_after_days": 0})
    return SettlementRules(
        cut_off=table.time_of_day("cut_off"),
        claims_after_days=table.whole("claims_after_days", 0, 30),
    )


def _refund(top: Table) -> RefundRules:
    table = top.table_or("refund", {"card_days": 1, "give_up_days": 3})
    return RefundRules(
        card_days=table.whole("card_days", 0, 30),
        give_up_days=table.whole("give_up_days", 0, 365),
    )


def _tiers(top: Table) -> tuple[Tier, ...]:
    tables = top.tables(
        "tier",
        needed=("name", "title", "requires_identity", "requires_channels"),
        optional=("limit",),
    )
    names: set[str] = set()
    ids: set[str] = set()
    tiers = []
    for table in tables:
        name = table.name("name")
        if name in names:
            raise table.refuse("name", "used_twice", text=shortened(name))
        names.add(name)
        tiers.append(
            Tier(
                name=name,
                title=_title(table),
                requires_identity=table.flag("requires_identity"),
                requires_channels=table.whole("requires_channels", 0, 100),
                limits=_limits(table, ids),
            )
        )
    if not any(tier.holds(False, 0) for tier in tiers):
        raise tables[0].reader.refuse(tables[0].path, "no_first_tier")
    for table, tier, later in zip(tables, tiers, range(1, len(tiers) + 1), strict=True):
        for other in tiers[later:]:
            if other.holds(tier.requires_identity, tier.requires_channels):
                raise table.reader.refuse(
                    table.path, "tier_unreachable", tier=tier.name, other=other.name
                )
    return tuple(tiers)


def _limits(tier: Table, ids: set[str]) -> tuple[Limit, ...]:
    """Read a tier's limits; *ids* holds those of the tiers before, because an id is the file's."""
    if "limit" not in tier.content:
        return ()
    limits = []
    for table in tier.tables(
        "limit",
        needed=("id", "period", "amount", "counts"),
        optional=("below_factors", "confidence", "source"),
    ):
        id_ = table.name("id")
        if id_ in ids:
            raise table.refuse("id", "used_twice", text=shortened(id_))
        ids.add(id_)
        given = table.content
        limits.append(
            Limit(
                id=id_,
                period=cast(Period, table.one_of("period", PERIODS)),
                amount_fen=table.amount("amount", zero=True),
                counts=frozenset(table.some_of("counts", FLOWS, "unknown_flow")),
                below_factors=table.whole("below_factors", 1, 3)
                if "below_factors" in given
                else None,
                confidence=table.one_of("confidence", CONFIDENCES) if "confidence" in given else "",
                source=table.text("source", 200) if "source" in given else "",
            )
        )
    return tuple(limits)
