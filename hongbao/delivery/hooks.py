"""Webhooks: which there are, with their secrets, sealed next to the ledger."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from hongbao.delivery.posting import NotThisMachine, Url, addresses, parse_url, post
from hongbao.delivery.sending import Letter, Outcome
from hongbao.delivery.signing import Secret, headers
from hongbao.errors import (
    Damaged,
    NotLoopback,
    WebhookExists,
    WebhookNotFound,
)
from hongbao.vault import Notes

NOTE = "webhooks"
SECRETS_MAX = 2
"""How many secrets sign at a time: the new one, and the one before it."""


class Hook(NamedTuple):
    """A webhook, with its secrets, the newest first."""

    url: str
    secrets: tuple[Secret, ...]
    any_host: bool
    added_at: str


class Hooks:
    """The webhooks of a home."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def all(self) -> list[Hook]:
        """Return every webhook, in the order of their addition."""
        if self._notes.read(NOTE) is None:
            return []
        try:
            (line,) = self._notes.sealed_lines(NOTE)
            return [
                Hook(
                    each["url"],
                    tuple(Secret(text) for text in each["secrets"]),
                    each["any_host"],
                    each["added_at"],
                )
                for each in json.loads(line)
            ]
        except (ValueError, KeyError, TypeError):
            raise Damaged(path=str(self._notes.path(NOTE))) from None

    def find(self, url: str) -> Hook:
        """Return the webhook at *url*. Raises WebhookNotFound."""
        found = next((hook for hook in self.all() if hook.url == url), None)
        if found is None:
            raise WebhookNotFound(webhook=url)
        return found

    def add(self, url: str, secret: Secret, *, any_host: bool, at: str) -> Hook:
        """Add a webhook. Raises InvalidUrl, NotLoopback and WebhookExists."""
        parsed = parse_url(url)
        if not any_host:
            _check_loopback(parsed)
        with self._changing() as hooks:
            if any(hook.url == url for hook in hooks):
                raise WebhookExists(webhook=url)
            hooks.append(Hook(url, (secret,), any_host, at))
        return hooks[-1]

    def rotate(self, url: str, secret: Secret | None) -> Hook:
        """
        Sign with a new *secret* first, and with the one before it as well.

        Without a new one, sign with the newest alone from now on. Raises WebhookNotFound.
        """
        with self._changing() as hooks:
            place = self._place(hooks, url)
            before = hooks[place].secrets
            secrets = before[:1] if secret is None else (secret, *before)[:SECRETS_MAX]
            hooks[place] = hooks[place]._replace(secrets=secrets)
        return hooks[place]

    def remove(self, url: str) -> Hook:
        """Remove a webhook, with its secrets. Raises WebhookNotFound."""
        with self._changing() as hooks:
            return hooks.pop(self._place(hooks, url))

    def _place(self, hooks: list[Hook], url: str) -> int:
        for place, hook in enumerate(hooks):
            if hook.url == url:
                return place
        raise WebhookNotFound(webhook=url)

    @contextmanager
    def _changing(self) -> Iterator[list[Hook]]:
        with self._notes.guarded(NOTE):
            hooks = self.all()
            yield hooks
            document = [
                {
                    "url": hook.url,
                    "secrets": [secret.reveal() for secret in hook.secrets],
                    "any_host": hook.any_host,
                    "added_at": hook.added_at,
                }
                for hook in hooks
            ]
            self._notes.write_sealed(NOTE, [json.dumps(document).encode()])


def _check_loopback(url: Url) -> None:
    try:
        addresses(url, any_host=False)
    except NotThisMachine:
        raise NotLoopback(host=url.host) from None
    except (OSError, UnicodeError):
        return  # it may be there later; each try looks again


class WebhookTarget:
    """
    A webhook that events are handed to.

    Its secrets are looked up at each try by *find*, so that a rotation counts at once.
    """

    def __init__(
        self,
        url: str,
        find: Callable[[str], Hook],
        now: Callable[[], datetime],
        *,
        stamps_virtually: bool = False,
    ) -> None:
        self._url = parse_url(url)
        self._find = find
        self._now = now
        self._stamps_virtually = stamps_virtually

    @property
    def name(self) -> str:
        return self._url.text

    def hand_over(self, letter: Letter) -> Outcome:
        try:
            hook = self._find(self._url.text)
        except WebhookNotFound:
            return Outcome("removed", is_final=True)
        at = letter.at if self._stamps_virtually else self._now()
        return post(
            self._url,
            letter.body,
            headers(letter.id, at, letter.body, hook.secrets),
            any_host=hook.any_host,
        )

    def stop(self) -> None:
        """A request is over after ten seconds at the latest."""
