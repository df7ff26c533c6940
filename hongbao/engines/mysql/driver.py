"""PyMySQL, imported when a ledger on a cluster is opened, and not before."""

from typing import TYPE_CHECKING, Any

from hongbao.errors import ClusterRefused, DriverMissing

if TYPE_CHECKING:
    from hongbao.engines.mysql.address import Address, Host

CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
"""How long an answer is waited for: longer than any lock of ours is."""

_SAFE_FROM = (1, 2)
"""Earlier versions answered a server without TLS in plain text, certificates demanded or not."""


def driver() -> Any:
    """Return PyMySQL. Raises DriverMissing where it is not there, or is too old to be safe."""
    try:
        import pymysql
    except ImportError:
        raise DriverMissing from None
    if pymysql.VERSION[:2] < _SAFE_FROM:
        raise DriverMissing
    return pymysql


def connect(address: "Address", host: "Host | None", password: str | None) -> Any:
    """
    Open a connection to *host*, or to the socket of *address*.

    Affected rows are those that a change has met, whether or not it made a difference
    (CLIENT_FOUND_ROWS), as the embedded engine counts them. A connection over the network is
    encrypted, and the server proves its name.
    """
    pymysql = driver()
    from pymysql.constants import CLIENT, FIELD_TYPE
    from pymysql.converters import conversions

    whole = {**conversions, FIELD_TYPE.NEWDECIMAL: int, FIELD_TYPE.DECIMAL: int}
    where: dict[str, Any]
    if host is None:
        where = {"unix_socket": address.socket}
    else:
        where = {"host": host.name, "port": host.port}
        if address.uses_tls(host):
            where |= {"ssl": {"ca": address.ca, "check_hostname": True, "verify_mode": "required"}}
    connection = pymysql.connect(
        user=address.user,
        password=password or "",
        database=address.database,
        charset="utf8mb4",
        collation="utf8mb4_bin",
        autocommit=False,
        client_flag=CLIENT.FOUND_ROWS,
        conv=whole,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        write_timeout=ANSWER_SECONDS,
        local_infile=False,
        **where,
    )
    if host is not None and address.uses_tls(host):
        _check_encrypted(connection)
    return connection


def _check_encrypted(connection: Any) -> None:
    """Raise ClusterRefused if the connection is not encrypted, as the driver should make it."""
    cursor = connection.cursor()
    cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
    found = cursor.fetchone()
    if not found or not found[1]:
        connection.close()
        raise ClusterRefused(setting="Ssl_cipher", value="", wanted="TLS")
