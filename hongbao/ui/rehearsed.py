"""What a dry run says: what would be done, in place of each sentence that says what was done."""

from collections.abc import Mapping
from typing import Any

from hongbao.words import N_, say

WOULD = {
    # Money.
    "topped up {amount_fen} from {card} · balance {balance_fen}": N_(
        "would top up {amount_fen} from {card} · balance {balance_fen}"
    ),
    "withdrew {amount_fen} to {card} · fee {fee_fen} · balance {balance_fen}": N_(
        "would withdraw {amount_fen} to {card} · fee {fee_fen} · balance {balance_fen}"
    ),
    "withdrew {amount_fen} to {card} · no fee · balance {balance_fen}": N_(
        "would withdraw {amount_fen} to {card} · no fee · balance {balance_fen}"
    ),
    "{amount_fen} for {card} is held · fee {fee_fen} · balance {balance_fen}": N_(
        "{amount_fen} for {card} would be held · fee {fee_fen} · balance {balance_fen}"
    ),
    # Red packets.
    "sent {packet} · {total_fen} in 1 share · until {until}": N_(
        "would send {packet} · {total_fen} in 1 share · until {until}"
    ),
    "sent {packet} · {total_fen} in {count} lucky shares · until {until}": N_(
        "would send {packet} · {total_fen} in {count} lucky shares · until {until}"
    ),
    "sent {packet} · {count} shares of {share_fen} · until {until}": N_(
        "would send {packet} · {count} shares of {share_fen} · until {until}"
    ),
    "sent {packet} · {total_fen} for {recipient} · until {until}": N_(
        "would send {packet} · {total_fen} for {recipient} · until {until}"
    ),
    "paid from {place} · balance {balance_fen}": N_(
        "would be paid from {place} · balance {balance_fen}"
    ),
    "returned {amount_fen} of {packet} to {place} · balance {balance_fen}": N_(
        "would return {amount_fen} of {packet} to {place} · balance {balance_fen}"
    ),
    "returned {amount_fen} of {packet} · on its way to {place}, there by {until}"
    " · balance {balance_fen}": N_(
        "would return {amount_fen} of {packet} to {place}, there by {until} · balance {balance_fen}"
    ),
    # People and cards.
    "{profile} is {real_name} · {id_number} · now {tier}": N_(
        "{profile} would be {real_name} · {id_number} · {tier}"
    ),
    "bound {card} · {bank} · {number}": N_("would bind {card} · {bank} · {number}"),
    "removed {card} · {bank} · {number}": N_("would remove {card} · {bank} · {number}"),
    "what nobody claims of a packet goes back to the card that paid for it": N_(
        "what nobody claims of a packet would go back to the card that paid for it"
    ),
    "what nobody claims of a packet goes to the balance, whichever card paid for it": N_(
        "what nobody claims of a packet would go to the balance, whichever card paid for it"
    ),
    # Rules.
    "policy {policy} is in force · before it, {before}": N_(
        "policy {policy} would be in force · now it is {before}"
    ),
    "risk pack {pack} is in force · before it, {before}": N_(
        "risk pack {pack} would be in force · now it is {before}"
    ),
    "model {model} is asked from now on · acts it learned from: {acts}": N_(
        "model {model} would be asked · acts it learned from: {acts}"
    ),
    "model {model} is asked from now on · before it, {before_model}": N_(
        "model {model} would be asked · now it is {before_model}"
    ),
    # Banks.
    "{place} works as it should": N_("{place} would work as it should"),
    "{operator} took {amount_fen} from {card} at {bank}": N_(
        "{operator} would take {amount_fen} from {card} at {bank}"
    ),
    "{operator} gave {amount_fen} back to {card} at {bank}": N_(
        "{operator} would give {amount_fen} back to {card} at {bank}"
    ),
    # Devices.
    "{device} waits to be let in for {profile}": N_(
        "{device} would wait to be let in for {profile}"
    ),
    "{device} may act for {profile} now": N_("{device} would be let in to act for {profile}"),
    "{device} may act for {profile} now, and vouches for who that is": N_(
        "{device} would be let in to act for {profile}, and vouch for who that is"
    ),
    "{device} may act for {profile} no more": N_("{device} would act for {profile} no more"),
    "{device} may act for {profile} no more; its key is destroyed": N_(
        "{device} would act for {profile} no more; its key would be destroyed"
    ),
    "{device} is in {city} now": N_("{device} would be in {city}"),
    "the next request of {device} repeats a nonce that was used before": N_(
        "the next request of {device} would repeat a nonce that was used before"
    ),
    "the next request of {device} has no true signature": N_(
        "the next request of {device} would have no true signature"
    ),
    "{device} works as it should": N_("{device} would work as it should"),
    # Reviews.
    "{case} is approved · {amount_fen} of {profile} goes on": N_(
        "{case} would be approved · {amount_fen} of {profile} would go on"
    ),
    "{case} is rejected · {amount_fen} of {profile} goes back": N_(
        "{case} would be rejected · {amount_fen} of {profile} would go back"
    ),
    "{case} is approved · nothing to report": N_("{case} would be approved · nothing to report"),
    "{case} is rejected · to be reported": N_("{case} would be rejected · to be reported"),
    "{case} waits for a second operator, who has to say the same": N_(
        "{case} would wait for a second operator, who has to say the same"
    ),
    "{case} is escalated · two operators have to agree": N_(
        "{case} would be escalated · two operators would have to agree"
    ),
    # Bills.
    "brought in {file} as {bill}": N_("would import {file} as {bill}"),
    "removed {bill} with its {rows}: {file}": N_("would remove {bill} with its {rows}: {file}"),
}
"""What would be done, by what was done."""


def deed(answer: Mapping[str, Any], sentence: str, /, **facts: object) -> str:
    """Return the *sentence* that says what *answer* did, or after a dry run what it would do."""
    return say(WOULD[sentence] if answer.get("dry_run") else sentence, **facts)
