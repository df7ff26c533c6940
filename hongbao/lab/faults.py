"""The eleven famous faults: what each is, where it happened, and which rule of ours prevents it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from hongbao.errors import ExperimentNotFound
from hongbao.story.script import Story, read
from hongbao.words import N_

STORIES = Path(__file__).parent / "stories"


class Fault(NamedTuple):
    """
    A famous fault.

    *what* is what the broken engine does. *example* is a public one, with its *loss*, as *source*
    has it. *rule* is ours that prevents it, in *file* of this repository. *kills* says that a
    process is ended in its story. *measure* is what its detector counts.
    """

    title: str
    what: str
    example: str
    loss: str
    source: str
    rule: str
    file: str
    kills: bool = False
    measure: str = "lost"


FAULTS: Mapping[str, Fault] = {
    "float": Fault(
        title=N_("float amounts"),
        what=N_("an amount in yuan is a binary fraction, and is cut off where fen are needed"),
        example=N_(
            "Vancouver Stock Exchange, 1982 to 1983: an index was cut off after three decimals at "
            "each of some 2,800 changes a day"
        ),
        loss=N_("574.081 points: the index stood at 524.811 instead of 1098.892"),
        source="Wall Street Journal, 1983-11-08, p. 37; Toronto Star, 1983-11-29",
        rule=N_("amounts are whole fen from the first character typed to the last row written"),
        file="hongbao/domain/money.py",
    ),
    "rounding": Fault(
        title=N_("rounding up an equal split"),
        what=N_("each share is the total divided by the count, and rounded up"),
        example=N_(
            "Balancer V2, 3 November 2025: a product was rounded in the trader's favour, and one "
            "call could repeat it many times"
        ),
        loss=N_("more than 116 million dollars"),
        source="Balancer, preliminary incident report, 2025-11; Check Point Research, 2025-11-05",
        rule=N_("a share is dealt from what is left, so the last one gets exactly the rest"),
        file="hongbao/domain/deal.py",
    ),
    "oversell": Fault(
        title=N_("oversell by read-then-write"),
        what=N_("what is left is read first, and paid out in a second write"),
        example=N_(
            "Flexcoin, 2 March 2014: thousands of simultaneous requests moved coins before "
            "balances were updated"
        ),
        loss=N_("896 bitcoins, then some 600,000 dollars; the company closed"),
        source="flexcoin.com, statement of 2014-03-04, quoted by Business Insider, 2014-03-05",
        rule=N_("an act looks, decides and writes under one write lock, all or nothing"),
        file="hongbao/home/opened.py",
    ),
    "expiry": Fault(
        title=N_("claim after expiry"),
        what=N_("a claim asks whether a share is left, and not whether it is too late"),
        example=N_(
            "Pinduoduo, 20 January 2019: expired coupons of 100 yuan could still be claimed"
        ),
        loss=N_("coupons of tens of millions of yuan; less than 10 million in the end, it said"),
        source="Reuters, 2019-01-20; Global Times, 2019-01-20",
        rule=N_("one line decides: a packet can be claimed exactly while it is before its expiry"),
        file="hongbao/domain/packet.py",
    ),
    "double-refund": Fault(
        title=N_("double refund"),
        what=N_("a refund asks whether the packet has expired, and not whether it went back"),
        example=N_(
            "State Bank of India, 2017: cancelled online orders were refunded by the old procedure "
            "and by the new one"
        ),
        loss=N_("more than 70 million rupees in 1,090 payments to 39 accounts"),
        source="Moneycontrol, 2018-07-05",
        rule=N_("a refund closes the packet in the same transaction, and a closed one has no rest"),
        file="hongbao/wallet/refund.py",
    ),
    "utc-day": Fault(
        title=N_("limits in a UTC day"),
        what=N_("the day of a limit begins at midnight in Greenwich: at eight in China"),
        example=N_(
            "TokenHub, 2026: quotas by the day were keyed to UTC, and in Shanghai they were reset "
            "at 8:00"
        ),
        loss=N_("none is published"),
        source="github.com/astaxie/TokenHub/issues/335",
        rule=N_("a limit's day is China's, in any time zone of the machine"),
        file="hongbao/domain/limits.py",
        measure="over_limit",
    ),
    "reused-key": Fault(
        title=N_("a key reused with other inputs"),
        what=N_("the request ID is compared, and the request itself is not"),
        example=N_(
            "Bitcoin, November 2010: two rewards got the IDs of earlier ones, and took their place"
        ),
        loss=N_("100 bitcoins, which no one can spend"),
        source="BIP 30, Duplicate transactions; blocks 91722 and 91880, 91812 and 91842",
        rule=N_("a request ID is remembered with its inputs, and is refused with any others"),
        file="hongbao/wallet/unit_of_work.py",
        measure="not_moved",
    ),
    "pin": Fault(
        title=N_("a PIN without pepper"),
        what=N_("everything that is needed to try a PIN is in the ledger"),
        example=N_(
            "New York City, 2014: taxi numbers were published as plain MD5 hashes, and there are "
            "only so many taxi numbers"
        ),
        loss=N_("the drivers of 173 million trips could be looked up"),
        source="Vijay Pandurangan, On Taxis and Rainbows, 2014-06-21",
        rule=N_("a PIN is hashed under a key that is not in the ledger, and wrong ones lock it"),
        file="hongbao/vault/vault.py",
        measure="at_risk",
    ),
    "biased-deal": Fault(
        title=N_("biased dealing"),
        what=N_("each share is drawn from all that is left, so the first take most of it"),
        example=N_(
            "Planet Poker, 1999: the shuffle made some decks more likely than others, and the "
            "clock gave its seed away"
        ),
        loss=N_("none is published; every card could be known in advance"),
        source="B. Arkin et al., How We Learned to Cheat at Online Poker, 1999",
        rule=N_("the mean of a share is exactly the same at every position"),
        file="hongbao/domain/deal.py",
        measure="uneven",
    ),
    "lost-update": Fault(
        title=N_("a lost update under two processes"),
        what=N_("a balance is read, added to, and written back over what others wrote"),
        example=N_(
            "Starbucks, 2015: two simultaneous moves of 5 dollars between gift cards took it "
            "once and gave it twice"
        ),
        loss=N_("5 dollars in a researcher's test, as often as one liked"),
        source="Egor Homakov, Hacking Starbucks for unlimited coffee, 2015-05-21",
        rule=N_("an account is added to where it lies, and never written back from memory"),
        file="hongbao/engines/sql/books.py",
    ),
    "in-flight": Fault(
        title=N_("money in flight when the process dies"),
        what=N_("money leaves one account in one write, and arrives in another write"),
        example=N_(
            "Royal Bank of Scotland, June 2012: the nightly batch stopped half-way, and accounts "
            "were not brought up to date"
        ),
        loss=N_(
            "wrong balances of 6.5 million customers; more than 70 million pounds of redress, and "
            "56 million of fines"
        ),
        source="FCA and PRA, Final Notices of 2014-11-19; RTÉ, 2014-11-20",
        rule=N_("a movement is one row with both sides, and an act is one transaction"),
        file="hongbao/wallet/unit_of_work.py",
        kills=True,
    ),
}
"""Every fault, in the order of the laboratory."""


def fault(name: str) -> Fault:
    """Return the fault called *name*. Raises ExperimentNotFound."""
    if name not in FAULTS:
        raise ExperimentNotFound(name, known=", ".join(FAULTS))
    return FAULTS[name]


def story(name: str) -> Story:
    """Return the story that shows the fault called *name*."""
    return read(STORIES / f"{name}.txt")
