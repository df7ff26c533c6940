"""The shapes of answers: `--json` prints them as they are, and `hongbao.ui` shows them."""

from typing import NotRequired, TypedDict


class Answer(TypedDict):
    """The keys common to every act's answer; the rest depends on the act."""

    request_id: str
    at: str
    replayed: NotRequired[bool]  # the first answer to this request, given again
    dry_run: NotRequired[bool]  # the whole work was done, then undone


class Founded(Answer):
    """`init`: a profile is there."""

    profile: str
    tier: str
    policy: str
    clock: str


class PinChanged(Answer):
    """`pin change`."""

    profile: str


class Identified(Answer):
    """`identify`: who the profile is, masked, and what that allows."""

    profile: str
    real_name: str
    id_number: str
    tier: str
    profiles_of_person: int


class CardBound(Answer):
    """`card add` and `card remove`."""

    card: str
    bank: str
    number: str  # masked
    tier: str


class RefundsTo(TypedDict):
    """`card refunds`: where the rest of packets that a card paid for goes."""

    profile: str
    refund_to: str  # ``card``, the one that paid, or ``balance``


class RefundsChosen(Answer):
    """`card refunds card` and `card refunds balance`."""

    profile: str
    refund_to: str
    before: str


class ToppedUp(Answer):
    """`topup`: money came from a card."""

    amount_fen: int
    card: str
    balance_fen: int
    payment: str  # the message's id


class Held(TypedDict):
    """That risk control holds what was done, and why."""

    case: str
    until: str  # when it ends automatically, if no reviewer decides before
    ends: str  # and how: ``release`` or ``return``
    rule: str
    why: dict[str, str]  # the rule's sentence, ``en`` and ``zh``


class HoldEnded(Answer):
    """
    A hold ended: the money was released, or returned the way it was paid.

    Of a withdrawal, it says what `Carried` does as well.
    """

    case: str
    held: str  # what was: ``send``, ``claim`` or ``withdraw``
    ended: str  # ``released`` or ``returned`` on time, ``approved`` or ``rejected`` by a reviewer
    amount_fen: int
    profile: str  # whose packet, share or withdrawal it was
    balance_fen: int
    packet: str | None
    payment: str | None  # a withdrawal's, or the one that brings a packet's money back
    refunded_to: str | None  # ``balance`` or a card, where it went back
    card_gone: bool
    arrives_at: str | None


class Withdrawn(Answer):
    """`withdraw`: money went to a card, and a fee to the platform."""

    amount_fen: int
    fee_fen: int
    free_left_fen: int
    card: str
    balance_fen: int
    payment: str
    held: Held | None


class Instructed(Answer):
    """A payment is on its way through the channel; what comes of it is another answer."""

    payment: str
    channel: str
    bank: str
    amount_fen: int
    card: str
    terms: dict[str, object]  # of the packet that it pays for


class Carried(Answer):
    """One step of a payment: what an institution did with its message."""

    payment: str
    channel: str
    bank: str
    amount_fen: int
    card: str
    state: str  # the message's, as the one who acts has it now
    fault: str | None  # the fault simulated at a demo bank
    error: dict[str, object] | None  # what the requester gets


class NotDone(Answer):
    """An act that risk control stopped: *request_id* is the one that asked for it."""

    profile: str
    asked: str  # the act, as its device has signed it
    error: dict[str, object]


class Sent(Answer):
    """`send`: a packet waits to be claimed."""

    packet: str
    kind: str
    deal: str
    total_fen: int
    count: int
    share_max_fen: int
    recipient: str | None
    greeting: str
    cover: str | None
    paid_from: str  # ``balance``, or a card
    payment: str | None  # the message's id, where a card paid
    commitment: str
    expires_at: str
    balance_fen: int
    held: Held | None
    scripted: bool  # a seed decides the luck, though the clock is real


class Delayed(TypedDict):
    """That a share, by a rule, can be withdrawn only later."""

    until: str
    rule: str
    why: dict[str, str]


class Claimed(Answer):
    """`claim`: a share was taken."""

    packet: str
    kind: str
    sender: str
    greeting: str
    seat: int
    amount_fen: int
    nonce: str  # drawn for this share; with the packet's seed it decides the amount
    luck: str | None  # the claimer's own part in the draw
    count: int
    finished: bool
    balance_fen: int
    held: Held | None  # then the amount is not in the balance yet
    delayed: Delayed | None


class SentBack(TypedDict):
    """Which way a packet's money went back."""

    refunded_to: str  # ``balance``, or a card
    card_gone: bool  # the card that paid was removed, so the balance got it
    payment: str | None  # the message's id, where it goes back to a card
    arrives_at: str  # on a card; a balance has it at once


class Refunded(Answer):
    """One packet's rest went back the way it came."""

    packet: str
    amount_fen: int
    refunded_to: str  # ``balance``, or a card
    card_gone: bool  # the card that paid was removed, so the balance got it
    payment: str | None  # the message's id, where it goes back to a card
    arrives_at: str  # on a card; a balance has it at once
    balance_fen: int


class Refunds(TypedDict):
    """`refund`: everything that was due, or the one packet named."""

    refunded_fen: int
    refunds: list[Refunded]
    replayed: NotRequired[bool]
    dry_run: NotRequired[bool]


class PolicyUsed(Answer):
    """`policy use`."""

    policy: str
    before: str
    operator: str | None  # who answered for it, where the home has operators


class PolicyLine(TypedDict):
    """One of `policy list`."""

    policy: str
    title: str
    title_zh: str
    shipped: bool
    current: bool


class SettingLine(TypedDict):
    """One of `config list`, and what `config get` answers with."""

    key: str
    value: str  # empty where none was chosen
    origin: str  # ``--profile``, a variable, the file and its line, or ``default``


class SettingChanged(TypedDict):
    """`config set` and `config unset`."""

    key: str
    value: str | None  # null where it was removed
    path: str


class SettingsFile(TypedDict):
    """`config path` and `config edit`."""

    path: str
    exists: bool


class CodeLine(TypedDict):
    """One code of `why`, with its texts in ``en`` and ``zh``."""

    code: str
    exit_code: int
    meaning: dict[str, str]
    remedy: dict[str, str]


class ErrorExplained(CodeLine):
    """`why CODE`, and `why` after a refusal."""

    example: list[str]  # its lines as typed; none if it cannot be played
    refusal: dict[str, object]  # how the example ends, as --json has a refusal
    unplayed: str | None  # why the example cannot be played, as a code
    seen: str | None  # where something like it happens, if it cannot be played


class ExitExplained(TypedDict):
    """`why NUMBER`."""

    exit_code: int
    meaning: str
    script: str  # what a script does about it
    codes: list[CodeLine]


class CodesListed(TypedDict):
    """`why --all`."""

    codes: list[CodeLine]


class AliasLine(TypedDict):
    """One of `alias`."""

    alias: str
    command: str


class AliasChanged(TypedDict):
    """`alias NAME TEXT` and `alias --remove NAME`."""

    alias: str
    command: str | None  # null where it was removed


class ProfileLine(TypedDict):
    """One of `profiles`."""

    profile: str
    current: bool
    tier: str
    real_name: str | None
    id_number: str | None
    cards: int
    opened_at: str


class CardLine(TypedDict):
    """One of `card list`."""

    card: str
    bank: str
    bank_name: str
    number: str
    bound_at: str


class Balance(TypedDict):
    """`balance`: what is spendable, what waits, and both."""

    profile: str
    available_fen: int
    withdrawable_fen: int  # of what is available
    withdrawable_later_fen: int  # the rest of it, claimed too recently
    withdrawable_from: str | None  # when the first of that can be withdrawn
    frozen_fen: int  # in packets that can still be claimed
    due_back_fen: int  # in packets that have expired; `refund` brings it back
    held_fen: int  # kept back by risk control: packets, shares and withdrawals
    on_its_way_fen: int  # to a card, until the bank has it
    unanswered: int  # payments that a bank has not answered; `settle` asks
    total_fen: int
    at: str


class TodayPacket(TypedDict):
    """A packet in `Today`."""

    packet: str
    sender: str
    recipient: str | None  # of an exclusive packet
    greeting: str
    total_fen: int
    count: int
    claimed_count: int
    remaining_fen: int
    expires_at: str


class TodayPayment(TypedDict):
    """A payment in `Today` whose outcome is not known yet."""

    payment: str
    reason: str  # `topup`, `send`, `withdraw`, `refund`
    state: str
    amount_fen: int


class TodayCase(TypedDict):
    """A case in `Today` that is not decided yet."""

    case: str
    amount_fen: int


class Today(TypedDict):
    """The wallet in `status`: the balance, and what waits: lists have three, counts end at 100."""

    profile: str
    sandbox: bool  # made by `hongbao sandbox`: no one's money
    clock: str  # `real` or `virtual`
    at: str
    available_fen: int
    frozen_fen: int  # in packets that can still be claimed
    due_back_fen: int
    held_fen: int
    on_its_way_fen: int
    total_fen: int
    cards: int
    claimable: list[TodayPacket]  # packets of others that you can claim, the first to expire first
    claimable_count: int
    open: list[TodayPacket]  # packets of yours that can be claimed, the first to expire first
    open_count: int
    due: list[TodayPacket]  # packets of yours whose refund is due
    due_count: int
    payments: list[TodayPayment]
    payments_count: int
    unanswered: int  # payments that a bank has not answered
    cases: list[TodayCase]
    cases_count: int


class Status(TypedDict):
    """`status`, and `hongbao` alone."""

    home: str
    locked: bool  # by a passphrase that was not given
    wallet: Today | None  # null where there is none, or it is locked
    next: str  # the next command


class SandboxPerson(TypedDict):
    """A person in `SandboxMade`."""

    profile: str
    available_fen: int


class SandboxMade(TypedDict):
    """`sandbox`: where it is, and what is in it."""

    home: str  # the folder, for `HONGBAO_HOME`
    people: list[SandboxPerson]  # the first is the one who acts
    pin_file: str
    packet: str | None  # the one that waits to be opened
    at: str


class DeviceLine(TypedDict):
    """One of `device list`."""

    device: str
    state: str  # ``pending``, ``approved``, or ``certified``: authorised with the ID number
    current: bool  # it signs what this caller asks for
    here: bool  # its key is on this machine
    city: str  # where it says it is; ``unknown`` where it does not
    session: int
    cut_at: str | None  # when its session was ended; null while it is open
    since: str  # when it was requested or authorised, the later of the two
    shared_with: list[str]  # the other profiles that have authorised it
    fault: str | None  # what a demo's device does wrong with its next request


class DeviceChanged(Answer):
    """`device add` and `device approve`."""

    profile: str
    device: str
    state: str


class DeviceRemoved(DeviceChanged):
    """`device remove`."""

    key_destroyed: bool  # it was on this machine, and no other profile shares the device


class LoggedIn(Answer):
    """`device login`: a new session."""

    profile: str
    device: str
    session: int


class SessionOpened(Answer):
    """A session for claims: until it expires, its device authenticates them with its key."""

    profile: str
    device: str
    device_number: int
    device_session: int
    purpose: str
    minutes: int
    expires_at: str


class DeviceMoved(Answer):
    """`device move`: where the device says it is."""

    profile: str
    device: str
    city: str
    before: str


class DeviceFaultSet(Answer):
    """`device fault`: what a demo's device does wrong with its next request."""

    device: str
    device_fault: str | None


class TotpShown(TypedDict):
    """`totp`: what authenticates a payment."""

    profile: str
    authenticator: bool
    factors: list[str]  # of ``pin``, ``totp`` and ``signature``
    level: int  # by which a policy's limits go: 1 below two factors, 2, or 3 with a signature


class TotpChanged(Answer):
    """`totp add` and `totp remove`."""

    profile: str
    authenticator: bool


class TotpCode(TypedDict):
    """`totp code`: what an authenticator shows now."""

    code: str
    at: str
    next_at: str  # when it shows the next one


class LimitLine(TypedDict):
    """One of `limits`."""

    id: str
    period: str
    counts: list[str]
    limit_fen: int
    used_fen: int
    left_fen: int
    returns_at: str | None
    confidence: str


class Limits(TypedDict):
    """`limits`: every rule that applies to this profile now."""

    profile: str
    tier: str
    policy: str
    channels: int
    factors: list[str]  # what authenticates a payment: of ``pin``, ``totp`` and ``signature``
    limits: list[LimitLine]
    share_max_fen: int
    shares_max: int
    packet_max_fen: int
    expires_hours: int
    withdraw_free_left_fen: int
    profiles_of_person: int
    profiles_max: int
    unconfirmed: list[str]
    at: str


class ShareLine(TypedDict):
    """One claimed share of a packet."""

    seat: int
    profile: str
    claim: str  # the claim's request id
    nonce: str  # drawn for the share when it was claimed; with the seed it decides the amount
    luck: str | None  # the claimer's own part in the draw
    amount_fen: int
    at: str
    luckiest: bool
    case: str | None  # the state of the case that holds it, or held it


class PacketLine(TypedDict):
    """One of `packets`."""

    packet: str
    kind: str
    state: str
    sender: str
    recipient: str | None
    greeting: str
    total_fen: int
    count: int
    claimed_fen: int
    claimed_count: int
    created_at: str
    expires_at: str
    yours_fen: int | None  # what you took of it
    yours: bool  # you sent it
    held: Held | None  # what keeps it from being claimed


class PacketShown(PacketLine):
    """`show`: a packet, its shares, and once it is closed the seed that proves them."""

    deal: str
    cover: str | None
    share_max_fen: int
    remaining_fen: int
    refunded_fen: int
    closed_at: str | None
    finished_in_seconds: int | None
    at: str  # when this was looked at, by the ledger's clock
    commitment: str
    seed: str | None
    shares: list[ShareLine]
    refunded_to: str | None  # ``balance`` or a card: where the rest of one of yours went
    card_gone: bool  # the card that had paid was removed, so the balance got it


class Verified(TypedDict):
    """`verify`: a packet's shares, recomputed from what is public."""

    packet: str
    fair: bool
    commitment_holds: bool
    shares: list["VerifiedShare"]
    scripted: bool  # a seed decided the luck, though the clock is real


class VerifiedShare(TypedDict):
    """One share: what was paid, what its draw gives, and what that draw was made from."""

    seat: int
    profile: str
    amount_fen: int
    recomputed_fen: int
    nonce: str
    luck: str | None


class MovementLine(TypedDict):
    """One line of `history` and of a statement."""

    id: str  # the same in every format, and never used twice
    entry: int
    act: str
    at: str
    amount_fen: int  # signed: what it did to the balance
    balance_fen: int
    packet: str | None
    packet_kind: str | None
    shares: int | None  # how many the packet was sent in
    greeting: str | None
    refunded_fen: int | None  # of a packet that was sent: what came back of it, by the period's end
    counterparty: str | None
    card: str | None
    bank: str | None  # the card's
    card_tail: str | None  # its last four digits
    card_fen: int | None  # signed: what it did to the card, or does once it is ``done``
    card_gone: bool  # a refund: the card that had paid was removed, so the balance got it
    fee_fen: int | None
    status: str  # by the period's end: ``done``, ``held``, ``on_its_way`` or ``came_back``
    request_id: str


class HolderLine(TypedDict):
    """Whose statement it is: masked, unless it was asked for in full, with the PIN."""

    real_name: str | None
    id_number: str | None
    cards: list["HolderCard"]


class HolderCard(TypedDict):
    """One of the cards that were bound at the end of a statement."""

    card: str
    bank: str
    number: str


class KeyShown(TypedDict):
    """`key`: by what others check what this profile signs."""

    profile: str
    public_key: str  # Ed25519, 64 hexadecimal digits
    earlier: list[str]  # those before a rekey, newest first; what they signed stays signed


class FileVerified(TypedDict):
    """
    `verify-statement`: what a file is worth; one that is not genuine says it in an error.

    What it says of a statement or receipt is what was signed, not what the file may have become.
    """

    file: str
    what: str  # ``statement`` or ``receipt``
    verdict: str  # ``genuine``, ``older``, or the code of the error
    format: str | None
    profile: str | None
    known_by: str | None  # ``home`` or ``key``: who knew the key that signed it
    public_key: str | None
    with_ledger: bool  # it was compared with the ledger of this home
    more: int  # movements in its period, or changes of its payment, since it was signed
    entry: int | None  # the last entry that it covers
    last_entry: int | None  # the ledger's
    signed: dict[str, object] | None  # the facts that were signed
    restored_entry: NotRequired[int]  # by which it came from a backup since, under other seals
    how: NotRequired[str]  # edited: ``content``, ``line_ends``, ``behind``, ``signature``, …
    reason: NotRequired[str]
    line: NotRequired[int]  # the first one that differs
    line_signed: NotRequired[str | None]
    line_found: NotRequired[str | None]
    missing: NotRequired[list[str]]  # the first of them: movements' ids, or what the lines said
    missing_count: NotRequired[int]


class ReceiptShown(TypedDict):
    """`receipt`: one payment, and what proves it."""

    schema: str
    id: str
    act: str
    status: str  # ``done``, ``held``, ``on_its_way`` or ``came_back``
    at: str
    amount_fen: int
    fee_fen: int
    payer: str
    payee: str | None  # null if anyone may claim a share
    shares: int | None
    out_of: str  # ``balance``, ``packet``, or a card
    into: str
    packet: str | None
    payment: str | None
    request_id: str
    masked: bool
    entry: int
    mac: str  # the entry's
    public_key: str
    checkpoint: NotRequired[str]  # the newest of a shared ledger's log
    signature: str
    receipt: str  # all of this on one line, as it is signed


class ReceiptWritten(TypedDict):
    """`receipt` into a file."""

    file: str
    format: str
    id: str
    public_key: str


class PendingLine(TypedDict):
    """One of `history`: a payment that its bank has not answered yet."""

    payment: str
    entry: int  # of the act that asked for it; what it did to the balance is a movement, too
    act: str  # topup, withdraw, send or refund
    at: str
    amount_fen: int
    packet: str | None
    card: str


class History(TypedDict):
    """`history`: the newest movements that fit the question."""

    profile: str
    pending: list[PendingLine]  # newest first, and on the first page only
    movements: list[MovementLine]
    more: bool


class SumLine(TypedDict):
    """What some of the movements add up to."""

    group: str | None  # a day, a month, a person or a kind; null: with no one else
    count: int
    in_fen: int
    out_fen: int
    net_fen: int  # signed


class HistorySums(TypedDict):
    """One of `history` with --by: what the movements add up to."""

    profile: str
    by: str  # ``day``, ``month``, ``person`` or ``kind``
    count: int
    in_fen: int
    out_fen: int
    net_fen: int  # signed
    groups: list[SumLine]


class BalancePoint(TypedDict):
    """The balance after one movement."""

    entry: int
    at: str
    balance_fen: int


class BalanceOverTime(TypedDict):
    """One of `history` with --chart: the balance after each movement, in order of time."""

    profile: str
    begins_at: str
    ends_at: str
    opening_fen: int  # the balance before the first of them
    closing_fen: int
    points: list[BalancePoint]


class YearMonth(TypedDict):
    """A month of a year."""

    month: str  # ``2026-02``
    received_fen: int
    sent_fen: int


class Year(TypedDict):
    """`year`: a year of red packets."""

    profile: str
    year: int
    lunar: bool  # from New Year's Eve to New Year's Eve
    first_day: str
    last_day: str
    at: str  # when this was looked at, by the ledger's clock
    sandbox: bool  # the wallet is a sandbox
    title: str | None  # ``generous``, ``lucky``, ``quick``, ``collector``, ``sociable``; or too few
    received_count: int
    received_fen: int
    sent_count: int
    sent_fen: int
    luckiest_fen: int | None  # the largest share that was received
    luckiest_shares: int | None  # of how many
    luckiest_sender: str | None
    fastest_micros: int | None  # from the sending to the claim, in microseconds
    fastest_sender: str | None
    generous: str | None  # from whom the most was received
    generous_fen: int
    streak: int  # how many finished lucky packets in a row one was the luckiest in
    greeting: str | None  # the one that was sent the most
    greeting_count: int
    months: list[YearMonth]


class Exported(TypedDict):
    """`export` into a file: what is in it."""

    profile: str
    file: str
    format: str
    count: int
    opening_fen: int
    closing_fen: int
    head: "HeadLine"
    signature_file: str | None  # null where the signature has its place in the file itself
    public_key: str  # which checks it


class HeadLine(TypedDict):
    """The last entry of the ledger's chain, and its seal."""

    entry: int
    mac: str


class ClockShown(TypedDict):
    """`clock`, and what turning it let happen."""

    clock: str
    at: str
    holds: list[HoldEnded]
    refunds: list[Refunded]
    resolved: list["ResolvedLine"]  # payments that came to their end
    settled: list["Settled"]  # a batch for each cut-off that there was something to settle at


class Done(TypedDict):
    """What fell due, and was done."""

    holds: list[HoldEnded]  # that were over
    refunds: list[Refunded]
    resolved: list["ResolvedLine"]  # payments that came to their end
    settled: list["Settled"]  # the batch of a cut-off
    sealed: list["Sealed"]  # what was added to the log of a cluster's ledger


class NotDoneYet(TypedDict):
    """What is due, and could not be done yet."""

    kind: str  # ``hold``, ``payment``, ``refund``, ``settlement``, ``sealing``; ``wallet``: all
    subject: str | None  # the ID of the case, the payment or the packet
    error: dict[str, object]  # why not
    next_try_at: str | None  # in real time; null with --once


class Served(Done):
    """`serve --once`: all that was due."""

    at: str
    failed: list[NotDoneYet]


class ServeLine(Served):
    """
    `serve`: one line of the service.

    Each has at most one thing that was done, or could not be; what fails again in the same way has
    no second line.
    """

    event: str  # ``ready``, ``done``, ``failed``, ``open`` after the wallet was not, or ``stopped``
    listen_port: int | None  # of --listen: the port in use, also if 0 was typed
    metrics_port: int | None  # of --metrics


class FindingLine(TypedDict):
    """One of `check`: what was looked at, and what is wrong with it."""

    check: str
    ok: bool
    problem: str | None  # in English, like everything for programs
    count: int  # of rows that fail, which may be more than are named
    rows: list[str]
    next_step: str | None


class Checked(TypedDict):
    """`check`: everything re-added."""

    ok: bool
    entries: int
    transfers: int
    findings: list[FindingLine]
    head: HeadLine
    digest: str | None  # of the books; null if they cannot be read, or were not
    proven: int  # the entries that were proven entirely
    sealed: int  # those compared with what a whole check has proven
    unread: int  # those not read again
    whole_at: str | None  # when everything was last proven, unless it was now
    whole_because: str | None  # why everything was


class RepairPerson(TypedDict):
    """One of `repair`: what someone has in balance, packets, payments and holds together."""

    profile: str | None  # null is money of someone whose row is lost
    before_fen: int | None  # as the damaged ledger says; null if that cannot be read
    kept_fen: int  # in the repaired one
    lost_fen: int | None  # the difference; below zero where lost acts had spent it


class RepairAct(TypedDict):
    """One of `repair`: an act that can be read, and is not kept."""

    entry: int
    at: str
    act: str
    profile: str | None
    amount_fen: int  # what it did to the profile's balance
    sealed: bool  # whole upon the seal of the entry before, which is not proof of its place


class RepairBackup(TypedDict):
    """One of `repair`: a backup of this ledger."""

    file: str
    entry: int  # its last
    is_better: bool  # it is whole, and lacks nothing that repair would keep


class Repair(TypedDict):
    """`repair`: what is kept and lost."""

    home: str
    into: str | None  # the new home; null where nothing was made
    pages: int  # that cannot be read
    kept_entry: int  # the last that is proven
    last_entry: int  # the last that is known
    lost: int  # entries after the last that is proven
    from_backups: int  # entries that a backup gave
    people: list[RepairPerson]
    acts: list[RepairAct]  # lost ones that can still be read
    backups: list[RepairBackup]


class HomeChanged(TypedDict):
    """`lock`, `unlock`, `rekey`, `backup`, `restore`, and the commands of `home`."""

    home: str
    wrapping: str
    generation: int
    file: NotRequired[str]
    entry: NotRequired[int]
    noted_entry: NotRequired[int]


class CheckpointLine(TypedDict):
    """A checkpoint of a shared ledger's log: so many leaves of an epoch, with this root."""

    epoch: int
    size: int
    root: str


class WitnessLine(TypedDict):
    """
    A machine that has seen so much of the log; *here* says that it is this one.

    *at* is when it said so in the ledger; null if the ledger has no word of it.
    """

    witness: str
    here: bool
    epoch: int
    size: int
    at: str | None


class LogShown(CheckpointLine):
    """
    The log of a shared ledger: its newest checkpoint, and who has seen how much.

    *refused* is the error by which this machine refuses it; null if it does not.
    """

    origin: str
    unsealed: int
    witnesses: list[WitnessLine]
    refused: dict[str, object] | None


class HomeShown(HomeChanged):
    """`home`."""

    ledger: str
    shared: bool


class Sealed(CheckpointLine):
    """`home seal`: the newest checkpoint, how many leaves are new, and the lanes that are torn."""

    leaves: int
    torn: list[str]


class LogExported(CheckpointLine):
    """`home log`: where the log was written, and the key that its checkpoint is verified by."""

    folder: str
    epochs: int
    key: str


class Grants(TypedDict):
    """`home grants`: what the owner of the database has to run."""

    database: str
    user: str  # as SQL has it
    statements: list[str]


class LostAct(TypedDict):
    """An act that a device here was answered, and that is gone."""

    act: str
    request_id: str
    profile: str | None  # null if the profile is gone as well
    device: str | None
    device_number: int
    line: str | None  # the command that repeats it; null if there is none
    refused: dict[str, object] | None  # the error when it was repeated; null before that


class RepeatedAct(LostAct):
    """One of `home repeat`: a lost act, and how it ended."""

    done: bool
    answer: dict[str, object] | None  # of the command, if it was done now


class ActsRepeated(TypedDict):
    """`home repeat`."""

    acts: list[RepeatedAct]
    done: int


class LossShown(TypedDict):
    """What is missing from a shared ledger, before an epoch records it."""

    kept: CheckpointLine | None  # nothing of a log that is damaged
    abandoned: list[CheckpointLine]
    torn: list[str]
    acts: list[LostAct]


class EpochOpened(LossShown):
    """`home epoch`."""

    opened: CheckpointLine


class NodeShown(TypedDict):
    """A node of a cluster, and why it cannot be used; `None` where it can."""

    node: str
    error: dict[str, object] | None


class ClusterShown(HomeShown):
    """`home` of a wallet whose ledger is on a cluster."""

    nodes: list[NodeShown]
    log: LogShown
    lost: list[LostAct]  # acts of this machine's devices that the ledger was found to lack


class StoryStep(TypedDict):
    """One step of a story: a paragraph of narration, or a command that ran."""

    line: int
    told: str | None
    command: str | None
    exit_code: int | None
    out: str | None
    err: str | None


class StoryFailure(TypedDict):
    """An expectation that does not hold."""

    source: str
    line: int
    chapter: str | None
    problem: str  # one of `story_failed`: ``exit_code``, ``text``, ``books`` and so on
    command: str
    expected: str
    got: str
    said: str  # all that the command printed
    row: str | None  # of the table, as FILE:LINE
    text: str  # the same in words


class StoryOutcome(TypedDict):
    """What became of one story."""

    story: str  # the file, as it was named
    row: str | None  # of the table, as FILE:LINE; null without one
    ok: bool
    chapters: int  # without a heading there is one
    commands: int  # that ran
    skipped: int  # chapters that one that failed left without a name
    failures: list[StoryFailure]
    digest: str | None  # of the books; null if `check` refuses
    kept: str | None  # the folder, where it is kept
    steps: list[StoryStep]  # none with ``--check``


class StoriesPlayed(TypedDict):
    """`play`: the stories in order."""

    ok: bool
    stories: list[StoryOutcome]


class ShippedStory(TypedDict):
    """A story that comes with hongbao."""

    name: str
    about: str  # in English


class StoriesShipped(TypedDict):
    """`play` without a file: the stories that come with hongbao."""

    stories: list[ShippedStory]


class ChapterFilmed(TypedDict):
    """A chapter of a recording."""

    title: str  # empty before the first heading
    digest: str | None  # of the books at its end; null where there was a race


class FilmMade(TypedDict):
    """`play --cast`, `--svg`, `--html` and `--poster`: what was written."""

    story: str
    files: list[str]
    seconds: int  # how long it plays
    lines: int
    chapters: list[ChapterFilmed]
    digest: str | None


class PictureVerified(TypedDict):
    """A recording that was verified."""

    file: str
    ok: bool
    lines: int
    language: str
    digest: str | None
    problem: str | None  # in English; null if it is true


class PicturesVerified(TypedDict):
    """`play --verify`: whether recordings still show what hongbao does."""

    ok: bool
    pictures: list[PictureVerified]


class LeftOutCommand(TypedDict):
    """A command that a recording left out, since a story cannot play it."""

    command: str
    reason: str  # ``own_wallet``, ``given_up`` and so on


class RecordedDifference(TypedDict):
    """A command that came out otherwise when the recording played itself."""

    command: str
    expected: str
    got: str


class RecordingMade(TypedDict):
    """`record`: the story that was written, and what its two plays said of it."""

    file: str
    commands: int
    left_out: list[LeftOutCommand]
    digest: str | None  # of the books at the end of both plays; null where they differ
    recorded_digest: str | None  # of the wallet that was recorded
    agrees: bool  # both plays did what was recorded, and ended with the same books
    made_up: bool  # private numbers and names were replaced, so the recorded books are others
    differences: list[RecordedDifference]


class StoryPlayed(TypedDict):
    """`demo`: everything that happened, in order."""

    story: str
    steps: list[StoryStep]


class Racer(TypedDict):
    """One process in `Raced`, and the person who it claims for."""

    profile: str
    exit_code: int  # below zero if a signal ended it
    error: str | None  # the code of its refusal
    seat: int | None  # the share that it got
    amount_fen: int | None
    start_micros: int | None  # from its start to the gate; null with ``--turns``
    claim_micros: int | None  # from the opening of the gate to its end; null with ``--turns``


class Refusals(TypedDict):
    """How many of the processes in `Raced` were refused for the same reason."""

    error: str | None  # the code; null if they ended without one
    count: int


class Times(TypedDict):
    """Times of several processes, in millionths of a second."""

    count: int
    median_micros: int
    slowest_micros: int


class Raced(TypedDict):
    """`race`: who got what, and that nothing was lost."""

    ok: bool  # not a fen is lost, and `check` finds nothing
    seed: str  # people and packet follow from it; who wins does not
    people: int  # without the sender
    shares: int
    asked_processes: int
    processes: int  # fewer if the machine is too small
    packet: str
    total_fen: int
    turns: list[int] | None  # with ``--turns``: whose each turn at the ledger was
    racers: list[Racer]  # winners by their seats, then the others as they ended
    winners: int
    refused: list[Refusals]
    claimed_fen: int  # as the processes were told
    left_fen: int  # in the packet
    lost_fen: int  # what is missing; below zero if more was paid than there was
    starts: Times | None
    claims: Times | None
    entries: int
    digest: str | None  # of the books; of those of a race without ``--turns`` it is another one
    kept: str | None  # the wallet's folder, where it is kept


class StormTick(TypedDict):
    """Five minutes of the evening of a `Stormed`."""

    at: str  # by the wallet's virtual clock
    asked: int
    claimed: int
    refused: int
    groups: int  # in which they were done: measured, like the next two
    backlog: int  # the most that waited at once
    slowest_micros: int


class Latency(TypedDict):
    """How late answers were, from the moment when each request should have come."""

    p50_micros: int
    p95_micros: int
    p99_micros: int
    slowest_micros: int


class StormNode(TypedDict):
    """A node of a `Stormed` on a cluster: where claims of some of the packets went."""

    node: str
    up: bool  # whether it was there until the end
    claims: int  # requests that it answered
    groups: int  # in which it did so
    begun_again: int  # transactions that the cluster undid, and that were done again


class Stormed(TypedDict):
    """`storm`: an evening's requests, how they were answered, and that nothing was lost."""

    ok: bool  # not a fen is lost, and `check` finds nothing
    seed: str  # what everyone got follows from it, and the digest
    people: int
    packets: int  # that were sent
    shares: int  # of each
    asked: int
    claimed: int
    again: int  # the same request as before, and the same answer
    refused: list[Refusals]
    sent_fen: int
    claimed_fen: int
    left_fen: int  # in the packets
    lost_fen: int  # what is missing; below zero if more was paid than there was
    micros: int  # measured: how long the evening took
    cpu_micros: int
    peak_rate: int  # answers in the busiest second
    backlog: int  # the most that waited at once
    latency: Latency
    ticks: list[StormTick]
    nodes: list[StormNode]  # of the ledger's cluster; none where it is in a file
    entries: int
    digest: str | None  # of the books
    kept: str | None  # the wallet's folder, where it is kept


class Interval(TypedDict):
    """What runs of a simulation came to: their mean, and the 95% interval for the true one."""

    mean: int
    low: int
    high: int


class SimulatedCost(TypedDict):
    """What a claim costs in a group of that size, on average: measured."""

    group: int
    gateway_ns: int
    worker_ns: int
    database_ns: int


class SimulatedCosts(TypedDict):
    """What was measured of one node of a `Simulated`."""

    engine: str  # where the ledger was: "file" or "cluster"
    claims: int
    groups: int
    sizes: list[SimulatedCost]
    start_micros: int  # until a process that was just started has opened the wallet


class SimulatedLoad(TypedDict):
    """What comes of so many claims a second; shares are in millionths."""

    rate: int
    answered: Interval  # a second
    p50_micros: Interval  # from the moment when it was first asked for until the answer
    p99_micros: Interval
    refused: int
    again: int  # refused, and asked for again
    begun_again: int  # of the groups: undone because of another node's
    group: Interval  # how many claims one has
    is_extrapolated: bool  # whether it is about more than the one node that was measured


class SimulatedKill(TypedDict):
    """What comes of a node that is killed at a moment of a load of 60%."""

    rate: int
    nodes: int
    elsewhere: bool  # whether the others take its claims until it is back
    at_micros: int
    slice_micros: int
    answered: list[int]  # a second, in each slice of time
    refused: int  # in millionths
    usual_micros: Interval  # of those before: 99% were answered within
    slowest_micros: Interval
    over_micros: Interval  # after the kill: when the last claim that it delayed was answered


class SimulatedNeed(TypedDict):
    """How many nodes a load needs."""

    rate: int
    of_one: Interval  # what one node carries without its queue growing
    nodes: int
    nodes_low: int
    nodes_high: int


class Simulated(TypedDict):
    """`storm --simulate`: what was measured of one node, and what follows for many."""

    seed: str
    nodes: int
    runs: int
    costs: SimulatedCosts
    most: Interval  # claims a second that one node does at most
    loads: list[SimulatedLoad]
    kill: SimulatedKill
    need: SimulatedNeed


# --- drills ---------------------------------------------------------------------------------------


class DrillSite(TypedDict):
    """A site of a drill, with its node, and what `check` says by that node in the end."""

    site: str
    node: str
    ok: bool
    entries: int
    digest: str | None  # of the books, the same at every site


class DrillPart(TypedDict):
    """
    A part of a drill: what it began with, and what clients saw until the next.

    `what` is `all`, `site_lost`, `site_back`, `city_lost`, `taken_over` or `city_back`.
    """

    what: str
    sites: list[str]
    from_micros: int  # since the drill began
    to_micros: int
    answered: int
    refused: list[Refusals]  # that were an answer: `packet_finished`, say
    failed: list[Refusals]  # after which the same request was made again
    slowest_micros: int  # from a request to its answer, however often it was made
    silence_micros: int  # the longest time without an answer to anyone


class DrillTask(TypedDict):
    """What had to be done by hand in a drill: `start` sites, or `bootstrap` one to write alone."""

    what: str
    sites: list[str]
    at_micros: int
    micros: int


class Drilled(TypedDict):
    """`drill`: what clients saw as sites were lost, and what is in the ledger after all of it."""

    ok: bool  # all that was confirmed is there once, and nothing else
    seed: str
    clients: int
    sites: list[DrillSite]
    micros: int
    parts: list[DrillPart]
    tasks: list[DrillTask]
    per_second: list[int]  # answers in each second
    confirmed: int
    refused: int
    lost: list[str]  # requests that were confirmed, and are gone
    twice: list[str]
    changed: list[str]  # that are there otherwise than was answered
    unasked: list[str]  # that are there, though no client got that answer
    unresolved: list[str]  # whose outcome is not known
    poorer: list[str]  # profiles whose balance is not what their answers say
    kept: str | None


# --- lessons -------------------------------------------------------------------------------------


class LessonListed(TypedDict):
    """A lesson, with how far the learner is."""

    name: str
    title: str
    about: str
    minutes: int
    steps: int
    passed: int  # how many of them were ever passed
    finished: int  # how often it was finished
    at: str | None  # the step that waits; null if none does


class LessonsListed(TypedDict):
    """`learn`: every lesson."""

    lessons: list[LessonListed]


class LessonPlace(TypedDict):
    """Where a lesson stands."""

    lesson: str
    title: str
    finished: int  # how often
    count: int  # of steps
    passed: dict[str, str]  # ``solved``, ``shown`` or ``skipped``, by the step's name
    number: int | None  # of the present step, from 1; null once it is finished
    step: str | None
    text: str | None  # the task
    question: str | None  # that waits for an answer
    fresh: bool  # it is a variant for one who was shown how the step is done


class LessonEvent(TypedDict):
    """One thing that happened in a lesson; which keys there are depends on the event."""

    event: str
    text: str | None
    step: str | None
    command: str | None
    exit_code: int | None
    out: str | None
    err: str | None


class LessonRun(LessonPlace):
    """`learn run`: what came of the lines that were typed, and where the lesson stands then."""

    events: list[LessonEvent]


class LessonVariables(TypedDict):
    """`learn env`: the variables of a lesson's wallet."""

    lesson: str
    variables: dict[str, str]


class LessonMade(TypedDict):
    """`learn new`: the file to fill in."""

    file: str


class LessonFinding(TypedDict):
    """What is wrong with a lesson."""

    lesson: str
    step: str | None
    problem: str
    text: str


class LessonProved(TypedDict):
    """The proof of one lesson."""

    lesson: str
    steps: int
    ways: int  # that were played
    findings: list[LessonFinding]


class LessonsProved(TypedDict):
    """`learn check`: the proof of each lesson."""

    lessons: list[LessonProved]


class LabTurn(TypedDict):
    """One turn at the ledger in `LabOrders`."""

    number: int  # of the command, as it stands in the block
    said: str  # what it did, or why it was refused
    refused: str | None  # the code of the refusal


class LabOrder(TypedDict):
    """One order of turns in `LabOrders`, and what it loses on either engine."""

    turns: list[int]
    lost_fen: int
    right_turns: list[int]  # those of them that hongbao takes: there, an act is one turn
    right_lost_fen: int


class LabOrders(TypedDict):
    """`lab race`: every order in which a block's commands can have their turns."""

    engine: str
    story: str
    commands: list[str]  # of the block, in its order
    orders: list[LabOrder]
    losing: int  # how many of them lose money on the broken engine
    right_losing: int  # and on hongbao
    order: list[int] | None  # the shortest that loses, as a story's `order:` has it
    lost_fen: int  # in it
    steps: list[LabTurn]  # in it, on the broken engine
    right_steps: list[LabTurn]  # and on hongbao
    text: str | None  # the story with that order


class LabDone(TypedDict):
    """`lab do`: a command on a broken engine; it also has keys of hongbao's own answer."""

    engine: str
    turns: list[str]  # what each turn did


# --- three tiers of money ------------------------------------------------------------------------


class AccountLine(TypedDict):
    """One line of a book: an account, or all of a kind summed up."""

    kind: str  # ``balance``, ``packet``, ``reserve``, ``incoming``, ``deposit`` and so on
    owner: str | None  # a profile, a packet or a bank; null if it has no owner or is summed up
    side: str  # ``debit`` or ``credit``
    before_fen: int  # what it held before the act; without one, the same as ``held_fen``
    held_fen: int  # on its own side
    count: int  # how many accounts this line sums up


class BookShown(TypedDict):
    """One institution's book."""

    book: str  # ``platform``, a bank's code, or ``central``
    accounts: list[AccountLine]
    debits_fen: int  # the sum of what the accounts on that side hold
    credits_fen: int


class BooksShown(TypedDict):
    """`books`: three tiers side by side."""

    at: str
    diff: bool
    entry: int | None  # the last of the act that is looked at before and after
    act: str | None  # ``topup``, ``send``, ``claim``, ``settle`` and so on
    request_id: str | None  # null if no request caused it
    transfers: list["MovedLine"]  # what that act moved
    books: list[BookShown]  # the platform's, those of banks that have accounts, the central bank's


class BookReplayed(BooksShown):
    """`books --replay`: one entry, and the books before and after it; a line for each."""

    place: int  # which of the entries that moved money it is, from 1 on
    count: int  # how many of them there are
    profile: str | None  # who acted, or for whom


class BooksReplayed(TypedDict):
    """All that `books --replay` prints into a pipe."""

    entries: list[BookReplayed]


class MovedLine(TypedDict):
    """One transfer."""

    book: str
    debit: str  # the kind of account
    credit: str
    amount_fen: int
    reason: str


class TraceMessage(TypedDict):
    """One message to a bank, as it stands."""

    message: str
    channel: str
    bank: str
    state: str
    amount_fen: int


class TraceStep(TypedDict):
    """One thing that happened on the way."""

    step: int  # 1 to 8
    name: str  # ``create``, ``authorise``, ``freeze``, ``notify``, ``claim``, ``allocate``, …
    actor: str  # a profile, ``platform``, a bank's code or a channel's
    at: str
    entry: int | None
    took_micros: int | None  # null where it was not measured
    says: str  # what happened, as a code
    facts: dict[str, object]
    movements: list[MovedLine]
    messages: list[TraceMessage]


class ExplainedCheck(TypedDict):
    """A check that an act went through."""

    check: str  # ``signature``, ``pin``, ``limits``, ``risk``, ``balance``, ``terms``, …
    passed: bool
    facts: dict[str, object]  # what it went by


class ExplainedStep(TraceStep):
    """A step as `trace` has it, with the checks before it; durations are for people alone."""

    checks: list[ExplainedCheck]


class RefusalExplained(TypedDict):
    """Where an act was stopped."""

    code: str  # the error's
    check: str | None  # the one that stopped it, if it was one
    checks: list[ExplainedCheck]  # all that it went through until then
    entries: list[int]  # what is written down all the same
    moved: bool  # whether any of that moved money


class ActExplained(TypedDict):
    """What `--explain` adds to an answer, and to a refusal."""

    undone: bool  # a dry run: the steps were done, and undone
    steps: list[ExplainedStep]
    refused: RefusalExplained | None


class Traced(TypedDict):
    """`trace`: the eight steps of one packet or request."""

    subject: str  # a packet's id, or a message's where there is no packet
    kind: str  # ``packet``, ``topup`` or ``withdraw``
    state: str  # the packet's, or the message's
    banks_touched: bool
    took_micros: int | None  # of the payment, or of a packet's sending and its slowest claim
    steps: list[TraceStep]


class SettledLine(TypedDict):
    """One bank in a batch."""

    bank: str
    in_count: int
    in_fen: int
    out_count: int
    out_fen: int
    to_platform_fen: int  # what the bank paid at the central bank
    to_bank_fen: int


class Settled(TypedDict):
    """`settle`: payments whose outcome is known now, refunds that went out, and the batch."""

    batch: str | None  # null where there was nothing to settle
    at: str
    holds: list[HoldEnded]  # that were over
    resolved: list["ResolvedLine"]
    lines: list[SettledLine]
    messages: int
    gross_fen: int
    net_fen: int
    saved_fen: int
    still_pending: int
    dry_run: NotRequired[bool]


class ResolvedLine(TypedDict):
    """One payment that was asked after."""

    message: str
    act: str  # ``topup``, ``withdraw``, ``send`` or ``refund``
    profile: str
    amount_fen: int
    state: str  # ``accepted``, ``rejected``, ``reversed``, ``unknown``; ``late``: reversed again
    card: str
    packet: str | None
    card_gone: bool  # a refund: its card was removed before it set out, so the balance got it


class DifferenceLine(TypedDict):
    """One difference between a bank's statement and the platform's records."""

    bank: str
    date: str
    kind: str  # ``surplus``, ``shortage``, ``amount``, ``state`` or ``duplicate``
    message: str
    act: str
    profile: str
    ours_fen: int
    theirs_fen: int
    amount_fen: int  # what the correction has to move
    corrected: bool


class Reconciled(TypedDict):
    """`reconcile`: each bank's statement against the platform's records."""

    date: str
    ok: bool
    banks: list["ReconciledBank"]
    differences: list[DifferenceLine]


class ReconciledBank(TypedDict):
    """One bank's statement."""

    bank: str
    matched: int
    matched_fen: int
    differences: int
    open: int  # payments whose outcome is still being asked for


class BankLine(TypedDict):
    """One of `bank list`."""

    bank: str
    name: str
    prefix: str
    cards: int  # the accounts it keeps
    deposits_fen: int
    channel: str  # the first that payments take
    faults: list["FaultLine"]


class FaultLine(TypedDict):
    """One fault that is switched on."""

    bank: str  # or a channel's code
    fault: str
    amount_fen: int | None  # only for payments of that amount
    set_at: str


class FaultSet(Answer):
    """`bank fault`: what goes wrong at one bank, or channel, from now on."""

    bank: str
    faults: list[FaultLine]


class OperatorLine(TypedDict):
    """One of `operator list`."""

    operator: str


class OperatorAdded(Answer):
    """`operator add`."""

    operator: str
    by: str | None  # the operator who answers for the new one; null for the first


class OperatorAct(TypedDict):
    """One thing that an operator did."""

    event: int
    at: str
    operator: str
    act: str
    about: str | None  # a case, a payment, or who was made an operator
    decision: str | None  # what was said of a case: ``approve``, ``reject``, ``escalate``
    reason: str | None


class OperatorLog(TypedDict):
    """`operator log`: what operators did, oldest first."""

    acts: list[OperatorAct]
    more: bool  # there is more before it


class Corrected(Answer):
    """`reconcile resolve`: a difference was ended by a transfer on the bank's book."""

    payment: str
    bank: str
    kind: str
    direction: str  # ``debit``: taken from the card's account; ``credit``: given back to it
    amount_fen: int
    card: str
    reason: str
    operator: str


class StatementIssued(TypedDict):
    """`bank statement`: into a file, or as text."""

    bank: str
    date: str
    file: str | None
    text: NotRequired[str]  # the statement itself, which no file has
    count: int
    credit_fen: int
    debit_fen: int
    public_key: str  # what its signature is checked by, as hex


class EventLine(TypedDict):
    """One of `events`: a fact that happened."""

    event: int  # its number, which is its entry's, and is never given twice
    at: str
    act: str
    actor: str  # a profile, an operator, ``platform``, or a bank's code
    profile: str | None  # whose money it is about
    packet: str | None
    payment: str | None
    state: str | None  # of the payment, as the actor has it then
    fault: str | None  # the fault simulated at a demo bank


class Events(TypedDict):
    """`events`: what happened in the home, in order."""

    events: list[EventLine]
    more: bool  # later ones with --after, and earlier ones without it
    last: int  # the newest event: where to continue
    lost: bool  # the event of --after went with a ledger that a copy took the place of


class WatchedEvent(TypedDict):
    """`watch`: an event as programs get it that follow, on a line each, or with each delivery."""

    event: str  # what happened, such as ``claimed``; ``gap`` where events are gone
    number: int  # its number, as `events` has it; of a gap, the last that is gone
    id: str  # the same whenever and wherever it is delivered
    at: str  # when it happened, by the ledger's clock
    act: str  # the act, as `events` has it
    actor: str  # a profile, an operator, ``platform``, or a bank's code
    profile: str | None  # whose money it is about
    packet: str | None
    sender: str | None  # of the packet
    share: int | None  # of a claim, which share of the packet it was
    shares: int | None  # how many the packet has
    finished: bool  # whether it was the packet's last share
    payment: str | None
    state: str | None  # of the payment, as the actor has it then; or ``held``
    fault: str | None  # the fault simulated at a demo bank
    from_event: int | None  # the first event that is gone: of a gap, or of a restore
    to_event: int | None  # the last event that is gone


class WatchReady(TypedDict):
    """`watch`: its first line, from which on nothing is missed."""

    event: str  # always ``ready``
    profile: str | None  # whose events they are; null with --all
    after: int  # the event that it follows from
    cursor: str | None
    targets: list[str]  # the program and the webhooks that events are handed to


class Inbox(TypedDict):
    """`inbox`: what a profile has not seen yet."""

    profile: str
    events: list[WatchedEvent]
    more: bool  # whether there is more than these
    given_up: int  # deliveries that were given up, and not sent again since
    kept: bool  # whether they stay unseen


class Deliveries(TypedDict):
    """`events deliveries`, `events resend`: the tries at handing events over, oldest first."""

    deliveries: "list[DeliveryLine]"


class DeliveryLine(TypedDict):
    """One of `events deliveries`: one try at handing an event to a program or a webhook."""

    event: int  # its number
    id: str  # the event's, the same at every try
    target: str  # the program or the webhook
    cursor: str  # the cursor that it was read with; empty where it was sent again by hand
    tries: int  # which try it was
    at: str  # in real time
    state: str  # ``delivered``, ``failed``, ``given_up`` or ``dismissed``
    status: int | None  # of the answer, or the program's exit code
    why: str | None  # what went wrong, as a code
    took_ms: int
    next_at: str | None  # when the next try is due


class PublishingLine(TypedDict):
    """`events publish`: what has become of it; with --follow a line for each thing that happens."""

    event: str  # ``ready``, ``published``, ``epoch``, ``waiting``, ``again``, ``stopped``, ``done``
    at: str  # in real time
    target: str
    events: int  # how many events were sent: by this line, or by the last by all of it
    published: int  # how many events were ever sent there, and acknowledged
    epoch: int | None  # the epoch that they are sent in; it is another one after a loss
    fence: int  # how often the target was taken; a relay with an older number is out
    error: dict[str, object] | None  # why the wallet is waited for; null if it is the broker
    trouble: str | None  # why no broker answers, in English; null if it is not the broker


class PublicationLine(TypedDict):
    """One of `events status`: how far events were published to a target."""

    target: str
    published: int  # how many events were ever sent there, and acknowledged
    behind: int  # how many could be sent now
    since: str | None  # when the first of them happened, by the ledger's clock
    epoch: int | None
    at: str | None  # when the last was acknowledged, in real time
    holder: str | None  # which hongbao publishes there now
    fence: int  # how often the target was taken


class Publications(TypedDict):
    """`events status`: the targets that events were ever published to."""

    publications: list[PublicationLine]
    unsealed: int  # on a cluster, lanes with acts that the log has not sealed yet


class WebhookLine(TypedDict):
    """One of `webhook`: where events are sent to."""

    webhook: str  # its URL
    secrets: int  # how many secrets sign: two while one takes the place of the other
    any_host: bool  # whether it may be on another machine
    added_at: str


class Webhooks(TypedDict):
    """`webhook list`: every webhook."""

    webhooks: list[WebhookLine]


class WebhookSecret(TypedDict):
    """`webhook add`, `webhook rotate`: a webhook with its new secret, which is shown this once."""

    webhook: str
    secret: str | None  # null if it was read from a file, or the old one was only retired
    secrets: int  # how many secrets sign
    any_host: bool
    added_at: str


class WebhookRemoved(TypedDict):
    """`webhook remove`: a webhook that gets no events any more."""

    webhook: str


class WebhookChecked(TypedDict):
    """`webhook verify`: a request that is genuine."""

    id: str
    sent_at: str  # by its timestamp
    genuine: bool


class ChallengeLine(TypedDict):
    """One of `challenge list`: count *sought* in *line*."""

    challenge: str
    asked: str  # what it stands before: ``send``, ``give``, ``claim``, ``topup`` or ``withdraw``
    amount_fen: int | None  # null where it is a claim
    request_id: str  # of what was asked for
    at: str
    rule: str
    why: dict[str, str]  # the rule's sentence, ``en`` and ``zh``
    sought: str
    line: str
    tries_left: int
    expires_at: str


class ChallengePassed(Answer):
    """`challenge answer`: the same request goes through once, before *valid_until*."""

    profile: str
    challenge: str
    asked: str
    asked_request: str
    valid_until: str


class ChallengeLost(Answer):
    """The record of a challenge that failed."""

    profile: str
    challenge: str


class ConditionLine(TypedDict):
    """One condition of a rule, with what was measured."""

    indicator: str
    unit: str
    value: int
    at_least: int | None
    at_most: int | None
    holds: bool


class RuleLine(TypedDict):
    """One rule that looks at this kind of act."""

    rule: str
    guard: str  # device, behaviour, transaction, account, data; "" of a report
    answer: str  # of a report: large or suspicious
    acts: list[str]  # what it looks at
    hold_hours: int | None  # how long a hold lasts
    then: str | None  # how a hold ends automatically: release or return
    delay_days: int | None  # how many days later what was claimed can be withdrawn
    day_fen: int | None  # how much may go out in a day, under a lowered limit
    fired: bool
    conditions: list[ConditionLine]
    why: dict[str, str]  # the sentence, in both languages


class PartLine(TypedDict):
    """What one indicator adds to the model's score."""

    indicator: str
    unit: str
    value: int
    points: int


class JudgedLine(TypedDict):
    """How one act was judged."""

    entry: int
    at: str
    act: str
    what: str
    amount_fen: int
    pack: str
    model: str | None
    verdict: str
    rule: str | None
    score: int | None
    challenge: str | None  # the one that had been passed before
    cases: list[str]
    rules: list[RuleLine]
    reports: list[RuleLine]
    model_parts: list[PartLine]
    error: dict[str, object] | None  # how it was answered, where it was stopped
    allowed_fen: int | None  # the largest amount that would have been allowed
    allowed_from: str | None  # when it would have been, had nothing been done until then


class Explained(TypedDict):
    """`risk why`: how each attempt at one request was judged."""

    request_id: str
    profile: str
    decisions: list[JudgedLine]


class IndicatorLine(TypedDict):
    """One indicator, as it would be measured now."""

    indicator: str
    unit: str
    guard: str
    value: int


class Pictured(TypedDict):
    """`risk show`: what risk control knows of a profile."""

    profile: str
    pack: str
    model: str | None
    device: str | None
    city: str | None
    acts: int
    usual_fen: int | None  # what this person usually pays out; None before it has a usual
    today_in_fen: int
    today_out_fen: int
    first_at: str | None
    last_at: str | None
    home_city: str | None
    hours: list[int]  # how many acts in each of China's hours
    indicators: list[IndicatorLine]
    stops: int
    open_challenges: int
    open_cases: int
    at: str


class ReplayedLine(TypedDict):
    """One act that another pack would have answered differently."""

    entry: int
    at: str
    profile: str
    act: str
    amount_fen: int
    before: str
    before_rule: str | None
    after: str
    after_rule: str | None


class ReplayedTotal(TypedDict):
    """The counts of acts that were answered so, and would be."""

    before: str
    after: str
    acts: int


class ReplayedRisk(TypedDict):
    """`risk replay`: history, judged by another pack."""

    pack: str
    model: str | None
    since: str | None
    acts: int
    changed: int
    totals: list[ReplayedTotal]
    changes: list[ReplayedLine]  # the latest first, and no more than were asked for


class GuardsUsed(Answer):
    """`risk use` and `risk train`."""

    pack: str
    model: str | None
    before: str
    before_model: str | None
    operator: str | None  # who answered for it, where the home has operators
    acts: NotRequired[int]  # that a model was trained with


class PackRules(TypedDict):
    """`risk rules`."""

    pack: str
    title: str
    title_zh: str
    model: str | None
    rules: list[RuleLine]
    reports: list[RuleLine]
    text: str


# --- review --------------------------------------------------------------------------------------


class OpinionLine(TypedDict):
    """An operator's opinion on a case."""

    verb: str  # ``approve``, ``reject`` or ``escalate``
    operator: str
    reason: str
    at: str


class CaseLine(TypedDict):
    """One of `review list`. Personal data is masked unless an operator asked for it."""

    case: str
    kind: str  # ``hold``, ``large`` or ``suspicious``
    state: str  # ``open``, ``escalated``, ``approved``, ``rejected``, ``released``, ``returned``
    rule: str
    why: dict[str, str]  # what the rule says, ``en`` and ``zh``
    what: str  # ``send``, ``give``, ``claim``, ``topup`` or ``withdraw``
    amount_fen: int
    person: int  # the same number is the same person, without a name
    profile: str
    real_name: str | None
    id_number: str | None
    opened_at: str
    until: str | None  # when a hold ends automatically
    ends: str | None  # and how: ``release`` or ``return``
    second_needed: bool  # one operator has spoken, and another has to


class CaseList(TypedDict):
    """`review list`."""

    cases: list[CaseLine]
    more: bool
    masked: bool
    at: str


class CaseFile(CaseLine):
    """One case of `review report`: with its evidence, and what was said of it."""

    entry: int
    request_id: str
    packet: str | None
    payment: str | None
    counterparty: str | None
    pack: str | None  # by which it was judged
    model: str | None
    score: int | None
    conditions: list[ConditionLine]
    two_needed: bool  # two operators have to agree
    four_eyes_fen: int
    opinions: list[OpinionLine]
    closed_at: str | None


class CaseShown(CaseFile):
    """`review show`."""

    masked: bool
    at: str


class Decided(Answer):
    """`review approve`, `review reject` and `review escalate`: what the case is now."""

    case: str
    kind: str
    verb: str
    operator: str
    reason: str
    state: str
    second_needed: bool
    amount_fen: int
    profile: str  # masked
    held: str | None  # what was, where this ends it: ``send``, ``claim`` or ``withdraw``
    packet: str | None
    payment: str | None
    refunded_to: str | None  # ``balance``, or a card's name
    arrives_at: str | None


class ReportWritten(TypedDict):
    """`review report` into a file."""

    file: str
    format: str
    count: int
    masked: bool
    head: HeadLine


class RecordsKept(TypedDict):
    """`review records`: how far back the records go, and that nothing is missing."""

    complete: bool
    entries: int
    first_at: str | None
    last_at: str | None
    keep_years: int
    keep_until: str | None  # the oldest one, at least
    pack: str  # which says for how long
    judged: int  # acts with what risk control measured
    stopped: int  # acts that it did not let happen
    holds: int
    large: int
    suspicious: int
    waiting: int  # cases
    opinions: int
    by_operators: int
    findings: list[FindingLine]
    head: HeadLine
    at: str


# --- other people's books ------------------------------------------------------------------------


class BillPeriod(TypedDict):
    """The period of a bill: both seconds belong to it."""

    begins_at: str
    ends_at: str


class BillImported(Answer, BillPeriod):
    """`import`: a bill was read into the external book. No money has moved."""

    profile: str
    bill: str
    format: str
    file: str  # its name, without where it lies
    holder: str  # whom the bill names
    count: int
    in_count: int  # 收入
    in_fen: int
    out_count: int  # 支出
    out_fen: int
    neutral_count: int  # 中性交易
    neutral_fen: int
    digest: str  # of the period and the rows, however the file is written
    precision: str  # of its times: ``second``, or ``minute`` where a spreadsheet has saved it
    known: bool  # the same bill was there already, and nothing was done


class BillLine(BillPeriod):
    """One of `import --list`."""

    bill: str
    format: str
    file: str
    holder: str
    count: int
    in_fen: int
    out_fen: int
    neutral_fen: int
    imported_at: str


class BillRemoved(Answer):
    """`import --remove`: a bill's rows are gone."""

    profile: str
    bill: str
    file: str
    count: int
    digest: str


class ComparedRow(TypedDict):
    """A row of either book, in a bill's own words."""

    id: str
    at: str
    kind: str
    counterparty: str
    direction: str  # ``in``, ``out`` or ``neutral``
    amount_fen: int
    state: str


class ComparedLine(TypedDict):
    """The verdict on a row, or on two that belong together."""

    verdict: str  # ``both``, ``differ``, ``bill`` or ``home``: who has it
    by: str | None  # how two were found to belong together: ``id``, or amount and ``time``
    differs: list[str]  # of ``amount_fen``, ``direction``, ``at``, ``state`` and ``kind``
    bill: ComparedRow | None
    home: ComparedRow | None


class ComparedSum(TypedDict):
    """The sum of all rows with one verdict, in one of the two books."""

    verdict: str
    book: str  # ``bill`` or ``home``
    count: int
    in_fen: int
    out_fen: int
    neutral_fen: int


class Compared(BillPeriod):
    """`compare`: a bill and this home's records."""

    profile: str
    bill: str
    ok: bool
    by_id: int  # how many belong together by their number
    by_time: int  # and how many by amount, direction, kind and time
    sums: list[ComparedSum]
    lines: list[ComparedLine]  # without those that both have, unless they were asked for


# --- the laboratory ------------------------------------------------------------------------------


class LabFault(TypedDict):
    """A famous fault."""

    fault: str
    title: str
    what: str  # the broken engine does
    example: str  # a public one
    loss: str  # in it
    source: str  # of both
    rule: str  # of hongbao that prevents it
    file: str  # of the repository, to read


class LabFaults(TypedDict):
    """`lab`: the faults that it has."""

    faults: list[LabFault]


class LabStep(TypedDict):
    """What one engine did in one step: a turn at the ledger, or a refusal."""

    person: str | None
    said: str
    refused: str | None  # the error's code
    killed: bool  # the process was ended after it


class LabRow(TypedDict):
    """A command of the story, or several at once, on both engines."""

    commands: list[str]  # as the story has them
    broken: list[LabStep]
    right: list[LabStep]
    broken_lost_fen: int  # by now
    right_lost_fen: int


class LabFinding(TypedDict):
    """A loss that the fault's detector found in an engine's books."""

    amount_fen: int
    said: str


class LabBooks(TypedDict):
    """An engine's books in the end."""

    engine: str
    owed_fen: int  # what users are owed
    reserve_fen: int
    lost_fen: int
    found: list[LabFinding]


class LabCracked(TypedDict):
    """How a PIN was cracked, with times that were measured on this machine."""

    pin: str
    fast_tries: int  # until it was found
    fast_micros: int
    fast_per_second: int
    slow_micros: int  # that one try at hongbao's own hash takes, without the key
    slow_all_seconds: int  # for every PIN
    confirmed_without_key: bool  # whether the right engine's ledger alone confirms it
    lock_days: int  # that all PINs take at the wallet itself, at least


class LabShown(LabFault):
    """`lab FAULT`: a broken engine next to the right one."""

    measure: str  # what is counted as lost: ``lost``, ``at_risk``, ``over_limit`` and so on
    rows: list[LabRow]
    broken: LabBooks
    right: LabBooks
    cracked: LabCracked | None  # a PIN


class FairnessLine(TypedDict):
    """What the people at one position got, by one rule."""

    rule: str  # ``double-mean``, ``shuffled``, ``equal`` or ``biased-deal``
    broken: bool  # the rule is wrong on purpose
    position: int  # 1 is the first who claims
    sum_fen: int  # in all deals
    mean_millifen: int  # thousandths of a fen, rounded
    spread_millifen: int  # the standard deviation
    luckiest: int  # how many times the most was here
    luckiest_ppm: int  # the same in millionths of all deals


class FairnessMeasured(TypedDict):
    """`lab fairness`: what each rule gives each position, measured."""

    total_fen: int
    count: int
    deals: int
    chance_seed: str
    lines: list[FairnessLine]


# --- classes --------------------------------------------------------------------------------------


class ClassTask(TypedDict):
    """A task that ships, or that a class does."""

    task: str
    title: str
    points: int
    facts: int
    capacity: int  # how many students can have numbers that no other one has


class ClassTasks(TypedDict):
    """`class tasks`."""

    tasks: list[ClassTask]


class ClassStudent(TypedDict):
    """A student of a new class, with the numbers of each task."""

    student: str
    name: str
    numbers: dict[str, dict[str, str]]


class ClassMade(TypedDict):
    """`class new` and `class add`: where everything is, and what each new student got."""

    folder: str
    hand_out: str
    handed_in: str
    tasks: list[ClassTask]
    students: list[ClassStudent]
    encoding: str  # of the roster: gb18030 is a guess


class GoalAsked(TypedDict):
    """What earns points in a task."""

    text: str
    points: int


class TaskStarted(TypedDict):
    """`class start` and `class show`: a task with one student's numbers, and where it is done."""

    task: str
    student: str
    name: str
    title: str
    text: str
    goals: list[GoalAsked]
    points: int
    folder: str
    home: str
    recording: str


class GoalMarked(TypedDict):
    """A goal of a task, what it earned, and what was against it."""

    text: str
    points: int
    of: int
    reasons: list[str]
    expected: NotRequired[list[str]]  # with ``--reveal``


class HandedIn(TypedDict):
    """`class hand-in`: the mark that the teacher's report will have, and the file to hand in."""

    task: str
    student: str
    points: int
    of: int
    goals: list[GoalMarked]
    notes: list[str]
    commands: int
    file: str


class MarkLine(TypedDict):
    """A student's mark for a task."""

    student: str
    name: str
    task: str
    state: str  # marked, missing or unreadable
    points: int
    of: int
    file: str | None
    goals: list[GoalMarked]
    notes: list[str]
    numbers_of: str | None  # whose numbers are in it, if they are another's
    same_as: list[str]  # who else has handed in the very same commands
    claimed: int | None  # the mark that the student was shown
    digest: str | None
    issued_fen: int
    kept_fen: int
    adds_up: bool


class OddFile(TypedDict):
    """A file that was handed in and is no student's hand-in."""

    file: str
    problem: str


class ClassReport(TypedDict):
    """`class report`: every student's mark, and the proof that the class's money adds up."""

    folder: str
    marks: list[MarkLine]
    files: list[OddFile]
    wallets: int
    issued_fen: int
    kept_fen: int
    adds_up: bool


class TaskFinding(TypedDict):
    """Something that is wrong with a task."""

    task: str
    problem: str
    text: str


class TasksChecked(TypedDict):
    """`class task-check`."""

    ok: bool
    tasks: list[ClassTask]
    findings: list[TaskFinding]


class TaskMade(TypedDict):
    """`class task-new`."""

    file: str


class LabEngineCaught(TypedDict):
    """One broken engine, and the lines of the story that it does not keep."""

    fault: str
    title: str
    lines: list[int]  # none if it got away


class LabCaught(TypedDict):
    """`lab catch`: which broken engines a story catches. It holds on hongbao."""

    story: str
    caught: int
    engines: list[LabEngineCaught]
    chance_lines: list[int]  # that depend on chance, and catch nothing
