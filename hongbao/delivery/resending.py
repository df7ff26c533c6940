"""Sending events again: under the same ID, now, and once."""

from time import monotonic

from hongbao.delivery.hooks import Hooks, WebhookTarget
from hongbao.delivery.sending import Letter
from hongbao.delivery.tries import DELIVERED, FAILED, GIVEN_UP, Tries, Try, given_up, last_tries
from hongbao.delivery.watching import letter_of
from hongbao.errors import EventNotFound
from hongbao.home.opened import Home
from hongbao.queries.watching import event_in


def resend(
    home: Home, hooks: Hooks, tries: Tries, number: int | None, url: str | None
) -> list[Try]:
    """
    Send the event of that *number* to every webhook, or to the one at *url*, and return the tries.

    Without a number, it is what was given up. Raises EventNotFound and WebhookNotFound.
    """
    known = hooks.all() if url is None else [hooks.find(url)]
    urls = {hook.url for hook in known}
    before = tries.all()
    if number is not None:
        asked = letter_of(event_in(home, number))
        letters = [(hook.url, asked) for hook in known]
    else:
        letters = [
            (tried.target, letter)
            for tried in given_up(before)
            if tried.target in urls and (letter := _letter(home, tried.event)) is not None
        ]
    last = last_tries(before)
    return [
        _sent(home, hooks, tries, to, letter, last.get((to, letter.id))) for to, letter in letters
    ]


def _letter(home: Home, number: int) -> Letter | None:
    """Return the event of that *number*; None if a restore has taken it away."""
    try:
        return letter_of(event_in(home, number))
    except EventNotFound:
        return None


def _sent(
    home: Home, hooks: Hooks, tries: Tries, url: str, letter: Letter, last: Try | None
) -> Try:
    target = WebhookTarget(url, hooks.find, home.env.now)
    began = monotonic()
    outcome = target.hand_over(letter)
    waiting = None if last is None or last.state != FAILED else last  # for a watcher's next try
    tried = Try(
        cursor="" if waiting is None else waiting.cursor,
        target=url,
        id=letter.id,
        event=letter.event,
        number=1 if last is None else last.number + 1,
        at=home.env.now(),
        state=DELIVERED if outcome.why is None else GIVEN_UP if waiting is None else FAILED,
        status=outcome.status,
        why=outcome.why,
        took_ms=int((monotonic() - began) * 1000),
        next_at=None if waiting is None or outcome.why is None else waiting.next_at,
    )
    tries.note(tried)
    return tried
