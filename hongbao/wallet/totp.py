"""Authenticators: added and removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hongbao.changes.people import SetTotp, SetTotpStep
from hongbao.errors import AuthenticatorExists, CodeNotRepeated, NoAuthenticator
from hongbao.home.opened import Home
from hongbao.queries.devices import acting_device, check_may_act
from hongbao.store import ProfileRow
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.devices import Typed, check_identified, identity_proof
from hongbao.wallet.requests import earlier_answer
from hongbao.wallet.unit_of_work import perform

if TYPE_CHECKING:
    from hongbao.answers import TotpChanged


def add_totp(
    home: Home,
    share: Callable[[bytes, str], str],
    *,
    pin: AskPin,
    request_id: str | None = None,
) -> TotpChanged:
    """
    Give this profile an authenticator: from now on each PIN is asked for with its code.

    *share* is given the new secret and the profile's name, hands them to the authenticator, and
    returns the code that it shows then: what cannot show one is not added.

    Raises AuthenticatorExists, CodeNotRepeated, InvalidCode, and what `authorise` raises.
    """
    from hongbao.vault.authenticator import matching_step, new_secret

    first: TotpChanged | None = earlier_answer(home, "totp_add", {}, request_id)
    if first is not None:
        return first
    me = home.me
    if me.totp_secret is not None:
        raise AuthenticatorExists(profile=me.name)
    check_may_act(acting_device(home, me))  # before a secret is handed out for nothing
    authorise(home, pin)
    secret = new_secret(home.vault.random)
    step = matching_step(secret, share(secret, me.name), home.now(), 0)
    if step is None:
        raise CodeNotRepeated

    def work(doing: Act) -> TotpChanged:
        if doing.me.totp_secret is not None:  # another process was quicker
            raise AuthenticatorExists(profile=doing.me.name)
        doing.change(
            SetTotp(doing.me.id, home.vault.seal(doing.me.id, "totp_secret", secret.hex()))
        )
        doing.change(SetTotpStep(doing.me.id, step))
        return {**doing.common, "profile": doing.me.name, "authenticator": True}

    return perform(home, "totp_add", {}, work, request_id=request_id)


def remove_totp(
    home: Home, *, pin: AskPin, identity: Typed | None = None, request_id: str | None = None
) -> TotpChanged:
    """
    Take this profile's authenticator away, with its code, or, if it is lost, an *identity*.

    Raises NoAuthenticator, NotIdentified, and what `authorise` raises.
    """
    proof = identity_proof(home, identity)
    inputs = {} if proof is None else proof.as_inputs()
    first: TotpChanged | None = earlier_answer(home, "totp_remove", inputs, request_id)
    if first is not None:
        return first
    _check_authenticator(home.me)
    check_identified(home, proof)
    authorise(home, pin, identity=proof, code=proof is None)

    def work(doing: Act) -> TotpChanged:
        _check_authenticator(doing.me)
        doing.change(SetTotp(doing.me.id, None))
        return {**doing.common, "profile": doing.me.name, "authenticator": False}

    return perform(home, "totp_remove", inputs, work, request_id=request_id)


def _check_authenticator(me: ProfileRow) -> None:
    if me.totp_secret is None:
        raise NoAuthenticator(profile=me.name)
