"""
The table of commands: what each does, in a line, under the heading that help puts it.

Each has its own file in `hongbao.commands`, which is imported when the command is wanted. The list
of all commands is made from this table, so that it imports none of them.
"""

from importlib import import_module

from hongbao.commands.declared import App
from hongbao.words import N_

COMMANDS = {
    # In the order of a first visit.
    N_("Setting up"): {
        "sandbox": N_("Make a ready wallet to play in: people, money, a packet to open."),
        "init": N_("Create a profile, and the wallet if this is the first."),
        "profiles": N_("List the profiles in this wallet."),
        "use": N_("Switch to another profile."),
        "identify": N_("Verify your identity; this sets your limits."),
        "card": N_("Bind, list and remove bank cards; choose where refunds go."),
        "pin": N_("Change the payment PIN."),
        "policy": N_("List, show and choose policies: limits, fees, caps."),
    },
    N_("Money"): {
        "status": N_("Show today at a glance: money, packets, what waits, what is next."),
        "balance": N_("Show your balance: available, in packets, and in all."),
        "topup": N_("Top up from a bank card (充值)."),
        "withdraw": N_("Move money out to a bank card (提现)."),
        "limits": N_("Show each limit: used, left, and when it resets."),
    },
    N_("Red packets"): {
        "send": N_("Send a red packet; unclaimed money comes back after it expires."),
        "claim": N_("Open a red packet and take your share."),
        "show": N_("Show a red packet: its shares, and the time left."),
        "packets": N_("List red packets: claimable, sent and received, newest first."),
        "refund": N_("Return expired packets' unclaimed amounts the way they were paid."),
        "verify": N_("Recompute a closed packet's shares from public data."),
    },
    N_("Banks"): {
        "bank": N_("Show the demo banks and simulate faults."),
        "settle": N_("Check pending payments, and settle with the banks (清算)."),
        "reconcile": N_("Compare the banks' statements with the platform's records (对账)."),
        "operator": N_("Manage operators, who correct books and decide cases."),
        "serve": N_("Do what falls due: refunds, ends of holds, settlement."),
    },
    N_("Guards"): {
        "device": N_("Manage your authorised devices, each with its own key."),
        "totp": N_("Manage an authenticator app, required with the PIN."),
        "challenge": N_("Answer risk control's challenges (人机验证)."),
        "risk": N_("Explain risk decisions, and manage risk packs."),
        "review": N_("Manage risk cases: list, show and decide them (人工审核)."),
    },
    N_("History and checks"): {
        "history": N_("Show your movements, newest first."),
        "year": N_("Show a year of your red packets."),
        "trace": N_("Trace a packet or payment: each step, what moved, how long it took."),
        "books": N_("Show the books of the platform, the banks and the central bank."),
        "check": N_("Re-check the whole ledger and report every discrepancy."),
    },
    N_("Events"): {
        "events": N_("Show what happened in the wallet, in order."),
        "watch": N_("Follow what happens to you, or to everyone, as it happens."),
        "inbox": N_("Show what is new for you since you last looked."),
        "webhook": N_("Manage the webhooks that events are sent to."),
    },
    N_("Statements"): {
        "export": N_("Export your statement to a file for other programs."),
        "verify-statement": N_("Verify a statement or receipt: is it as signed, and by whom."),
        "receipt": N_("Write one payment's signed receipt, which anyone can verify."),
        "key": N_("Show your public key, which verifies what you sign."),
        "import": N_("Import a WeChat Pay bill, to compare it with your records."),
        "compare": N_("Compare an imported bill with your records."),
    },
    N_("The wallet"): {
        "clock": N_("Show the clock, or advance a virtual one."),
        "home": N_("Show where this wallet is, and let more machines use one on a cluster."),
        "lock": N_("Lock this wallet with a passphrase."),
        "unlock": N_("Unlock the wallet, so that this device opens it without a passphrase."),
        "rekey": N_("Re-encrypt everything with a new master key."),
        "backup": N_("Copy the encrypted ledger to a file, while others can write."),
        "restore": N_("Replace the ledger with a backup."),
        "repair": N_("Make a new wallet of what can be proven of a damaged one."),
    },
    N_("More"): {
        "learn": N_("Learn how money moves, step by step, in a wallet of the lesson's own."),
        "demo": N_("Play a red packet's whole life in a throw-away wallet."),
        "play": N_("Play stories: real commands, and what each should answer."),
        "lab": N_("See famous faults lose money, next to hongbao."),
        "race": N_("Let many processes grab one packet at the same moment."),
        "storm": N_("Play New Year's Eve on one ledger, as fast as requests come."),
        "drill": N_("Lose a site of a cluster, then a whole city, while clients send and claim."),
        "record": N_("Record the hongbao commands that you type as a story."),
        "class": N_("Give a class a task, each student with own numbers, and mark it."),
        "config": N_("Show and change your settings, such as the language."),
        "alias": N_("List, add and remove your own names for commands."),
        "why": N_("Explain an error: what it means, an example, what to do."),
        "help": N_("Explain a command or a topic; without a name, list all commands."),
        "version": N_("Show the version of hongbao."),
        "completion": N_("Print a shell completion script."),
    },
}
"""Every command with what it does, as its own help begins, under its heading."""

NAMES = frozenset(name for commands in COMMANDS.values() for name in commands)


def app_of(name: str) -> App | None:
    """Return what the file of the command *name* declares; None if there is no such command."""
    if name not in NAMES:
        return None
    app: App = import_module(f"hongbao.commands.{name.replace('-', '_')}").app
    return app
