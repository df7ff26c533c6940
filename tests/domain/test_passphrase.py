"""What a passphrase must not be."""

import pytest

from hongbao.domain.passphrase import check_passphrase
from hongbao.errors import CommonPassphrase, WeakPassphrase
from tests.every import every


@pytest.mark.parametrize("text", ["", "1234567", "红包红包", "a b c d"])
def test_a_short_passphrase_is_weak(text: str):
    """
    It stands alone against a search, so it has a least length.
    """
    with pytest.raises(WeakPassphrase) as refused:
        check_passphrase(text)

    assert "weak_passphrase" == refused.value.code


@every(
    "text",
    [
        *(
            "password",
            "Password",
            "PASSWORD1",
            "password123!",
            "p@ssw0rd",
            "P@$$w0rd2026",
            "pa55word",
        ),
        *("12345678", "87654321", "1234567890", "0987654321", "11111111", "88888888", "12121212"),
        *("qwertyui", "qwertyuiop", "poiuytrewq", "asdfghjkl", "abcdefgh", "zyxwvuts", "qwerty123"),
        *(
            "1q2w3e4r",
            "1qaz2wsx",
            "zaq12wsx",
            "iloveyou",
            "letmein123",
            "welcome2026",
            "woaini1314",
        ),
        *("20260216", "19491001", "13800138000", "00000000000", "abcabcabc", "红包红包红包红包"),
        *("hongbao1", "Hongbao888", "wechat123", "支付宝123456", "１２３４５６７８", "--------"),
        *("xiaoming", "小明12345678", "Zhang-San.2026", "zhang-san"),
    ],
)
def test_what_a_search_tries_first_is_refused(text: str):
    """
    Common words, the profile's own name, runs, repetitions and dates, however they are dressed up.
    """
    with pytest.raises(CommonPassphrase) as refused:
        check_passphrase(text, ["小明", "Zhang-San"])

    assert text not in str(refused.value)


@every(
    "text",
    [
        *(
            "correct horse battery staple",
            "open sesame, please",
            "恭喜发财大吉大利",
            "my password is long",
        ),
        *(
            "hunter lamp 7 river",
            "3141592653589",
            "hongbao 8315 7731 2294",
            "小明爱吃红烧肉丸",
            "zQ4!x_pL",
        ),
    ],
)
def test_what_has_to_be_searched_for_is_taken(text: str):
    """
    Several words, or characters that do not belong together: no rule asks for signs or capitals.
    """
    check_passphrase(text, ["小明"])


@every(
    "text",
    [
        *("abcdefghijklmnopqrstuvwxyz" * 2 + "abc", ("zyxwvutsrqponmlkjihgfedcba" * 3)[5:]),
        *("0123456789001234567890012", "zxcvbnmzxcvbnmzxcvbnm", "mnbvcxzmnbvcxzmnbvcxz"),
        *("abcabcabcab", "abcdabcdabcd", "ababababa", "314159265358"[:11]),
    ],
)
def test_going_round_again_makes_nothing_better(text):
    """
    Neither a run nor a few characters; nor are eleven digits enough.
    """
    with pytest.raises(CommonPassphrase) as refused:
        check_passphrase(text)

    assert {"length_min": 8} == refused.value.facts


@pytest.mark.parametrize("text", ["314159265358", "abcdeabcde", "zQ4!x_pL"])
def test_what_is_just_good_enough_is_taken(text):
    """
    Twelve digits, five characters that come again, eight of any kind.
    """
    check_passphrase(text)


def test_a_short_passphrase_is_told_how_long_it_must_be():
    """
    Eight characters.
    """
    with pytest.raises(WeakPassphrase) as refused:
        check_passphrase("zQ4!x_p")

    assert {"length_min": 8} == refused.value.facts
