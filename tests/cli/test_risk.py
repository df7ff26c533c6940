"""`risk` as it is typed: on a terminal, in a pipe, as JSON, in both languages."""

import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from hongbao.packs import text_of
from tests.cli.shell import Shell, plain

GUARDS = ("device", "behaviour", "transaction", "account", "data")


@pytest.fixture(scope="session")
def judged(new_year: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """The New Year's home under the strict pack, with a packet that is held and one refused act."""
    shell = new_year.copied_to(tmp_path_factory.mktemp("judged") / "home")
    pack = shell.home.with_name("mine.toml")
    text = text_of("strict").replace('name = "strict"', 'name = "mine"')
    pack.write_text(text.partition("# --- device")[0] + RULES, encoding="utf-8")
    said = shell.plays(
        ("risk", "use", str(pack)),
        ("send", "15", "--to", "小红", "--request-id", "allowed"),
        ("send", "66", "--to", "小红", "--request-id", "held"),
        ("send", "1.23", "--count", "2", "--request-id", "refused"),
        ("send", "99", "--to", "小红", "--request-id", "over"),
    )
    assert [0, 0, 0, 16, 16] == [each.code for each in said], [each.err for each in said]
    return shell


RULES = """
[[rule]]
id = "large"
guard = "transaction"
acts = ["give"]
when = [{ indicator = "amount_fen", at_least = "50.00" }]
answer = "hold"
hold_hours = 24
then = "return"
says = { en = "this is reviewed first", zh = "需先核实" }

[[rule]]
id = "nobody"
guard = "behaviour"
acts = ["send"]
when = [
    { indicator = "just_below", window = "24h", of = "20000.00", at_most = 63 },
    { indicator = "reaction_ms", at_least = 0 },
    { indicator = "night", at_most = 1 },
]
answer = "refuse"
says = { en = "not today", zh = "今日不可" }

[[rule]]
id = "enough"
guard = "account"
acts = ["give"]
when = [{ indicator = "amount_fen", at_least = "99.00" }]
answer = "refuse"
says = { en = "enough", zh = "足够" }

[[report]]
id = "told"
kind = "suspicious"
acts = ["give"]
when = [{ indicator = "day_out_fen", at_least = "0.01" }]
says = { en = "everything", zh = "一切" }
"""

LOOKS = [
    ("risk", "why", "allowed"),
    ("risk", "why", "held"),
    ("risk", "why", "refused"),
    ("risk",),
    ("risk", "show", "小刚"),
    ("risk", "rules"),
    ("risk", "rules", "standard"),
    ("risk", "replay", "--pack", "standard"),
    ("risk", "replay", "--pack", "strict", "--since", "2026-02-16"),
    ("risk", "use", "standard", "-n"),
    ("risk", "train", "--shipped", "-n"),
]


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("columns", [40, 80])
def test_every_screen_fits_the_terminal(judged: Shell, columns: int, language: str):
    """
    In either language; a hint's command may stand out, so that it can be copied.
    """
    for screen in judged.screens(*LOOKS, columns=columns, HONGBAO_LANG=language):
        assert "bug" not in screen
        lines = [line for line in plain(screen).splitlines() if "`" not in line]
        assert [] == [line for line in lines if cell_len(line) > columns]
        assert not re.search(r"\d…|\d\.\n|\d\n\.\d", plain(screen))


def test_why_takes_a_packet_for_whoever_sent_or_claimed_it(judged: Shell):
    """
    Its sender is told how the sending was judged, a claimer how the claim was, and nobody else.
    """
    lucky = judged.packets["lucky"]
    by_card = judged.packets["exclusive"]

    sent = judged.answers("risk", "why", lucky)
    paid = judged.answers("risk", "why", by_card)
    claimed = judged.answers("risk", "why", lucky.lower().replace("hb_", "HB_"), "-p", "小红")

    assert ["send"] == [row["what"] for row in sent["decisions"]]
    assert sent == judged.answers("risk", "why", sent["request_id"])
    assert ["give"] == [row["what"] for row in paid["decisions"]]
    assert ["claim"] == [row["what"] for row in claimed["decisions"]]
    code, error = judged.refuses("risk", "why", by_card, "-p", "小刚")
    assert (10, "decision_not_found") == (code, error["code"])
    assert 10 == judged("risk", "why", "hb_7Q2M4K9X").code


def test_the_last_is_what_was_judged_last_also_if_it_was_stopped(judged: Shell, tmp_path: Path):
    """
    Whoever was just stopped asks why; what they do next is the last then.
    """
    assert judged("risk", "why", "over").out == judged("risk", "why", "last").out

    shell = judged.copied_to(tmp_path / "home")
    shell.plays(("send", "2", "--to", "小红", "--request-id", "later"))
    assert shell("risk", "why", "later").out == shell("risk", "why", "last").out


def test_why_begins_in_plain_words(judged: Shell):
    """
    What was asked for, how it was answered, the rule's own sentence, and what was possible instead.
    """
    refused, chinese = (
        plain(judged.screens(("risk", "why", "over"), columns=80, HONGBAO_LANG=code)[0])
        for code in ("en", "zh_CN")
    )

    lines = refused.strip().splitlines()
    assert lines[0].startswith("giving a packet · 99.00 · 2026-02-1")
    assert ["it was refused", "enough · rule enough"] == lines[1:3]
    assert "up to 49.99 would have been allowed at once" in lines
    assert "足够 · 规则enough" in chinese
    assert "当时不超过49.99元即可放行" in chinese


def test_all_five_guards_are_named(judged: Shell):
    """
    The one without a rule for such an act says so.
    """
    look = ("risk", "why", "held", "--all")
    screen = plain(judged.screens(look, columns=80)[0]).splitlines()
    chinese = plain(judged.screens(look, columns=80, HONGBAO_LANG="zh_CN")[0]).splitlines()

    for guard, name in zip(GUARDS, ("设备", "行为", "交易", "账户", "数据"), strict=True):
        assert f"{guard} guard" in screen
        assert name in chinese
    assert 3 == screen.count("  no rule of this guard applies to such an act")


def test_fired_rules_are_marked(judged: Shell):
    """
    Beside each condition stand the value and the threshold; a report that fired is told, too.
    """
    screen = plain(judged.screens(("risk", "why", "held", "--all"), columns=80)[0])

    assert re.search(
        r"● large +holds for 24h, then returns\n +✓ this amount +66\.00  ≥ 50\.00", screen
    )
    assert re.search(r"○ enough +refuses\n +· this amount +66\.00  ≥ 99\.00", screen)
    assert re.search(r"reports to reviewers\n +● told +reports as suspicious", screen)


def test_what_fired_is_shown_first_and_the_rest_with_all(judged: Shell):
    """
    In 24 rows, with a hint; a pipe and JSON get all of it anyway.
    """
    looks = [("risk", "why", "held"), ("risk", "why", "allowed"), ("risk",), ("risk", "rules")]
    short = [plain(screen) for screen in judged.screens(*looks, columns=80)]
    whole = [plain(s) for s in judged.screens(*((*look, "--all") for look in looks), columns=80)]

    assert "● large" in short[0]
    assert "reports to reviewers" in short[0]
    assert "○" not in short[0] + short[1]
    assert "no rule fired" in short[1]
    for few, all_of_it in zip(short, whole, strict=True):
        assert len(few.splitlines()) <= len(all_of_it.splitlines())
        assert few != all_of_it
        assert "the rest: --all" in few
        assert "--all" not in all_of_it
    assert all(len(few.splitlines()) <= 24 for few in short[:3])
    assert "this amount" not in short[3]
    assert judged.does("risk", "why", "held").out == judged.does("risk", "why", "held", "--all").out
    assert "--all" not in judged.does("risk", "why", "held").err


def test_a_pipe_gets_the_same_in_every_language(judged: Shell):
    """
    A line for each thing, its kind first.
    """
    for look in LOOKS[:-2]:
        english, chinese = (judged.does(*look, HONGBAO_LANG=code).out for code in ("en", "zh_CN"))
        assert english == chinese
        kinds = [line.split("\t")[0] for line in english.splitlines()]
        assert set(kinds) <= {
            *("decision", "rule", "report", "model", "total", "change", "indicator", "hours"),
            *("profile", "pack", "device", "acts", "usual", "today", "home_city", "stops"),
        }


def test_programs_get_all_of_it(judged: Shell):
    """
    Whole numbers and codes, and the sentence in both languages.
    """
    (decision,) = judged.answers("risk", "why", "held")["decisions"]
    replayed = judged.answers("risk", "replay", "--pack", "standard")

    assert ("hold", "large", "mine/1") == (
        decision["verdict"],
        decision["rule"],
        decision["pack"],
    )
    assert {"en": "this is reviewed first", "zh": "需先核实"} == decision["rules"][0]["why"]
    assert {"before": "hold", "after": "allow", "acts": 1} in replayed["totals"]
    assert 3 == replayed["changed"] == len(replayed["changes"])
    assert "mine/1" == judged.answers("risk")["pack"]


def test_looking_is_no_act(judged: Shell):
    """
    The ledger ends where it ended.
    """
    before = judged.ledger()

    for look in LOOKS:
        judged.does(*look)

    assert before == judged.ledger()


def test_a_pack_is_printed_as_the_file_it_is(judged: Shell, tmp_path: Path):
    """
    Character for character, before there is a home, too.
    """
    nowhere = Shell(tmp_path / "nowhere", "246813")

    assert text_of("standard") == judged.does("risk", "rules", "standard", "--text").out
    assert text_of("strict") == nowhere.does("risk", "rules", "strict", "--text").out
    assert judged.home.with_name("mine.toml").read_text() == (
        judged.does("risk", "rules", "mine/1", "--text").out
    )


@pytest.mark.parametrize(
    ("typed", "code", "exit_code"),
    [
        (("risk", "why", "unknown"), "decision_not_found", 10),
        (("risk", "use", "generous"), "risk_pack_not_found", 10),
        (("risk", "rules", "generous"), "risk_pack_not_found", 10),
        (("risk", "replay", "--pack", "generous"), "risk_pack_not_found", 10),
        (("risk", "use", "{pin}"), "invalid_risk_pack", 2),
        (("risk", "use", "{other}"), "risk_pack_version_reused", 2),
        (("risk", "replay", "--pack", "strict", "--since", "soon"), "invalid_instant", 2),
        (("risk", "replay", "--pack", "strict", "--limit", "0"), "invalid_number", 2),
        (("risk", "train"), "too_little_history", 2),
        (("risk", "show", "nobody"), "profile_not_found", 10),
    ],
)
def test_what_is_refused(judged: Shell, typed: tuple[str, ...], code: str, exit_code: int):
    """
    Each by its own code.
    """
    other = judged.home.with_name("other.toml")
    text = judged.home.with_name("mine.toml").read_text(encoding="utf-8")
    other.write_text(text.replace('"50.00"', '"51.00"'), encoding="utf-8")

    refused = judged.refuses(*(word.format(pin=judged.pin_file, other=other) for word in typed))

    assert (exit_code, code) == (refused[0], refused[1]["code"])


def test_a_rule_cannot_draw_on_the_screen(new_year: Shell, tmp_path: Path):
    """
    A sentence with an escape in it is refused with its line; rich's markup is only text.
    """
    shell = new_year.copied_to(tmp_path / "home")
    pack = shell.home.with_name("odd.toml")
    text = text_of("strict").replace('name = "strict"', 'name = "odd"')
    pack.write_text(text.replace("this device is new", "\\u001b[31mnew"), encoding="utf-8")
    assert "invalid_risk_pack" == shell.refuses("risk", "use", str(pack))[1]["code"]

    pack.write_text(text.replace("this device is new", "[red]new[/]"), encoding="utf-8")
    (screen,) = shell.screens(("risk", "rules", str(pack)), columns=80)

    assert "[red]new[/]" in screen


def test_events_tell_of_other_rules(judged: Shell):
    """
    In words, as everything that happens.
    """
    told = judged.screens(("events",), columns=80)[0]
    chinese = judged.screens(("events",), columns=80, HONGBAO_LANG="zh_CN")[0]

    assert "activated another risk pack" in plain(told)
    assert "更换了风控规则" in plain(chinese)
    assert "risk_use" in [
        event["act"] for event in json.loads(judged.does("events", "--json").out)["events"]
    ]


def test_a_picture_without_indicators_has_no_empty_heading(shell: Shell):
    """
    Where a pack's rules look at amounts alone, there is nothing to say of no amount.
    """
    pack = shell.home.with_name("amounts.toml")
    only = RULES.partition('\n[[rule]]\nid = "nobody"')[0]
    pack.write_text(text_of("strict").partition("# --- device")[0] + only, encoding="utf-8")
    [_, screen] = shell.screens(("risk", "use", str(pack)), ("risk", "show"), columns=80)

    assert "if you sent a packet now" not in plain(screen)
    assert "hours" in plain(screen)
