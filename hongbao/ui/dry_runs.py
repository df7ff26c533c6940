"""Sentences of dry runs: what would be done, for each sentence on what was done."""

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
    "{amount_fen} for {card} is on hold · fee {fee_fen} · balance {balance_fen}": N_(
        "{amount_fen} for {card} would be put on hold · fee {fee_fen} · balance {balance_fen}"
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
    "verified {profile} · {real_name} · {id_number} · {tier}": N_(
        "would verify {profile} · {real_name} · {id_number} · {tier}"
    ),
    "bound {card} · {bank} · {number}": N_("would bind {card} · {bank} · {number}"),
    "removed {card} · {bank} · {number}": N_("would remove {card} · {bank} · {number}"),
    "unclaimed money goes back to the card that paid": N_(
        "unclaimed money would go back to the card that paid"
    ),
    "unclaimed money goes to the balance, for any card": N_(
        "unclaimed money would go to the balance, for any card"
    ),
    # Rules.
    "policy {policy} is active · before it, {before}": N_(
        "policy {policy} would become active · now it is {before}"
    ),
    "risk pack {pack} is active · before it, {before}": N_(
        "risk pack {pack} would become active · now it is {before}"
    ),
    "model {model} is used from now on · acts it learned from: {acts}": N_(
        "model {model} would be used · acts it learned from: {acts}"
    ),
    "model {model} is used from now on · before it, {before_model}": N_(
        "model {model} would be used · now it is {before_model}"
    ),
    # Banks.
    "{place} works normally": N_("{place} would work normally"),
    "{operator} debited {amount_fen} from {card} at {bank}": N_(
        "{operator} would debit {amount_fen} from {card} at {bank}"
    ),
    "{operator} credited {amount_fen} to {card} at {bank}": N_(
        "{operator} would credit {amount_fen} to {card} at {bank}"
    ),
    # Devices.
    "{device} is waiting for approval by {profile}": N_(
        "{device} would wait for approval by {profile}"
    ),
    "authorised {device} for {profile}": N_("would authorise {device} for {profile}"),
    "{device} is certified for {profile}: its signature counts as a second factor": N_(
        "{device} would be certified for {profile}: its signature would count as a second factor"
    ),
    "{device} is no longer authorised for {profile}": N_(
        "{device} would no longer be authorised for {profile}"
    ),
    "{device} is no longer authorised for {profile}; its key is destroyed": N_(
        "{device} would no longer be authorised for {profile}; its key would be destroyed"
    ),
    "{device} is now in {city}": N_("{device} would be in {city}"),
    "the next request of {device} repeats a used nonce": N_(
        "the next request of {device} would repeat a used nonce"
    ),
    "the next request of {device} has a forged signature": N_(
        "the next request of {device} would have a forged signature"
    ),
    "{device} works normally": N_("{device} would work normally"),
    # Reviews.
    "approved {case} · released {amount_fen} of {profile}": N_(
        "would approve {case} · {amount_fen} of {profile} would be released"
    ),
    "rejected {case} · returned {amount_fen} of {profile}": N_(
        "would reject {case} · {amount_fen} of {profile} would be returned"
    ),
    "approved {case} · nothing to report": N_("would approve {case} · nothing to report"),
    "rejected {case} · to be reported": N_("would reject {case} · to be reported"),
    "{case} is waiting for a second operator, who has to agree": N_(
        "{case} would wait for a second operator, who has to agree"
    ),
    "escalated {case} · two operators have to agree": N_(
        "would escalate {case} · two operators would have to agree"
    ),
    # Bills.
    "imported {file} as {bill}": N_("would import {file} as {bill}"),
    "removed {bill} with its {rows}: {file}": N_("would remove {bill} with its {rows}: {file}"),
}
"""What would be done, by what was done."""


def deed(answer: Mapping[str, Any], sentence: str, /, **facts: object) -> str:
    """Return the *sentence* that says what *answer* did, or after a dry run what it would do."""
    return say(WOULD[sentence] if answer.get("dry_run") else sentence, **facts)
