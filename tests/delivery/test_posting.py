"""A webhook may do what it likes: each request is over in time, and nothing is followed."""

import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hongbao.delivery.posting import parse_url, post
from hongbao.delivery.sending import Outcome
from hongbao.errors import InvalidUrl
from tests.delivery.receiver import (
    OK,
    Behaviour,
    Receiver,
    answers,
    cuts,
    drips,
    floods,
    hangs,
    status,
)
from tests.every import every

SECONDS = 0.4


def posted(url: str, *, any_host: bool = False, body: bytes = b"{}") -> Outcome:
    return post(parse_url(url), body, {"webhook-id": "ev_1"}, any_host=any_host, seconds=SECONDS)


BEHAVIOURS: list[tuple[str, Behaviour, Outcome]] = [
    ("ok", answers(OK), Outcome(None, 200)),
    ("no content", status(204), Outcome(None, 204)),
    ("error", status(500), Outcome("status", 500)),
    ("gone", status(410), Outcome("status", 410, is_final=True)),
    ("hangs", hangs, Outcome("timeout", is_answer=False)),
    ("drips a head", drips(b"HTTP/1.1 200 OK\r\nx: ", 0.05), Outcome("timeout", is_answer=False)),
    ("drips a body", drips(b"HTTP/1.1 200 OK\r\n\r\n", 0.05), Outcome(None, 200)),
    ("a gigabyte", floods, Outcome(None, 200)),
    ("cuts", cuts, Outcome("not_http")),
    ("no HTTP", answers(b"SSH-2.0-OpenSSH_9.6\r\n"), Outcome("not_http")),
    ("a long head", answers(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70000), Outcome("not_http")),
]


@every(("name", "behaviour", "outcome"), BEHAVIOURS)
def test_whatever_the_receiver_does_it_is_over_in_time(
    name: str, behaviour: Behaviour, outcome: Outcome
):
    """
    One time limit is for all of it, however slowly bytes come, and a gigabyte is not read.
    """
    with Receiver([behaviour]) as receiver:
        began = time.monotonic()
        got = posted(receiver.url)
        took = time.monotonic() - began

    assert (name, outcome) == (name, got)
    assert took < SECONDS + 0.3


def test_a_redirect_is_not_followed():
    """
    The event was signed for one place, and goes to no other.
    """
    with Receiver() as other, Receiver([status(307, f"location: {other.url}")]) as receiver:
        outcome = posted(receiver.url)

        assert Outcome("redirect", 307) == outcome
        assert [] == other.requests


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch):
    """
    Whatever the environment says.
    """
    with Receiver() as proxy, Receiver() as receiver:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        outcome = posted(receiver.url)

        assert Outcome(None, 200) == outcome
        assert [] == proxy.requests


def test_the_body_arrives_byte_for_byte():
    """
    What was signed is what is sent.
    """
    body = '{"a": "红包 \\u0000"}'.encode() * 20_000
    with Receiver() as receiver:
        posted(receiver.url + "?x=1&y=%20", body=body)
        (request,) = receiver.requests

    assert "POST /hook?x=1&y=%20 HTTP/1.1" == request.line
    assert body == request.body
    assert f"127.0.0.1:{receiver.port}" == request.headers["host"]
    assert ("application/json", "ev_1") == (
        request.headers["content-type"],
        request.headers["webhook-id"],
    )


def test_nobody_there():
    """
    A port where nothing listens.
    """
    with Receiver() as receiver:
        url = receiver.url
    assert Outcome("refused", is_answer=False) == posted(url)


def _found(*hosts: str) -> Callable[..., list[Any]]:
    asked: list[str] = []

    def lookup(host: str, port: int, **_kind: object) -> list[Any]:
        asked.append(host)
        found = hosts[min(len(asked), len(hosts)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found.split()]

    return lookup


@every("hosts", ["93.184.216.34", "127.0.0.1 93.184.216.34", "10.0.0.1", "169.254.169.254"])
def test_events_stay_on_this_machine(hosts: str):
    """
    By the address, not by the name; one address elsewhere is enough to be refused.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", _found(hosts))
        outcome = posted("http://localhost:9/")

    assert Outcome("not_this_machine", is_answer=False) == outcome


def test_the_address_that_was_checked_is_the_one_that_is_used(monkeypatch: pytest.MonkeyPatch):
    """
    A name that is this machine's when it is looked up, and another's a moment later.
    """
    with Receiver() as receiver:
        monkeypatch.setattr(socket, "getaddrinfo", _found("127.0.0.1", "93.184.216.34"))
        outcome = posted(f"http://rebinding.example:{receiver.port}/")

    assert Outcome(None, 200) == outcome
    assert f"rebinding.example:{receiver.port}" == receiver.requests[0].headers["host"]


@every(
    ("text", "problem"),
    [
        ("ftp://127.0.0.1/", "scheme"),
        ("127.0.0.1:80", "scheme"),
        ("http://", "no_host"),
        ("http://me:secret@127.0.0.1/", "password"),
        ("http://127.0.0.1/#top", "fragment"),
        ("http://127.0.0.1:99999/", "unreadable"),
        ("http://127.0.0.1/ HTTP/1.1", "characters"),
        ("http://127.0.0.1/\r\nx: y", "characters"),
        ("http://红包.example/", "characters"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(text: str, problem: str):
    """
    Above all what would put lines into the request.
    """
    with pytest.raises(InvalidUrl) as refused:
        parse_url(text)
    assert problem == refused.value.problem


@pytest.mark.slow
def test_a_certificate_has_to_be_one_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    For the name in the URL, and by an authority that this machine knows.
    """
    certificate = self_signed(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Receiver(context=context) as receiver:
        url = receiver.url.replace("http://127.0.0.1", "https://localhost")
        unknown = posted(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusted = posted(url)
        other_name = posted(url.replace("localhost", "127.0.0.1"))
        plain = posted(url.replace("https", "http"))

    assert (Outcome("tls", is_answer=False), Outcome(None, 200)) == (unknown, trusted)
    assert Outcome("tls", is_answer=False) == other_name
    assert plain.why in ("cut_off", "not_http")


def self_signed(folder: Path, name: str) -> Path:
    """Return a file with a key and a certificate for the host of that *name*."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_a_receiver_may_have_an_address_of_version_six():
    """
    In brackets, as a URL has it.
    """
    try:
        receiver = Receiver(host="::1")
    except OSError:
        pytest.skip("this machine has no ::1")
    with receiver:
        assert Outcome(None, 200) == posted(f"http://[::1]:{receiver.port}/")
        assert f"[::1]:{receiver.port}" == receiver.requests[0].headers["host"]
