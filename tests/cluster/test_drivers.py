"""Why the driver has a lower bound: what an older one does to a server without TLS."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.cluster.nodes import OWNER, Cluster

pytestmark = pytest.mark.cluster

ASK = """
import json, sys
options = json.loads(sys.argv[1])
import pymysql
password = open(options.pop("password_file")).read().strip()
try:
    connection = pymysql.connect(
        password=password, ssl_verify_cert=True, ssl_verify_identity=True, **options
    )
except pymysql.err.MySQLError as error:
    print(json.dumps([pymysql.VERSION_STRING, "refused", error.args[0]]))
else:
    cursor = connection.cursor()
    cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
    print(json.dumps([pymysql.VERSION_STRING, "connected", cursor.fetchone()[1]]))
"""


def authority(folder: Path) -> Path:
    """Return the certificate of an authority that has signed nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nobody")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "ca.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return file


def ask(cluster: Cluster, ca: Path, *, libraries: Path | None = None) -> list:
    """Return how a driver, of *libraries* if they are named, takes a server without TLS."""
    node = cluster.nodes[0]
    options = {
        "host": node.host,
        "port": node.port,
        "user": OWNER,
        "password_file": str(cluster.password_file(OWNER)),
        "ssl_ca": str(ca),
        "connect_timeout": 5,
    }
    asked = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(options)],
        env={"PYTHONPATH": str(libraries)} if libraries else {},
        capture_output=True,
        text=True,
        check=True,
    )
    answer: list = json.loads(asked.stdout)
    return answer


def test_the_driver_speaks_to_no_server_without_tls(one_node: Cluster, tmp_path: Path):
    """
    Certificates are demanded, the server has none: not even the password is sent.
    """
    version, outcome, code = ask(one_node, authority(tmp_path))
    assert (1, 2) <= tuple(map(int, version.split(".")[:2]))
    assert ("refused", 2026) == (outcome, code)


@pytest.mark.slow
def test_an_older_driver_would_have_sent_everything_in_clear(one_node: Cluster, tmp_path: Path):
    """
    The control: with PyMySQL 1.1 the same words connect, and nothing is encrypted.
    """
    libraries = tmp_path / "libraries"
    installed = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install",
         "--no-deps", "--target", libraries, "pymysql==1.1.2"],
        capture_output=True,
        check=False,
    )  # fmt: skip
    if installed.returncode:
        pytest.skip("PyMySQL 1.1.2 cannot be installed here")
    answer = ask(one_node, authority(tmp_path), libraries=libraries)
    assert ["1.1.2", "connected", ""] == answer
