"""PyMySQL, imported when a ledger on a cluster is opened, and not before."""

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from hongbao.errors import DriverMissing, FileNotReadable, NodeNotTrusted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext

    from hongbao.engines.mysql.address import Address, Host

CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
"""How long an answer is waited for: longer than any lock of ours is."""

_SAFE_FROM = (1, 2)
"""Earlier versions answered a server without TLS in plain text, certificates demanded or not."""

_QUOTES_DOUBLED = 1 << 9
"""The server's word that a backslash is nothing special (NO_BACKSLASH_ESCAPES)."""

_NO_TLS = 2026
_DISTRUST = {9: "not_yet", 10: "expired", 62: "other_name", 64: "other_name"}
"""OpenSSL's numbers for what is wrong with a certificate; the others are about who signed it."""


def driver() -> Any:
    """Return PyMySQL. Raises DriverMissing where it is not there, or is too old to be safe."""
    try:
        import pymysql
    except ImportError:
        raise DriverMissing from None
    if pymysql.VERSION[:2] < _SAFE_FROM:
        raise DriverMissing
    return pymysql


def connect(
    address: "Address", host: "Host | None", password: str | None, *, seconds: int = ANSWER_SECONDS
) -> Any:
    """
    Open a connection to *host*, or to the socket of *address*, which greets within *seconds*.

    Affected rows are those that a change has met, whether or not it made a difference
    (CLIENT_FOUND_ROWS), as the embedded engine counts them. A connection over the network is
    encrypted, and the server proves its name.
    """
    pymysql = driver()
    from pymysql.constants import CLIENT, FIELD_TYPE
    from pymysql.converters import conversions

    whole = {**conversions, FIELD_TYPE.NEWDECIMAL: int, FIELD_TYPE.DECIMAL: int}
    is_encrypted = host is not None and address.uses_tls(host)
    where: dict[str, Any] = {"unix_socket": address.socket}
    if host is not None:
        where = {"host": host.name, "port": host.port}
    where |= {"ssl": _trusting(address.ca)} if is_encrypted else {"ssl_disabled": True}
    asked = partial(
        pymysql.connect,
        user=address.user,
        password=(password or "").encode(),  # as text the driver would send it in Latin-1
        database=address.database,
        charset="utf8mb4",
        collation="utf8mb4_bin",
        autocommit=False,
        client_flag=CLIENT.FOUND_ROWS,
        conv=whole,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=seconds,
        write_timeout=ANSWER_SECONDS,
        local_infile=False,
        **where,
    )
    if not is_encrypted:
        return _patient(asked())
    try:
        connection = _patient(asked())
    except pymysql.err.Error as error:
        problem = _distrust(error)
        if problem is None:
            raise
        raise NodeNotTrusted(node=str(host), problem=problem) from error
    _check_encrypted(connection, str(host))
    return connection


def _patient(connection: Any) -> Any:
    """Return *connection*, which waits for answers now: the driver has one time for all of them."""
    connection._read_timeout = ANSWER_SECONDS  # noqa: SLF001 - it has no other way
    return connection


def spelled(connection: Any, sql: str, values: "Sequence[object]") -> str:
    """
    Return *sql* with its *values* in their places, as the *connection*'s cursor would say it.

    A group of claims has four thousand values, almost all of four types. For those it takes a
    fifth of the time; the rest is left to the driver.
    """
    if connection.server_status & _QUOTES_DOUBLED:
        return sql % tuple(map(connection.escape, values))
    return sql % tuple(
        [
            value  # whose digits `%` writes
            if (kind := type(value)) is int
            else _quoted(value)
            if kind is str
            else f"X'{value.hex()}'"  # type: ignore[attr-defined]  # that it is bytes was asked
            if kind is bytes
            else "NULL"
            if value is None
            else connection.escape(value)
            for value in values
        ]
    )


@lru_cache(maxsize=1024)  # the names of lanes, of acts, of accounts' kinds: again and again
def _quoted(text: str) -> str:
    return f"'{driver().converters.escape_string(text)}'"


def _trusting(ca: str | None) -> "SSLContext":
    """
    Return what a connection is encrypted by: a certificate for the host's name is demanded.

    It is from the authority in the file *ca*, or from one that the system trusts. (Where the driver
    makes this itself, it does not look at the name unless an authority is given.)
    """
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:  # an SSLError is one: no certificates are in the file
        raise FileNotReadable(path=ca or "", reason=error.strerror or str(error)) from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # what servers sign for themselves lacks parts
    return context


def _distrust(error: BaseException) -> str | None:
    """Return what about the node's certificate made *error*; None if it was something else."""
    import ssl

    if error.args[:1] == (_NO_TLS,):
        return "no_tls"
    cause = getattr(error, "original_exception", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _DISTRUST.get(cause.verify_code, "unknown_authority")
    if isinstance(cause, ssl.SSLEOFError):
        return None  # it is gone in the midst of it, as a node that is killed
    return "tls_failed" if isinstance(cause, ssl.SSLError) else None


def _check_encrypted(connection: Any, node: str) -> None:
    """Raise NodeNotTrusted if the connection is not encrypted, as the driver should make it."""
    cursor = connection.cursor()
    cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
    found = cursor.fetchone()
    if not found or not found[1]:
        connection.close()
        raise NodeNotTrusted(node=node, problem="no_tls")
