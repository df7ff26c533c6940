"""Certificates, and users with a password, for a broker that takes TLS only."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

USER = "pay"
PASSWORD = "once-upon-a-midnight"
MECHANISMS = ("SCRAM-SHA-512", "PLAIN")


class Authority(NamedTuple):
    """Who signs certificates, for a few hours."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls, name: str) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(key, _signed(key, name, None, key))

    def sign(self, folder: Path, name: str, host: str) -> Path:
        """
        Return a file in *folder* with a new key and a certificate for *host*, be it a client.

        *host* is an address, or a name.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        signed = _signed(key, name, host, self.key, self.certificate.subject)
        path = folder / f"{name}.pem"
        path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + signed.public_bytes(Encoding.PEM)
        )
        return path

    def write(self, path: Path) -> Path:
        """Write the certificate of this authority to *path*, and return that."""
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return path


def sealed_with(password: str, path: Path) -> tuple[Path, Path]:
    """
    Return two files with what is at *path*, under a *password*.

    One is the key in PEM, the other the key and its certificate in PKCS#12.
    """
    pem, sealing = path.read_bytes(), BestAvailableEncryption(password.encode())
    key = load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    sealed, store = path.with_suffix(".key"), path.with_suffix(".p12")
    sealed.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing))
    certificate = x509.load_pem_x509_certificate(pem)
    store.write_bytes(serialize_key_and_certificates(None, key, certificate, None, sealing))
    return sealed, store


def _signed(
    key: ec.EllipticCurvePrivateKey,
    name: str,
    host: str | None,
    by: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None = None,
) -> x509.Certificate:
    """Return a certificate for *host*, or for an authority if there is none."""
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    building = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=6))
        .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
    )
    if host is not None:
        where: x509.GeneralName
        try:
            where = x509.IPAddress(ip_address(host))
        except ValueError:
            where = x509.DNSName(host)
        building = building.add_extension(x509.SubjectAlternativeName([where]), critical=False)
    return building.sign(by, SHA256())
