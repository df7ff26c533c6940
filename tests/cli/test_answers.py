"""One life of a home, told four times: to people in two languages, and to programs."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from hongbao import answers
from hongbao.auditing import PROBLEMS, SHARED
from tests.cli.shell import Said, Shell

PIN, NEW_PIN = "246813", "135792"

LIFE: dict[str, Sequence[str]] = {
    # In the order of a life; {1}, {2} … are the packets in the order in which they were met.
    "init": ("init", "小明", "--clock", "2026-02-16T20:00:00+08:00", "--dice", "2026"),
    "init again": ("init", "小红"),
    "init once more": ("init", "小刚"),
    "profiles": ("profiles",),
    "use": ("use", "小明"),
    "identify": ("identify", "--name", "张三", "--id-number", "11010519491231002X"),
    "card add": ("card", "add", "9999 0100 0000 0003"),
    "card add another": ("card", "add", "9999050000000009"),
    "card list": ("card", "list"),
    "card": ("card",),
    "card remove": ("card", "remove", "0009"),
    "card refunds": ("card", "refunds"),
    "card refunds card": ("card", "refunds", "card"),
    "topup": ("topup", "500"),
    "policy list": ("policy",),
    "policy use": ("policy", "use", "pboc-2015"),
    "limits": ("limits",),
    "policy use back": ("policy", "use", "standard"),
    "policy show": ("policy", "show"),
    "send lucky": ("send", "66.66", "--count", "2"),
    "send equal": ("send", "--each", "8.88", "--count", "2"),
    "send exclusive": ("send", "52", "--to", "小红", "--from", "icbc-0003"),
    "send one": ("send", "1", "--cover", "龙年", "-g", "新年快乐"),
    "packets": ("packets", "--claimable", "-p", "小红"),
    "claim": ("claim", "{1}", "-p", "小红"),
    "claim last": ("claim", "{1}", "-p", "小刚"),
    "claim exclusive": ("claim", "{3}", "-p", "小红"),
    "show": ("show", "{1}"),
    "verify": ("verify", "{1}"),
    "balance": ("balance",),
    "status": ("status",),
    "clock": ("clock",),
    "clock advance": ("clock", "advance", "25h"),
    "clock set": ("clock", "set", "2026-02-18"),
    "refund nothing": ("refund",),
    "withdraw": ("withdraw", "100"),
    "history": ("history",),
    "history page": ("history", "--kind", "send", "--limit", "2"),
    "history with": ("history", "--with", "小红"),
    "export": ("export", "--format", "json"),
    "export file": ("export", "-o", "{home}/statement.csv"),
    "pin change": ("pin", "change", "--new-pin-file", "{home}/new.pin"),
    "check": ("check",),
    "backup": ("backup", "{home}/copy"),
    "restore": ("restore", "{home}/copy"),
    "rekey": ("rekey", "--yes"),
    "home": ("home",),
    "lock": ("lock", "--passphrase-file", "{home}/passphrase", "--pin-file", "{home}/new.pin"),
    "unlock": ("unlock",),
    "completion": ("completion", "bash"),
}

SHAPES: dict[str, type[Any]] = {
    "init": answers.Founded,
    "use": answers.ProfileLine,
    "identify": answers.Identified,
    "card add": answers.CardBound,
    "card remove": answers.CardBound,
    "card refunds": answers.RefundsTo,
    "card refunds card": answers.RefundsChosen,
    "topup": answers.ToppedUp,
    "limits": answers.Limits,
    "policy use": answers.PolicyUsed,
    "send lucky": answers.Sent,
    "send equal": answers.Sent,
    "send exclusive": answers.Sent,
    "claim": answers.Claimed,
    "show": answers.PacketShown,
    "verify": answers.Verified,
    "balance": answers.Balance,
    "status": answers.Status,
    "clock": answers.ClockShown,
    "clock advance": answers.ClockShown,
    "clock set": answers.ClockShown,
    "refund nothing": answers.Refunds,
    "withdraw": answers.Withdrawn,
    "history": answers.History,
    "export file": answers.Exported,
    "pin change": answers.PinChanged,
    "check": answers.Checked,
    "backup": answers.HomeChanged,
    "restore": answers.HomeChanged,
    "rekey": answers.HomeChanged,
    "home": answers.HomeShown,
    "lock": answers.HomeChanged,
    "unlock": answers.HomeChanged,
}
"""What `hongbao.answers` promises that each command says to programs."""

Life = dict[str, Said]


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], Life]:
    """Return what lives a life in a language, as people or as programs are told of it, once."""
    lives: dict[tuple[str, bool], Life] = {}

    def lived(language: str, as_json: bool) -> Life:
        if (language, as_json) not in lives:
            shell = Shell(tmp_path_factory.mktemp("life") / "home", PIN)
            beside = shell.home.parent
            (beside / "new.pin").write_text(NEW_PIN)
            (beside / "passphrase").write_text("correct horse battery")
            asked = [
                [word.replace("{home}", str(beside)) for word in line] for line in LIFE.values()
            ]
            said = shell.plays(
                *([*line, "--json"] if as_json else line for line in asked),
                HONGBAO_LANG=language,
                HONGBAO_PASSPHRASE_FILE=str(beside / "passphrase"),
            )
            lives[language, as_json] = dict(
                zip(LIFE, (_without_place(each, beside) for each in said), strict=True)
            )
        return lives[language, as_json]

    return lived


def _without_place(said: Said, place: Path) -> Said:
    """Return *said* without what differs from one home to the next: its folder and its seals."""
    told = [text.replace(str(place), "~") for text in said[1:]]
    return Said(said.code, *(re.sub(r"\b([0-9a-f]{64}){1,2}\b", "<seal>", text) for text in told))


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_whole_life_goes_well(live: Callable[[str, bool], Life], language: str, as_json: bool):
    """
    Every command, one after another, exits with 0.
    """
    failed = {name: said.err for name, said in live(language, as_json).items() if said.code}

    assert {} == failed


def test_programs_are_told_the_same_in_every_language(live: Callable[[str, bool], Life]):
    """
    One document on standard output, the same to the byte, and silence on standard error.
    """
    english, chinese = live("en", True), live("zh_CN", True)

    for name, said in english.items():
        json.loads(said.out)
        assert (name, said) == (name, chinese[name])
        assert (name, "") == (name, said.err)


def test_a_document_has_the_promised_keys(live: Callable[[str, bool], Life]):
    """
    No key more, none less: what `hongbao.answers` says is what scripts get.
    """
    for name, promised in SHAPES.items():
        keys = set(json.loads(live("en", True)[name].out))

        assert (name, set()) == (name, promised.__required_keys__ - keys)
        assert (name, set()) == (name, keys - set(get_type_hints(promised)))


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_pipe_gets_no_escapes(live: Callable[[str, bool], Life], language: str):
    """
    Colour and cursor movements are for terminals.
    """
    for name, said in live(language, False).items():
        assert (name, False) == (name, "\x1b" in said.out + said.err)


# --- what people read ----------------------------------------------------------------------------

TOLD = {
    "init": (
        "created profile 小明 · not verified · policy standard@2",
        "已创建用户小明 · 未实名 · 限额规则 standard@2",
    ),
    "use": ("using profile 小明 from now on", "当前用户：小明"),
    "identify": (
        "verified 小明 · 张* · 1101**********002X · verified",
        "小明实名认证成功 · 张* · 1101**********002X · 已实名",
    ),
    "card add": (
        "bound icbc-0003 · ICBC (demo) · **** 0003",
        "已绑定 icbc-0003 · 工商银行（演示） · **** 0003",
    ),
    "card remove": (
        "removed boc-0009 · BOC (demo) · **** 0009",
        "已解绑 boc-0009 · 中国银行（演示） · **** 0009",
    ),
    "topup": (
        "topped up 500.00 from icbc-0003 · balance 500.00",
        "已从 icbc-0003 充值500.00元 · 零钱500.00元",
    ),
    "policy use": (
        "policy pboc-2015@2 is active · before it, standard@2",
        "限额规则 pboc-2015@2 已生效 · 之前是 standard@2",
    ),
    "send lucky": (
        (
            "sent <packet> · 66.66 in 2 lucky shares · until 2026-02-17 20:00:00\n"
            "paid from balance · balance 433.34"
        ),
        (
            "已发 <packet> · 拼手气红包2个，共66.66元 · 有效至2026-02-17 20:00:00\n"
            "用零钱支付 · 零钱433.34元"
        ),
    ),
    "send equal": (
        (
            "sent <packet> · 2 shares of 8.88 · until 2026-02-17 20:00:00\n"
            "paid from balance · balance 415.58"
        ),
        (
            "已发 <packet> · 普通红包2个，每个8.88元 · 有效至2026-02-17 20:00:00\n"
            "用零钱支付 · 零钱415.58元"
        ),
    ),
    "send exclusive": (
        (
            "sent <packet> · 52.00 for 小红 · until 2026-02-17 20:00:00\n"
            "paid from icbc-0003 · balance 415.58"
        ),
        (
            "已发 <packet> · 小红的专属红包52.00元 · 有效至2026-02-17 20:00:00\n"
            "用 icbc-0003 支付 · 零钱415.58元"
        ),
    ),
    "send one": (
        (
            "sent <packet> · 1.00 in 1 share · until 2026-02-17 20:00:00\n"
            "paid from balance · balance 414.58"
        ),
        "已发 <packet> · 1.00元，1个 · 有效至2026-02-17 20:00:00\n用零钱支付 · 零钱414.58元",
    ),
    "claim exclusive": (
        "claimed 52.00 from 小明 · balance <amount>",
        "领到小明的红包52.00元，已存入零钱 · 零钱<amount>元",
    ),
    "clock advance": (
        (
            "2026-02-16 23:00:00 · settled with the banks · gross 552.00 · net 552.00\n"
            "2026-02-17 20:00:00 · returned 17.76 of <packet> to balance\n"
            "2026-02-17 20:00:00 · returned 1.00 of <packet> to balance\n"
            "it is 2026-02-17 21:00:00 now"
        ),
        (
            "2026-02-16 23:00:00 · 已与各银行结算 · 总额552.00元 · 净额552.00元\n"
            "2026-02-17 20:00:00 · <packet> 退回17.76元到零钱\n"
            "2026-02-17 20:00:00 · <packet> 退回1.00元到零钱\n"
            "现在是2026-02-17 21:00:00"
        ),
    ),
    "withdraw": (
        "withdrew 100.00 to icbc-0003 · no fee · balance 333.34",
        "已提现100.00元到 icbc-0003 · 免手续费 · 零钱333.34元",
    ),
    "export file": (
        (
            "wrote 8 movements to ~/statement.csv · opening 0.00 · closing 333.34\n"
            "signed in ~/statement.csv.sig"
        ),
        "已写入8条明细到 ~/statement.csv · 期初0.00元 · 期末333.34元\n签名在 ~/statement.csv.sig",
    ),
    "pin change": ("changed the payment PIN of 小明", "小明的支付密码已修改"),
    "backup": (
        "copied the ledger to ~/copy · up to entry <n>",
        "账本已备份到 ~/copy · 至第<n>条记录",
    ),
    "restore": (
        "restored the ledger from ~/copy · up to entry <n>",
        "已用 ~/copy 恢复账本 · 至第<n>条记录",
    ),
    "rekey": (
        "everything is re-encrypted · keys of generation 2",
        "已全部重新加密 · 第2代密钥",
    ),
    "home": (
        "wallet in ~/home\nledger in ~/home/data/ledger.db\nopens with a key on this device",
        "钱包在 ~/home\n账本在 ~/home/data/ledger.db\n用本机密钥打开",
    ),
    "lock": (
        "locked · this wallet now opens with a passphrase",
        "已锁定 · 现在用解锁密码打开",
    ),
    "unlock": (
        "unlocked · this wallet now opens with a key on this device",
        "已解锁 · 现在用本机密钥打开",
    ),
}


def test_a_change_is_told_in_a_line_or_two(live: Callable[[str, bool], Life]):
    """
    What was done, to whom, and what is left, in the reader's language.
    """
    for name, expected in TOLD.items():
        told = tuple(
            _anonymous(live(language, False)[name].out, name) for language in ("en", "zh_CN")
        )
        assert (name, expected) == (name, told)


def _anonymous(text: str, name: str) -> str:
    text = re.sub(r"hb_[0-9A-Z]{8}", "<packet>", text.rstrip("\n"))
    if name in ("backup", "restore"):
        text = re.sub(r"(entry |第)\d+", r"\1<n>", text)
    if name == "claim exclusive":
        text = re.sub(r"(balance |零钱)\d+\.\d\d(?=元?$)", r"\1<amount>", text)
    return text


ROWS = {
    "profiles": [
        "*\t小明\tunverified\t\t\t0\t2026-02-16T20:00:00+08:00",
        "\t小红\tunverified\t\t\t0\t2026-02-16T20:00:00+08:00",
        "\t小刚\tunverified\t\t\t0\t2026-02-16T20:00:00+08:00",
    ],
    "card list": [
        "icbc-0003\ticbc\t**** 0003\t2026-02-16T20:00:00+08:00",
        "boc-0009\tboc\t**** 0009\t2026-02-16T20:00:00+08:00",
    ],
    "policy list": [
        "\tpboc-2015@2\tPBoC 2015, classes I to III",
        "*\tstandard@2\tstandard",
    ],
    "limits": [
        "class-1-lifetime\tlifetime\t1000.00\t0.00\t1000.00\t\tsend_balance,withdraw\tA",
        "profile\t小明",
        *(
            rf"{name}\t.+"
            for name in (
                *("tier", "policy", "channels", "factors", "share_max_yuan", "shares_max"),
                *("packet_max_yuan", "expires_hours", "withdraw_free_left_yuan"),
                *("profiles_of_person", "profiles_max", "unconfirmed"),
            )
        ),
    ],
    "balance": ["414.58\t18.76\t0.00\t433.34\t0.00\t414.58\t0.00\t\t0.00\t小明"],
    "card refunds": ["card"],
    "clock": ["2026-02-16T20:00:00+08:00\tvirtual"],
    "refund nothing": [],
    "history page": [
        r"\d+\t2026-02-16T20:00:00\+08:00\tsend\t-1.00\t414.58\t<packet>\t\t\t\t",
        (
            r"\d+\t2026-02-16T20:00:00\+08:00\tsend\t0.00\t415.58\t<packet>\t小红"
            r"\ticbc-0003\t-52.00\t"
        ),
    ],
}


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_table_in_a_pipe_is_tab_separated_lines(live: Callable[[str, bool], Life], language: str):
    """
    No heading, amounts with two decimals, codes and instants as in JSON, in every language.
    """
    for name, rows in ROWS.items():
        out = re.sub(r"hb_[0-9A-Z]{8}", "<packet>", live(language, False)[name].out)

        assert (name, len(rows)) == (name, len(out.splitlines()))
        for expected, line in zip(rows, out.splitlines(), strict=True):
            assert expected == line or re.fullmatch(expected, line)


def test_a_check_in_a_pipe_is_a_line_for_each(live: Callable[[str, bool], Life]):
    """
    `grep failed` tells a script all that it wants to know.
    """
    lines = live("en", False)["check"].lines

    assert ["ok"] * len(PROBLEMS.keys() - SHARED) == [line.split("\t")[0] for line in lines[:-7]]
    assert ["entries", "transfers", "digest", "proven", "sealed", "unread", "head"] == [
        line.split("\t")[0] for line in lines[-7:]
    ]


def test_a_luckiest_share_is_marked_in_a_pipe(live: Callable[[str, bool], Life]):
    """
    Once the packet is finished, exactly one share is the luckiest.
    """
    lines = live("en", False)["show"].lines[:2]

    assert 1 == sum(line.split("\t")[4] == "luckiest" for line in lines)
