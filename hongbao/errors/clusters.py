"""A ledger on a cluster: its address, its driver, and what only a file can do."""

from hongbao.errors.base import (
    ExitCode,
    HongbaoError,
    LogRefused,
    NotIntact,
    Unusable,
    UsageError,
    example,
    shortened,
)
from hongbao.words import N_, say


class InvalidLedgerAddress(UsageError):
    """The address of a ledger cannot be read. It is not repeated: it may hold a password."""

    reason: str = example(
        "it contains a password", also=("it names no database", "it does not begin with `mysql://`")
    )

    sentence = N_("the ledger's address cannot be used: {reason}")
    advice = N_("write `mysql://USER@HOST/DATABASE`; a password comes from a file or a prompt")


class DriverMissing(Unusable):
    """The library that speaks to a cluster is not installed, or has a known fault."""

    sentence = N_("a ledger on a cluster needs PyMySQL 1.2 or later, which is not installed")
    advice = N_("install it with `pip install 'hongbao[cluster]'`")


UNREACHED = {
    "away": N_("each of them is down, or takes no writes"),
    "unknown_name": N_("no address is known for the host's name"),
    "no_socket": N_("there is no such socket"),
    "refused": N_("nothing answers at that port"),
    "silent": N_("no answer came in time"),
    "crowded": N_("it takes no more connections now"),
    "no_writes": N_("it is cut off from the others, or takes no writes"),
}


class LedgerUnreachable(Unusable):
    """No node of the cluster answers, or none of them may write."""

    where: str = example("mysql://pay@db1,db2/ledger")
    problem: str = example(
        "away", also=("unknown_name", "refused", "silent"), default="away", words=UNREACHED
    )
    """Why that is so; ``away`` where it is not the same for all nodes."""

    sentence = N_("no node of {where} can be used: {problem}")
    advice = N_("nothing was changed; try again when the cluster is up")
    _advice_address = N_("nothing was changed; check the address, and whether the cluster is up")
    _advice_begun = N_("try again when the cluster is up")

    def of_a_node(self) -> str:
        """Return why one node cannot be used, for a line that names it already."""
        return say(UNREACHED[str(self.facts["problem"])])

    def chosen_advice(self) -> str:
        if self.begun:
            return self._advice_begun
        is_address = self.facts["problem"] in ("unknown_name", "no_socket", "refused")
        return self._advice_address if is_address else self.advice


DENIALS = {
    "login": N_("the user or the password is wrong"),
    "method": N_("it wants a way of logging in that is not known here"),
    "machine": N_("this machine may not connect"),
    "database": N_("there is no such database, or this user may not use it"),
    "rights": N_("this user may not do what the ledger needs"),
}


class LedgerDenied(Unusable):
    """The cluster does not let this user in, or not do what a ledger needs."""

    where: str = example("mysql://pay@db1,db2/ledger")
    problem: str = example("login", also=("database", "rights"), words=DENIALS)

    sentence = N_("no access to {where}: {problem}")
    advice = N_("ask the database's administrator; nothing was changed")
    _advice_login = N_(
        "check both; a user that has to connect encrypted needs `?ca=FILE` in the address "
        "of a node on this machine"
    )
    _advice_database = N_(
        "check the database's name; its administrator makes it, and grants it to the user"
    )
    _advice_rights = N_(
        "have them granted: `hongbao home grants USER` prints them; "
        "the user that makes the tables needs all rights on the database"
    )

    def chosen_advice(self) -> str:
        chosen = {
            "login": self._advice_login,
            "database": self._advice_database,
            "rights": self._advice_rights,
        }
        return chosen.get(str(self.facts["problem"]), self.advice)


class ClusterRefused(Unusable):
    """A setting of a node could lose what it has confirmed, or change what is decided."""

    node: str = example("db2")
    setting: str = example("innodb_flush_log_at_trx_commit")
    value: str = example("2")
    wanted: str = example("1")

    sentence = N_("the setting {setting} of {node} is {value}, and has to be {wanted}")
    advice = N_("nothing was changed; have the setting corrected on every node")


NODE_PROBLEMS = {
    "no_tls": N_("it offers no encryption (TLS)"),
    "tls_failed": N_("it speaks no TLS that is understood here"),
    "unknown_authority": N_("its certificate is not from an authority that is trusted here"),
    "expired": N_("its certificate has expired"),
    "not_yet": N_("its certificate is not valid yet"),
    "other_name": N_("its certificate is for another name"),
}


class NodeNotTrusted(Unusable):
    """A node over the network does not prove that it is who the address names."""

    node: str = example("db1")
    problem: str = example("other_name", words=NODE_PROBLEMS)

    sentence = N_("no password is sent to {node}: {problem}")
    advice = N_(
        "nothing was changed; check the name, its certificate, and the `ca` in the ledger's address"
    )


class OutcomeUnknown(HongbaoError):
    """The cluster did not say whether it has committed: the act may be done, or not."""

    exit_code = ExitCode.PENDING
    sentence = N_("the cluster gave no answer: whether this was carried out is not known")
    advice = N_("repeat it with the same request id, and with no other")


class NotOnCluster(UsageError):
    """A command works on the pages of a file, and this ledger is on a cluster."""

    command: str = example("rekey", also=("repair",), kw_only=False)

    sentence = N_("`hongbao {command}` works on a ledger in a file; this one is on a cluster")
    advice = N_("nothing was changed; protect this machine's keys with `hongbao lock`")
    _advice_to_check = N_("see what is wrong with `hongbao check`")

    def chosen_advice(self) -> str:
        return self._advice_to_check if self.facts["command"] == "repair" else self.advice


class LedgerTaken(UsageError):
    """A ledger was to be made in a database that has one already."""

    where: str = example("mysql://pay@db1,db2/ledger")

    sentence = N_("there is a wallet in {where} already")
    advice = N_("name another database; or join that wallet: `hongbao home join FILE`")


class DatabaseNotEmpty(UsageError):
    """A ledger was to come into a database that has something else."""

    where: str = example("mysql://pay@db1,db2/ledger")

    sentence = N_("{where} is not empty, and a ledger comes only into an empty database")
    advice = N_("name another database, or have this one emptied; nothing was changed")


class LedgerGone(NotIntact):
    """The database has no ledger any more, and this machine has used one there."""

    where: str = example("mysql://pay@db1,db2/ledger")

    sentence = N_("there is no ledger any more in {where}")
    advice = N_(
        "restore a backup: `hongbao restore FILE`; or correct the address: "
        "`hongbao home connect ADDRESS`"
    )


class OtherLedger(NotIntact):
    """The ledger that an address leads to is not the one of this home."""

    where: str = example("mysql://pay@db1,db2/ledger")

    sentence = N_("the ledger in {where} is not this wallet's")
    advice = N_("check the address; nothing was changed")


class NotAnInvitation(UsageError):
    """A file was to be an invitation into a home, and is none, or is not whole."""

    path: str = example("shop.invitation")

    sentence = N_("{path} is not an invitation to a wallet, or is damaged")
    advice = N_("make one on a machine that has joined: `hongbao home invite FILE`")


class InvitationUsed(HongbaoError):
    """One machine can join with an invitation, once."""

    exit_code = ExitCode.CONFLICT

    entry: int = example(57)

    sentence = N_("this invitation was used: entry {entry} says so")
    advice = N_("make another one: `hongbao home invite FILE`")


class AlreadyJoined(UsageError):
    """A machine joins a home into a folder that has none."""

    path: str = example("~/.local/share/hongbao")

    sentence = N_("there is a wallet in {path} already")
    advice = N_("join into another folder, named by HONGBAO_HOME")


class NotShared(UsageError):
    """Machines join a ledger that is on a cluster; one in a file is this machine's own."""

    sentence = N_("this wallet's ledger is a file on this machine: no other machine can use it")
    advice = N_(
        "move it to a cluster: `hongbao backup FILE`, then `hongbao restore FILE --ledger ADDRESS`"
    )


class InvalidDatabaseUser(UsageError):
    """The name of a database's user cannot be put into a statement."""

    user: str = example("pay'; --", shape=shortened, kw_only=False)

    sentence = N_("{user} cannot be the name of a database's user")
    advice = N_("name it as `pay`, or with its host as `pay@10.0.0.%`")


class LogRolledBack(LogRefused):
    """The log is shorter than this machine has seen it, or its epoch older."""

    sentence = N_(
        "{where} was put back, or lost commits: its log ends at leaf {size} of epoch {epoch}, and "
        "this machine has seen leaf {seen_size} of epoch {seen_epoch}"
    )


class LogForked(LogRefused):
    """The log has another history than the one that this machine has seen."""

    sentence = N_(
        "{where} has another history than this machine has seen: leaf {seen_size} of epoch "
        "{seen_epoch}, or one before it, is not the same"
    )


class LogUnaccounted(LogRefused):
    """A later epoch of the log does not name what this machine has seen."""

    sentence = N_(
        "epoch {epoch} of the log in {where} does not name what this machine has seen: "
        "leaf {seen_size} of epoch {seen_epoch}"
    )


class LogAltered(NotIntact):
    """A checkpoint, or a witness's word, is not under the seal of the home's keys."""

    where: str = example("mysql://pay@db1,db2/ledger")

    sentence = N_("the newest checkpoint in {where} is missing, or was not written by this wallet")
    advice = N_("someone changed the database by hand; see what is wrong with `hongbao check`")


class WitnessLost(NotIntact):
    """What this machine remembers of the log is gone, or is an older copy."""

    sentence = N_("what this machine has seen of the ledger's log is gone, or is an older copy")
    advice = N_("begin again with what is there now: `hongbao home connect ADDRESS`")


class ActsLost(NotIntact):
    """Acts that this machine's device was answered are not in the ledger any more."""

    device: str = example("laptop")
    count: int = example(2)
    act: str = example("topup")
    request_id: str = example("rq_1SMQ4Y7Z8XK2M0C5T9V3N6B7D8")
    line: str | None = example(
        "hongbao topup 100 -p 小明 --request-id rq_1SMQ4Y7Z8XK2M0C5T9V3N6B7D8", also=(None,)
    )

    sentence = N_(
        "acts of {device} that were confirmed and are not in the ledger any more: {count}; the "
        "first is {act}, request {request_id}"
    )
    advice = N_("repeat them, one after the other: `hongbao home repeat`")


class ActsRefused(NotIntact):
    """Lost acts were repeated, and not all of them could be done; *acts* has each of them."""

    refused: int = example(1)
    done: int = example(2)
    acts: list[dict[str, object]] = example([])

    sentence = N_("lost acts that were refused now: {refused} · repeated: {done}")
    advice = N_(
        "they stay listed: try again with `hongbao home repeat`, or record their loss with "
        "`hongbao home epoch --give-up`"
    )


class NotRepeatable(UsageError):
    """A lost act has no command that repeats it: a program did it, or it came up on the way."""

    act: str = example("session_open")

    sentence = N_("no command repeats {act} under its request id")
    advice = N_(
        "do it again if it is still needed; then record the loss with "
        "`hongbao home epoch --give-up`"
    )


class NothingLost(UsageError):
    """A loss was to be recorded, and there is none."""

    acts: int = example(0, also=(2,))

    sentence = N_("nothing that this machine or the log has seen is missing: no epoch is needed")
    advice = N_("run it on the machine that refuses the ledger")
    _sentence_acts = N_("the log lacks nothing; acts that a device here did are gone: {acts}")
    _advice_acts = N_(
        "repeat them with `hongbao home repeat`, or record their loss with "
        "`hongbao home epoch --give-up`"
    )

    def chosen_sentence(self) -> str:
        return self._sentence_acts if self.facts["acts"] else self.sentence

    def chosen_advice(self) -> str:
        return self._advice_acts if self.facts["acts"] else self.advice
