"""Signatures are those of Standard Webhooks, and what is wrong with one is named."""

import base64
import hmac
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from hongbao.delivery.signing import Secret, headers, problems
from hongbao.errors import InvalidWebhookSecret
from tests import consumers
from tests.every import every

SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
MESSAGE, AT = "ev_630962_12", datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
BODY = '{"type": "claimed", "data": {"actor": "小红"}}'.encode()


def library() -> Any:
    """Return the published library, which receivers use."""
    try:
        return import_module("standardwebhooks.webhooks")
    except ImportError:
        consumers.missing("standardwebhooks")


def test_the_published_vector():
    """
    As the libraries of Standard Webhooks test themselves with it.
    """
    signed = SECRET.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')

    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == signed


def test_the_published_library_accepts_what_we_sign():
    """
    With one secret, and with either of two.
    """
    webhook = library().Webhook
    now = datetime.now(UTC)
    other = Secret.new(lambda length: bytes(range(length)))
    body = BODY.decode()
    for secrets in ([SECRET], [other, SECRET], [SECRET, other]):
        for secret in secrets:
            signed = headers(MESSAGE, now, BODY, secrets)
            assert webhook(secret.reveal()).verify(body, signed)["type"] == "claimed"
    assert headers(MESSAGE, now, BODY, [SECRET])["webhook-signature"] == webhook(
        SECRET.reveal()
    ).sign(MESSAGE, now, body)


def test_a_genuine_request_has_no_problem():
    """
    Now, and five minutes off; by the new secret and by the old one.
    """
    other = Secret.new(bytes)
    signed = headers(MESSAGE, AT, BODY, [other, SECRET])

    for seconds in (-300, 0, 300):
        assert [] == problems(signed, BODY, [SECRET], AT + timedelta(seconds=seconds))
    assert [] == problems(signed, BODY, [other], AT)
    assert [] == problems(signed, BODY, [SECRET], None)


def _mac(key: bytes, body: bytes = BODY, timestamp: str = "1795953600") -> bytes:
    return hmac.digest(key, f"{MESSAGE}.{timestamp}.".encode() + body, "sha256")


KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
TEXT = b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def _signature(mac: bytes) -> str:
    return "v1," + base64.b64encode(mac).decode()


@every(
    ("change", "problem"),
    [
        ({"webhook-id": ""}, "no_id"),
        ({"webhook-timestamp": " "}, "no_timestamp"),
        ({"webhook-signature": ""}, "no_signature"),
        ({"webhook-id": "ev_630962_13"}, "signature_differs"),
        ({"webhook-timestamp": "2026-11-29"}, "timestamp_unreadable"),
        ({"webhook-timestamp": "1795953600000"}, "timestamp_in_milliseconds"),
        ({"webhook-timestamp": "1795953299"}, "too_old"),
        ({"webhook-timestamp": "1795953901"}, "too_new"),
        ({"webhook-signature": "v2," + base64.b64encode(_mac(KEY)).decode()}, "no_v1"),
        ({"webhook-signature": base64.b64encode(_mac(KEY)).decode()}, "version_missing"),
        ({"webhook-signature": "v1," + _mac(KEY).hex()}, "hexadecimal"),
        ({"webhook-signature": _signature(_mac(TEXT))}, "secret_not_decoded"),
        ({"webhook-signature": _signature(_mac(b"whsec_" + TEXT))}, "secret_not_decoded"),
        ({"webhook-signature": _signature(_mac(KEY, BODY + b"\n"))}, "body_line_end"),
        ({"webhook-signature": _signature(bytes(32))}, "signature_differs"),
        ({"webhook-signature": "v1,é"}, "signature_differs"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(change: dict[str, str], problem: str):
    """
    The mistakes that receivers and senders have made elsewhere, each by its name.
    """
    signed = headers(MESSAGE, AT, BODY, [SECRET]) | change

    assert problem in problems(signed, BODY, [SECRET], AT)


@every("text", ["", "whsec_", "whsec_!!!!", "whsec_YWJj", "whsec_" + "A" * 88 + "AAAA"])
def test_what_is_no_secret_is_refused(text: str):
    """
    No base64, too short, too long; and the error does not repeat it.
    """
    with pytest.raises(InvalidWebhookSecret) as refused:
        Secret(text)
    assert [] == [*refused.value.facts]


@every("before", ["", "http://127.0.0.1:8000/\t", "a\tb\t"])
def test_a_secret_is_read_from_what_a_pipe_got(before: str):
    """
    `webhook add URL >secret.txt` writes the webhook before it.
    """
    assert SECRET.reveal() == Secret.in_line(f"{before}{SECRET.reveal()}\n").reveal()


def test_a_secret_does_not_print():
    """
    It is shown where it is asked for, and nowhere by accident.
    """
    assert "MfKQ" not in f"{SECRET!r} {SECRET}"
    assert SECRET.reveal() == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
