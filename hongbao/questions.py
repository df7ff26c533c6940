"""The questions of the audit: which rows the ledger hands out for the checks to judge."""

from enum import Enum, auto


class Question(Enum):
    """The queries of the audit, for checks to judge; each says what its rows are."""

    LANES = auto()
    """Each lane with its last number and MAC, where there are lanes."""
    LANE_ENTRIES = auto()
    """The places of entries behind one in lanes: entry, lane, number and MAC, in this order."""
    BILLS_IMPORTED = auto()
    """Each imported bill with the entries that imported and removed it."""
    BILL_ENTRIES_WITHOUT_BILL = auto()
    """Entries that import or remove a bill of which there is no row."""
    UNBALANCED_BOOKS = auto()
    """Books whose debits and credits differ, with both sums."""
    UNBALANCED_ACCOUNTS = auto()
    """Accounts that differ from the sum of their transfers."""
    ACCOUNTS = auto()
    """Every account with its side and its sums."""
    STRAY_ACCOUNTS = auto()
    """Accounts without a transfer which nothing has opened."""
    MOVES = auto()
    """How often each kind of move was made, and the first transfer of it."""
    CASES = auto()
    """Each case with the entries that opened and closed it."""
    OPINIONS_OF_CASE = auto()
    """The opinions on the case with this number, with their entries."""
    CASE_ENTRIES_WITHOUT_CASE = auto()
    """Entries about a case, or an opinion, of which there is no row."""
    OPERATOR_ENTRIES = auto()
    """Entries that operators approve, or could, with the operator's name."""
    HOLDING_ENTRIES = auto()
    """Entries of acts that may hold what they do, if not just allowed; and the case of the hold."""
    REPORTED_ENTRIES = auto()
    """Entries whose risk record asks for a report."""
    LAST_CASE_OF_RULE = auto()
    """The last case of a profile under a rule, up to an entry."""
    IN_TRANSIT = auto()
    """Per bank and direction: what is unsettled for the platform, and for the bank."""
    PAYMENTS = auto()
    """Each payment with the entries that requested it, sent it and ended it."""
    BANK_MESSAGES = auto()
    """Each payment as its bank has it, beside the last entry that says how far the bank is."""
    FAULTS = auto()
    """What banks and channels were told to do wrong, and since when."""
    FAULT_ENTRIES = auto()
    """The last entry about the faults of each place."""
    UNBALANCED_BATCH_LINES = auto()
    """Lines of settlements that differ from the payments in them."""
    BATCHES = auto()
    """Each settlement with its entry, its transfers and its lines."""
    UNSETTLED_SINCE = auto()
    """When the first payment was accepted that no batch has settled; null if there is none."""
    UNEXPLAINED_BY_BANKS = auto()
    """Per bank: what its statement lines leave unexplained."""
    UNSOUND_BANK_LINES = auto()
    """Lines of bank statements that do not fit their payment."""
    MISNUMBERED_LINES = auto()
    """Lines of bank statements, and corrections, whose numbers leave a gap before them."""
    CORRECTIONS = auto()
    """Each correction with its entry and its payment."""
    DEVICES_IN_USE = auto()
    """Name and public key of each enrolled device."""
    SIGNERS = auto()
    """Every device with its public key and its session."""
    ENROLLED = auto()
    """Every profile with each device that it has ever enrolled."""
    DEVICE_COUNTERS = auto()
    """Each device with the counter of the last act that it signed."""
    RECORDS_OF_PROFILE = auto()
    """The risk records of one profile behind one entry, up to another, in order."""
    HABITS = auto()
    """Each habit that is kept, and the entry up to which it follows from the records."""
    STOPS = auto()
    """Each stop with its entry, and entries of stops without one."""
    CHALLENGES = auto()
    """Each challenge with the entries that required, passed, failed and used it."""
    CHALLENGE_ENTRIES_WITHOUT_CHALLENGE = auto()
    """Entries about a challenge that does not name them."""
    HOLDS = auto()
    """Each hold with its packet or payment, its money and its entries."""
    HELD_WITHOUT_CASE = auto()
    """Accounts of held money that no hold names."""
    BALANCES_BY_KIND = auto()
    """Credits less debits of each kind of account in each book."""
    BALANCES_BY_OWNER = auto()
    """Credits less debits of the accounts of a book and kind, by owner."""
    UNSOUND_PACKETS = auto()
    """Packets whose account, claims, hold and refund do not add up."""
    UNSOUND_CLAIMS = auto()
    """Claims that do not fit their entry, packet or hold."""
    TERMS = auto()
    """Each packet's terms with the entry that sent it."""
    DEALS = auto()
    """Each claim with what its amount was drawn from."""
    DEALS_OF = auto()
    """The same of one packet."""
    CLAIMED = auto()
    """The numbers of packets that were claimed from behind an entry."""
    CLAIMS = auto()
    """Every claim as it is kept, its entry first."""
    BALANCES_BY_PROFILE = auto()
    """What each profile's account has."""
    POLICIES = auto()
    """The refs of all policies that are kept."""
    CLAIMS_TO_MATURE = auto()
    """Each claim with the moment, policy and delay its withdrawal depends on."""
    CLAIMS_TO_JUDGE = auto()
    """The same of claims whose judgement did more than allow them."""
    MATURING = auto()
    """What is kept of claims that cannot be withdrawn yet."""
    USAGE_BY_DAY = auto()
    """Counters of a day that differ from what they count."""
    USAGE_BY_YEAR = auto()
    """Counters of a year that differ from what they count."""
    FILE_PROBLEMS = auto()
    """
    What the engine finds wrong with its own storage: pages, structure and references, as texts.

    Every page in use is read as any act would read it. Only where that fails is the file asked
    which pages are not authentic: it may hold one that a killed checkpoint wrote half of, which is
    no fault, because the log still has it whole.
    """
    STATES = auto()
    """Every row of a table of `SEALED`: its key, and the values that a seal covers."""
    LAST_SEALS = auto()
    """The last seal of every row that has one: table, key, generation, digest."""
    SEALED_ACTS = auto()
    """
    Of each act what its seal covers (`EntryRow.sealed_fields`), and the MAC behind the last.

    Of those behind an entry, if one is given; so are transfers and rows.
    """
    SEALED_TRANSFERS = auto()
    """Each transfer behind its entry's id, as `hongbao.domain.chain.line` has it."""
    SEALED_ROWS = auto()
    """The rows of state that entries have left: entry, table, key, digest."""
    REFUSALS = auto()
    """Each refusal that is remembered, with its seal."""
    HOME_CLOCK = auto()
    """The home's clock and its reading; the clock of the last entry, and its moment."""
    ENTRY_COUNT = auto()
    """How many entries there are."""
    TRANSFER_COUNT = auto()
    """How many transfers there are, and the numbers of the first and the last."""
