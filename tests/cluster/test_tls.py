"""TLS with real certificates: who is not the host that the address names gets no password."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from hongbao.engines.mysql import driver
from tests.cluster.certificates import Authority, Issued
from tests.cluster.nodes import OWNER, Cluster, Node, started
from tests.cluster.test_machines import does, machines_of
from tools.nodes.mariadb import server_user

pytestmark = pytest.mark.cluster

REMOTE = "192.0.2.11"
"""An address of documents' own (RFC 5737), which a network namespace of ours has alone."""


class Encrypted:
    """A node that speaks TLS, with whichever certificate it is given."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        [self.node] = cluster
        self.authority = Authority(folder, "trusted")
        self.stranger = Authority(folder, "stranger")
        self.offers(self.authority.issue(self.node.host), is_new=True)

    def offers(self, issued: Issued, *, is_new: bool = False) -> None:
        """Have the node prove itself by *issued* from now on."""
        files = self.node.folder / "tls.pem", self.node.folder / "tls.key"
        for source, target in zip(issued, files, strict=True):
            shutil.copy(source, target)
            target.chmod(0o600)
            if not os.geteuid():
                shutil.chown(target, server_user())
        if not is_new:
            self.node.sql("FLUSH SSL")
            return
        self.node.shut_down()
        with (self.node.folder / "my.cnf").open("a") as settings:
            settings.write(f"ssl-cert = {files[0]}\nssl-key = {files[1]}\n")
        self.cluster.start(self.node)
        self.node.sql("SET GLOBAL userstat = ON")

    def address(self, database: str, ca: Path | None, *, host: str | None = None) -> str:
        where = f"{host or self.node.host}:{self.node.port}"
        named = "" if ca is None else f"?ca={ca}"
        return f"mysql://{OWNER}@{where}/{database}{named}"


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    for cluster in started("mariadb"):
        yield Encrypted(cluster, tmp_path_factory.mktemp("certificates"))


def test_a_wallet_lives_over_tls_as_a_user_who_may_not_do_without(
    encrypted: Encrypted, tmp_path: Path
):
    encrypted.offers(encrypted.authority.issue(encrypted.node.host))
    database = encrypted.cluster.create_database("hongbao_tls")
    encrypted.node.sql(f"ALTER USER '{OWNER}'@'%' REQUIRE SSL")
    shell = machines_of(encrypted.cluster, tmp_path)("shop")

    address = encrypted.address(database, encrypted.authority.file)
    does(shell, f"init Ann --ledger {address}")
    does(shell, "card add 9999010000000003")
    does(shell, "topup 1")
    assert "1.00" in does(shell, "balance")
    assert json.loads(does(shell, "check --json"))["ok"]
    # On this machine itself it would do without, if the user might:
    assert "no access to" in does(shell, f"home connect {encrypted.address(database, None)}", 21)
    encrypted.node.sql(f"ALTER USER '{OWNER}'@'%' REQUIRE NONE")


@pytest.mark.parametrize(
    ("signed_by", "host", "days", "said"),
    [
        ("stranger", None, (-1, 1), "its certificate is not from an authority"),
        ("authority", None, (-3, -1), "its certificate has expired"),
        ("authority", None, (1, 2), "its certificate is not valid yet"),
        ("authority", "127.0.0.99", (-1, 1), "its certificate is for another name"),
        ("authority", "db1.example", (-1, 1), "its certificate is for another name"),
    ],
)
def test_a_node_that_proves_something_else_is_refused_and_nothing_is_left(
    signed_by: str,
    host: str | None,
    days: tuple[int, int],
    said: str,
    encrypted: Encrypted,
    tmp_path: Path,
):
    authority: Authority = getattr(encrypted, signed_by)
    encrypted.offers(authority.issue(host or encrypted.node.host, days=days))
    before = connections(encrypted.node)
    shell = machines_of(encrypted.cluster, tmp_path)("shop")
    address = encrypted.address("hongbao", encrypted.authority.file)

    refused = does(shell, f"init Ann --ledger {address}", 21)

    node = f"{encrypted.node.host}:{encrypted.node.port}"
    assert f"no password is sent to {node}: {said}" in refused
    assert not shell.home.exists() or not any(shell.home.iterdir())
    assert before == connections(encrypted.node)


def connections(node: Node) -> str:
    """Return how many clients of the network have got as far as a password, right or wrong."""
    rows = node.sql(f"SELECT total_connections FROM information_schema.user_statistics"
                    f" WHERE user = '{OWNER}'")  # fmt: skip
    denied = node.sql("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")
    return str((rows, denied))


def test_a_server_without_tls_gets_no_password(one_node: Cluster, tmp_path: Path):
    [node] = one_node
    before = node.sql("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")
    shell = machines_of(one_node, tmp_path)("shop")
    ca = Authority(tmp_path, "nobody").file

    said = does(
        shell, f"init Ann --ledger mysql://{OWNER}@{node.host}:{node.port}/hongbao?ca={ca}", 21
    )

    assert "it offers no encryption (TLS)" in said
    assert before == node.sql("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")


def test_a_driver_that_answers_without_tls_is_found(
    one_node: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The control: a driver that connects in clear although TLS is demanded, as PyMySQL 1.1 did."""
    from hongbao.engines.mysql.address import parse_address
    from hongbao.errors import NodeNotTrusted

    [node] = one_node
    pymysql = driver.driver()
    careful = pymysql.connect

    def careless(**options: object) -> object:
        options.pop("ssl")
        return careful(**options, ssl_disabled=True)

    monkeypatch.setattr(pymysql, "connect", careless)
    ca = Authority(tmp_path, "nobody").file
    address = parse_address(f"mysql://{OWNER}@{node.host}:{node.port}/hongbao?ca={ca}")
    password = one_node.password_file(OWNER).read_text().strip()

    with pytest.raises(NodeNotTrusted) as refused:
        driver.connect(address, address.hosts[0], password)
    assert "no_tls" == refused.value.facts["problem"]


def test_a_file_without_certificates_is_no_authority(encrypted: Encrypted, tmp_path: Path):
    shell = machines_of(encrypted.cluster, tmp_path)("shop")
    (tmp_path / "empty").touch()
    for file, reason in (("nowhere", "No such file"), ("empty", "certificate")):
        address = encrypted.address("hongbao", tmp_path / file)
        said = does(shell, f"init Ann --ledger {address}", 10)
        assert str(tmp_path / file) in said
        assert reason in said


# --- another machine ------------------------------------------------------------------------------

ELSEWHERE = f"""
import contextlib, socket, subprocess, sys, threading

def carry(source, target):
    with contextlib.suppress(OSError):  # a thread that fails writes to stderr while all ends
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

def serve(listener, path):
    while True:
        client, _ = listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(path)
        for ends in ((client, server), (server, client)):
            threading.Thread(target=carry, args=ends, daemon=True).start()

for words in (["link", "set", "lo", "up"], ["addr", "add", "{REMOTE}/32", "dev", "lo"]):
    subprocess.run(["ip", *words], check=True)
port, path, *command = sys.argv[1:]
listener = socket.create_server(("{REMOTE}", int(port)))
threading.Thread(target=serve, args=(listener, path), daemon=True).start()
sys.exit(subprocess.run(command).returncode)
"""


def elsewhere(node: Node, words: list[str], **variables: str) -> tuple[int, str]:
    """Run hongbao where the *node* is at an address of the network, and not of this machine."""
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", textwrap.dedent(ELSEWHERE),
         str(node.port), str(node.socket), sys.executable, "-m", "hongbao", *words],
        env={"PATH": os.environ["PATH"], "HONGBAO_LANG": "en", **variables},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace takes root")
def test_over_the_network_without_a_ca_the_systems_authorities_and_the_name_count(
    encrypted: Encrypted, tmp_path: Path
):
    """The driver itself does not look at the name where no authority is given."""
    database = encrypted.cluster.create_database("hongbao_remote")
    address = encrypted.address(database, None, host=REMOTE)
    words = ["init", "Ann", "--ledger", address]
    (tmp_path / "pin").write_text("246813\n")
    known = {
        "HONGBAO_HOME": str(tmp_path / "home"),
        "HONGBAO_PIN_FILE": str(tmp_path / "pin"),
        "HONGBAO_LEDGER_PASSWORD_FILE": str(encrypted.cluster.password_file(OWNER)),
        "HOME": str(tmp_path),
    }
    trusting = {**known, "SSL_CERT_FILE": str(encrypted.authority.file)}

    encrypted.offers(encrypted.authority.issue("192.0.2.99"))
    code, said = elsewhere(encrypted.node, words, **trusting)
    assert (21, True) == (code, "its certificate is for another name" in said), said

    encrypted.offers(encrypted.authority.issue(REMOTE))
    code, said = elsewhere(encrypted.node, words, **known)
    assert (21, True) == (code, "not from an authority" in said), said
    for line in (words, ["balance"], ["home"]):
        code, said = elsewhere(encrypted.node, line, **trusting)
        assert code == 0, said
    assert address in said


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace takes root")
def test_over_the_network_a_server_without_tls_gets_no_password(one_node: Cluster, tmp_path: Path):
    [node] = one_node
    (tmp_path / "pin").write_text("246813\n")
    before = node.sql("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")
    code, said = elsewhere(
        node,
        ["init", "Ann", "--ledger", f"mysql://{OWNER}@{REMOTE}:{node.port}/hongbao"],
        HONGBAO_HOME=str(tmp_path / "home"),
        HONGBAO_PIN_FILE=str(tmp_path / "pin"),
        HONGBAO_LEDGER_PASSWORD_FILE=str(one_node.password_file(OWNER)),
        HOME=str(tmp_path),
    )
    assert (21, True) == (code, "it offers no encryption (TLS)" in said), said
    assert before == node.sql("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'")
