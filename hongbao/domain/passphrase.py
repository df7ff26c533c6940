"""Passphrase strength: refuses those that a search would try first."""

import re
import unicodedata
from collections.abc import Iterable

from hongbao.errors import CommonPassphrase, WeakPassphrase

LENGTH_MIN = 8

_DIGITS_MIN = 12
"""Digits alone need more: eight are a date, eleven a telephone number."""

_AROUND_MAX = 8
"""So many digits and signs before and behind a common word make it no better: a date and a dot."""

_COMMON = frozenset(
    """
    abc access admin alipay asdf asdfgh asdfghjkl azerty baseball basketball batman butterfly
    charlie chocolate computer default dragon football freedom guest hello helloworld hongbao
    iloveu iloveyou internet jennifer jessica jordan killer letmein liverpool login master michael
    michelle monkey mustang pass passphrase passw passwd password passwort pokemon princess qazwsx
    qazwsxedc qqq qwe qweasd qweasdzxc qwer qwert qwerty qwertyui qwertyuiop qwertz red rockyou
    samsung secret shadow soccer starwars sunshine superman test testing trustno unlock user
    wallet wangwang wechat weixin welcome whatever woaini woaiwojia wodemima xiaoming zaqwsx
    zhangwei zxcvb zxcvbn zxcvbnm 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 a1b2c3d4
    q1w2e3r4 q1w2e3r4t5 zaq12wsx 123qweasd 123qweasdzxc 恭喜发财 红包 我爱你 密码 口令 微信 支付宝
    """.split()  # noqa: SIM905 - as a list it would be a word a line
)
"""
What lists of leaked passwords begin with, in China and elsewhere, without digits at the ends.

No library: zxcvbn, the usual one, knows tens of thousands of words. It would be a dependency with
separate data for one command, and a search finds those words within the hour as well. What helps
is several words, which the refusal asks for.
"""

_ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "01234567890")
_DISGUISED = str.maketrans("@4301!$5", "aaeoiiss")


def check_passphrase(text: str, names: Iterable[str] = ()) -> None:
    """
    Refuse *text* as a new passphrase where it is short, or among the first that a search tries.

    That is a common word or one of *names* with digits or signs around it, a run along the
    alphabet or the keyboard, a few characters again and again, or digits alone.

    Raises WeakPassphrase or CommonPassphrase.
    """
    if len(text) < LENGTH_MIN:
        raise WeakPassphrase(length_min=LENGTH_MIN)
    plain = unicodedata.normalize("NFKC", text).casefold()
    if (
        (plain.isdecimal() and len(plain) < _DIGITS_MIN)
        or _repeats(plain)
        or _is_run(plain)
        or _is_one_of(plain, {*_COMMON, *map(str.casefold, names)})
    ):
        raise CommonPassphrase(length_min=LENGTH_MIN)


def _repeats(text: str) -> bool:
    """
    Return whether up to four characters come again and again.

    >>> _repeats("88888888"), _repeats("abcabcab"), _repeats("abcdabce")
    (True, True, False)
    """
    # What comes again after one character or two does so after four as well.
    return any(all(text[at] == text[at % size] for at in range(len(text))) for size in (3, 4))


def _is_run(text: str) -> bool:
    """
    Return whether *text* is one way along the alphabet, the digits or the keys, round and round.

    >>> _is_run("87654321"), _is_run("qwertyuiop"), _is_run("qwertasdfg")
    (True, True, False)
    """
    rounds = [row * (len(text) // len(row) + 2) for row in _ROWS]
    return any(text in round_ or text[::-1] in round_ for round_ in rounds)


def _is_one_of(text: str, words: set[str]) -> bool:
    """
    Return whether *text* is one of *words*, as it is or with digits and signs around or within it.

    >>> _is_one_of("p@ssw0rd-2026", {"password"}), _is_one_of("my password", {"password"})
    (True, False)
    """
    inner = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    if len(text) - len(inner) > _AROUND_MAX:
        return False
    return not words.isdisjoint({text, inner, inner.translate(_DISGUISED)})
