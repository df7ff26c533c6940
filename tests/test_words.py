"""The catalogue keeps up with the code, and says in Chinese exactly what English says."""

import ast
import functools
import re
import string
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hongbao import words
from tests.cli import advice
from tests.every import every
from tools import catalogue
from tools.catalogue import Catalogue, Message

CHINESE_PO = catalogue.po_path("zh_CN")
CHINESE = catalogue.read(CHINESE_PO.read_text(encoding="utf-8"))

collected = functools.cache(catalogue.collected)
"""What the code says; reading all of it takes a second."""

PLACEHOLDERS_FILE = "hongbao/commands/placeholders.py"

SAME_IN_BOTH: frozenset[str] = frozenset({"{why}", "{kind} {subject} · {state}"})
"""Sentences that are rightly the same in Chinese as in English."""


def english(message: Message) -> str:
    """Return what *message* says in English; of two forms, the plural."""
    return catalogue.english(message.msgid)


PLACEHOLDERS: dict[str, set[str]] = {}
for message in CHINESE.values():
    if PLACEHOLDERS_FILE in message.places:
        PLACEHOLDERS.setdefault(english(message), set()).add(message.msgstr)
"""What stands for a value, and what each is in Chinese: one word for each thing that it means."""

ACRONYMS = frozenset(
    {
        *("BOC", "CSV", "GB", "GBK", "HTML", "ICBC", "ID", "JSON", "NU", "PDF", "PIN", "SVG"),
        *("TOML", "UP", "UTC"),
        *("NUL", "QR", "TLS", "XLSX", "ZIP", "ARGS", "COMMAND", "OPTIONS", "EDITOR", "VISUAL"),
        *("LANG", "PAGER", "TAP", "XML", "ASCII", "HTTP", "SQL", "TMPDIR"),
    }
)
"""Capitals that are words, not placeholders; the two of the library's are translated whole."""


def capitals(text: str) -> set[str]:
    return set(re.findall(r"(?<![-\w/.])[A-Z]{2,}(?![-\w/.])", text, re.ASCII))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def commands(text: str) -> list[str]:
    """Return the commands in *text*, with what stands for a value in English."""
    for word, said in (*PLACEHOLDERS.items(), ("NAME", {"<名称>"})):
        for each in said:
            text = text.replace(each, word)
    text = text.replace("SUBJECT", "ID")  # both are <编号>
    return sorted(re.findall(r"`[^`]*`", text))


def prose(text: str) -> str:
    """Return *text* with its commands and placeholders blanked: what a person wrote."""
    return re.sub(r"`[^`]*`|\{[^}]*\}", "", text)


CELLS = frozenset({"{label} {of_fen}", "in {in_fen} · out {out_fen}", "withdrawal · fee {fee_fen}"})
"""Sentences that stand in a table, where amounts have no unit."""

VARIABLES = frozenset({"EDITOR", "LANG", "PAGER", "VISUAL"})
"""Variables of the environment whose names look like words: they stand apart as the others do."""


def is_typed(run: str) -> bool:
    """Return whether *run* begins with what is typed: a code, or a word in small letters."""
    small = re.fullmatch("[a-z]+", run) is not None and run not in {"hongbao", "hongbao"[::-1]}
    return small or words.is_code(run) or not VARIABLES.isdisjoint({run, run[::-1]})


def apart(text: str) -> str:
    """Return *text* with angle brackets at the edges of its codes, which stand apart."""

    def edged(run: re.Match[str]) -> str:
        said = run[0]
        return "⟨" * is_typed(said) + said + "⟩" * is_typed(said[::-1])

    parts = re.split(r"(`[^`]*`|\{[^}]*\})", text)
    return "".join(
        part if number % 2 else re.sub(r"[!-;=?-z|}~]+", edged, part)
        for number, part in enumerate(parts)
    )


def faults(message: Message) -> list[str]:
    """Return what is wrong with *message*'s translation."""
    said, meant = message.msgstr, english(message)
    if not said:
        return ["not translated"]
    found = []
    if said == meant and meant not in SAME_IN_BOTH:
        found.append("the same as the English")
    if placeholders(said) != placeholders(meant):
        found.append("other placeholders than the English")
    if commands(said) != commands(meant):
        found.append("other commands than the English")
    if re.search(r"[\u4e00-\u9fff][,;:?!()]|[,;?!()][\u4e00-\u9fff]", prose(said)):
        found.append("half-width punctuation beside Chinese")
    uncommanded = re.sub("`[^`]*`", "`", apart(said))
    if re.search(r"[\u4e00-\u9fff] [A-Za-z0-9{]|[A-Za-z0-9}] [\u4e00-\u9fff]", uncommanded):
        found.append("a space between Chinese and Latin")
    if re.search(r"[\u4e00-\u9fff](?:`[^`]*`|⟨)|(?:`[^`]*`|⟩)[\u4e00-\u9fff]", apart(said)):
        found.append("no space between Chinese and a command or a code")
    if re.search(r"[：，；、。（“] `|` [：，；、。）”]", said):
        found.append("a space between a command and punctuation")
    if meant not in CELLS and re.search(r"\{\w*_fen\}(?![元/])", re.sub(r"`[^`]*`", "", said)):
        found.append("an amount without 元")
    if said.endswith("。") and not meant.endswith("."):
        found.append("a full stop that the English has not")
    if capitals(said) & set(PLACEHOLDERS) - ACRONYMS:
        found.append("what stands for a value, in English")
    if "您" in said:
        found.append("您, where every other sentence says 你")
    return found


def test_every_sentence_in_the_code_is_in_the_catalogue():
    """
    A sentence added without `make locale` would be English on a Chinese screen.
    """
    assert set() == set(collected()) - set(CHINESE)


def test_no_sentence_in_the_catalogue_has_left_the_code():
    """
    A translation that nothing says any more only looks like work done.

    What only a library says may differ between its releases, and is not held against it.
    """
    stale = {
        msgid
        for msgid, message in CHINESE.items()
        if msgid not in collected() and catalogue.is_ours(message)
    }

    assert set() == stale


@every("message", CHINESE.values(), ids=english)
def test_each_translation_says_what_the_english_says(message: Message):
    """
    Translated, with the same facts and commands, in the punctuation and voice of the others.
    """
    assert [] == faults(message)


@every(
    ("msgid", "msgstr", "fault"),
    [
        ("balance", "", "not translated"),
        ("balance", "balance", "the same as the English"),
        ("{a_fen} left", "剩余{b_fen}元", "other placeholders than the English"),
        ("{a_fen} left", "剩余", "other placeholders than the English"),
        ("try `hongbao topup 1`", "请试 `hongbao topup 2`", "other commands than the English"),
        ("try `a`, then `a`", "请试 `a`", "other commands than the English"),
        ("paid {a_fen}", "已付{a_fen}", "an amount without 元"),
        ("see: this", "看:这个", "half-width punctuation beside Chinese"),
        ("1 of {all}", "共 {all}个", "a space between Chinese and Latin"),
        ("1 of {all}", "共{all} 个", "a space between Chinese and Latin"),
        ("try `a`", "请试`a`", "no space between Chinese and a command or a code"),
        ("give --yes", "请加--yes", "no space between Chinese and a command or a code"),
        ("save a .csv", "存为 .csv文件", "no space between Chinese and a command or a code"),
        ("true or not", "为true或否", "no space between Chinese and a command or a code"),
        ("set LANG", "设置LANG", "no space between Chinese and a command or a code"),
        ("try `a`", "请试： `a`", "a space between a command and punctuation"),
        ("try `a`, or ask", "试 `a` ，或问", "a space between a command and punctuation"),
        ("not done", "没有完成。", "a full stop that the English has not"),
        ("into FILE", "写入FILE", "what stands for a value, in English"),
        ("try `a FILE`", "请试 `a FILE`", "what stands for a value, in English"),
        ("your packet", "您的红包", "您, where every other sentence says 你"),
    ],
)
def test_a_bad_translation_is_noticed(msgid: str, msgstr: str, fault: str):
    """
    Each check of a translation has a mistake that trips it, and only it.
    """
    assert [fault] == faults(Message(msgid, ["hongbao/x.py"], msgstr))


def test_capitals_in_a_sentence_are_words_or_stand_for_a_value():
    """
    What stands for a value is one of the placeholders that every language knows.
    """
    strangers = {
        f"{word}: {english(message)}"
        for message in collected().values()
        for word in capitals(english(message)) - set(PLACEHOLDERS) - ACRONYMS
    }

    assert set() == strangers


VERBS = frozenset(
    {
        *(
            "answers",
            "claims",
            "comes",
            "does",
            "exists",
            "goes",
            "has",
            "holds",
            "its",
            "lacks",
            "less",
        ),
        *("means", "needs", "opens", "repeats", "says", "stands", "takes", "tells", "this"),
        *("unless", "waits", "was", "works"),
    }
)
"""What follows a fact and ends like a plural without being one."""

NEVER_ONE = frozenset(
    {
        *("length_max", "length_min", "count_max", "count_least", "most", "needed"),
        *("an entry has {count} fields, not {found}", "a row has {count} fields, not {found}"),
        *("{key} is longer than {count} characters", "a bill has at most {count} rows"),
        "{name} needs {count} values",  # with one it needs a value
        "sent {packet} · {total_fen} in {count} lucky shares · until {until}",
        "sent {packet} · {count} shares of {share_fen} · until {until}",
        "would send {packet} · {total_fen} in {count} lucky shares · until {until}",
        "would send {packet} · {count} shares of {share_fen} · until {until}",
        "{count} shares, {total_fen} in all, gone in {time}",
    }
)
"""What is counted where one never comes: by the fact's name, or the whole sentence."""


def test_a_sentence_with_a_count_has_its_singular():
    """
    "1 profiles" is nobody's English: what is counted is marked in both forms, or stands apart.

    What never is one, such as the length that a name may have, is counted as it is.
    """
    strangers = {
        said
        for msgid in collected()
        if isinstance(msgid, str)
        for said in [catalogue.english(msgid)]
        for name, noun in re.findall(r"\{(\w+)\} (?:[a-z]+ )?([a-z]{2,}s)\b", said)
        if noun not in VERBS and NEVER_ONE.isdisjoint({name, said})
    }

    assert set() == strangers


def test_what_stands_for_a_value_looks_like_it_in_chinese():
    """
    Chinese has no capitals, so brackets say that `<文件>` is not what to type.
    """
    assert "FILE" in PLACEHOLDERS
    for said in PLACEHOLDERS.values():
        assert [] == [each for each in said if not re.fullmatch(r"<[^<>]+>", each)]
    assert {"<用户名>", "<姓名>", "<操作员>", "<别名>", "<课程>"} == PLACEHOLDERS["NAME"]


def test_the_shipped_catalogue_is_compiled_from_the_one_people_edit():
    """
    Installing compiles nothing, so the .mo in the tree is the .po, to the byte.
    """
    compiled = catalogue.compiled(CHINESE, catalogue.HEADER["zh_CN"])

    assert compiled == CHINESE_PO.with_suffix(".mo").read_bytes()


def test_the_catalogue_is_written_the_same_way_every_time():
    """
    Running `make locale` when no sentence changed changes no byte.
    """
    again = catalogue.written(catalogue.merged(collected(), CHINESE), catalogue.HEADER["zh_CN"])

    assert CHINESE_PO.read_text(encoding="utf-8") == again


def test_a_changed_sentence_never_takes_a_similar_ones_translation():
    """
    Merging guesses nothing: one word changed means translating anew.
    """
    code: Catalogue = {"limit is {a}": Message("limit is {a}")}
    old: Catalogue = {"limit was {a}": Message("limit was {a}", msgstr="限额曾是{a}")}

    merged = catalogue.merged(code, old)

    assert [""] == [message.msgstr for message in merged.values()]


def marked(source: str) -> set[str]:
    """Return every sentence that *source* marks, as Python itself reads it."""
    said_by = {
        "N_": slice(1),
        "_": slice(1),
        "C_": slice(1, 2),
        "ngettext": slice(2),
        "counted": slice(2),
    }
    if not any(f"{name}(" in source for name in said_by):
        return set()
    return {
        argument.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in said_by
        for argument in node.args[said_by[node.func.id]]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def test_a_sentence_gets_its_facts_in_one_place():
    """
    Filled in any other way, amounts would be in fen, and codes would touch the words around them.
    """
    house = Path(words.__file__).parent
    rooms = [house / "cli.py", *house.glob("commands/*.py"), *house.glob("ui/*.py")]

    elsewhere = {
        f"{path.name}: {ast.unparse(node)}"
        for path in rooms
        if ".format" in (source := path.read_text("utf-8"))
        and path.name != "shells.py"  # it fills programs
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr in {"format", "format_map"}
        and not isinstance(node.value, ast.Constant)
    }

    assert set() == elsewhere


def test_no_marked_sentence_is_overlooked():
    """
    The collector does not look into an f-string, so a sentence that stands in one is not marked.
    """
    found = {
        part
        for msgid in collected()
        for part in ([catalogue.english(msgid)] if isinstance(msgid, str) else msgid)
    }
    house = Path(words.__file__).parent

    overlooked = {
        f"{path.name}: {sentence}"
        for path in house.rglob("*.py")
        for sentence in marked(path.read_text("utf-8")) - found
    }

    assert set() == overlooked
    assert {"a sentence"} == marked("f\"{say(N_('a sentence'))}\"")  # seen here, if not there


def test_an_entry_marked_fuzzy_counts_as_not_translated():
    """
    An editor's guess is not a translation.
    """
    text = '#: hongbao/x.py\n#, fuzzy\nmsgid "balance"\nmsgstr "余额"\n'

    assert "" == catalogue.read(text)["balance"].msgstr


def test_quotes_lines_and_plurals_survive_being_written_and_read():
    """
    What a .po says is what was put in it.
    """
    messages = [
        Message('say "hi"\n\\ twice', ["hongbao/x.py"], '说"好"\n\\'),
        Message(("{n} share", "{n} shares"), ["hongbao/x.py", "hongbao/y.py"], "{n}份"),
        Message(catalogue.in_context("person", "NAME"), ["hongbao/x.py"], "姓名"),
        Message("NAME", ["hongbao/x.py"], "名称"),
    ]
    before: Catalogue = {message.msgid: message for message in messages}

    after = catalogue.read(catalogue.written(before, catalogue.HEADER["zh_CN"]))

    assert before == after


def test_the_same_word_in_two_contexts_is_two_sentences(tmp_path: Path):
    """
    A name of a person and a name of an operator may be other words elsewhere.
    """
    source = tmp_path / "x.py"
    source.write_text("""C_("person", "NAME"); C_("operator", "NAME"); N_("NAME")""")

    assert ["person\x04NAME", "operator\x04NAME", "NAME"] == list(catalogue._marked(source))


def test_gettext_reads_what_we_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """
    The compiled form is the one that Python's own gettext opens, plurals and contexts included.
    """
    messages = [
        Message("yes", ["x"], "是"),
        Message(("{n} share", "{n} shares"), ["x"], "{n}份"),
        Message(catalogue.in_context("person", "NAME"), ["x"], "姓名"),
    ]
    folder = tmp_path / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "hongbao.mo").write_bytes(
        catalogue.compiled({m.msgid: m for m in messages}, catalogue.HEADER["zh_CN"])
    )
    monkeypatch.setattr(words, "LOCALE", tmp_path)

    words.use_language("zh_CN")

    assert ["是", "姓名", "姓名", "NAME", "{n}份", "{n}份"] == [
        words._("yes"),
        words._(words.C_("person", "NAME")),
        words.say(words.C_("person", "NAME")),
        words._("NAME"),
        words.ngettext("{n} share", "{n} shares", 1),
        words.ngettext("{n} share", "{n} shares", 5),
    ]


def test_a_sentence_is_said_in_the_language_in_use():
    """
    The same call says either language; switching needs no new process.
    """
    sentence = "balance is {available_fen}, but {needed_fen} is needed"

    words.use_language("zh_CN")
    chinese = words.say(sentence, available_fen=1000, needed_fen=20000)
    words.use_language("en")
    plain = words.say(sentence, available_fen=1000, needed_fen=20000)

    assert "零钱余额不足：现有10.00元，需要200.00元" == chinese
    assert "balance is 10.00, but 200.00 is needed" == plain


def test_a_fact_that_is_language_is_translated_and_a_name_is_not():
    """
    A field is ours to translate; a profile that happens to be called like a sentence is not.
    """
    words.use_language("zh_CN")

    field = words.say(
        "{field} has at most {length_max} characters", field="greeting", length_max=25
    )
    name = words.say("this wallet already has a profile named {name}", name="greeting")

    assert "祝福语最多25个字" == field
    assert "这个钱包里已有名为greeting的用户" == name


@every("message", CHINESE.values(), ids=english)
def test_no_code_touches_the_chinese_around_it(message: Message):
    """
    In any sentence an ID can be read and copied by itself.
    """
    code = "hb_7Q2M4K9X"

    said = words.fill(message.msgstr, dict.fromkeys(placeholders(message.msgstr), code))

    assert not re.search(rf"[\u4e00-\u9fff]{code}|{code}[\u4e00-\u9fff]", said)
    assert not re.search("[\ufdd0\ufdd1]|  `|`  ", said)


def chinese_texts() -> Iterator[tuple[str, str]]:
    """Yield each Chinese text that is not in the catalogue: of packs and lessons, and of pages."""

    def within(read: object, *, is_chinese: bool) -> Iterator[str]:
        if isinstance(read, str):
            yield from [read] * is_chinese
        elif isinstance(read, list):
            for each in read:
                yield from within(each, is_chinese=is_chinese)
        elif isinstance(read, dict):
            for key, each in read.items():
                yield from within(each, is_chinese=key == "zh")

    for path in sorted(catalogue.PACKAGE.rglob("*.toml")):
        for text in within(tomllib.loads(path.read_text("utf-8")), is_chinese=False):
            yield path.name, text
    for path in [catalogue.ROOT / "README.zh.md", *catalogue.ROOT.glob("docs/**/*.zh.md")]:
        page = path.read_text("utf-8")
        yield path.name, re.sub(r"(?ms)^```.*?^```|\]\([^)]*\)|<[^>]*>", "", page)


def test_codes_stand_apart_in_every_other_text():
    """
    A lesson, a rule or a page is read in the same hour as the screens.
    """
    run = r"[!-Z\\^-z|}~]+"  # in brackets is a number of the task's
    glued = [
        f"{name}: {before}{code}{after}"
        for name, text in chinese_texts()
        for before, code, after in re.findall(
            rf"([\u4e00-\u9fff]?)(?<![!-~])({run})(?![!-~])([\u4e00-\u9fff]?)",
            re.sub(r"`[^`]*`|\[\w+\]", " ", text),
        )
        if (before and words.is_code(code)) or (after and words.is_code(code[::-1]))
    ]

    assert [] == glued


@every(
    ("sentence", "facts", "said"),
    [
        ("根哈希{root}", {"root": "6a77c0"}, "根哈希 6a77c0"),
        ("{where}被恢复", {"where": "mysql://pay@db/a"}, "mysql://pay@db/a 被恢复"),
        ("节点{node}没有", {"node": "[::1]:3306"}, "节点 [::1]:3306 没有"),
        ("在{place}监听", {"place": "127.0.0.1:80"}, "在 127.0.0.1:80 监听"),
        ("{task}的{wallet}", {"task": "b-1", "wallet": "小明"}, "b-1 的小明"),
        ("支付密码{pin}，", {"pin": "135790"}, "支付密码 135790，"),
        ("钱包在{path}里", {"path": Path("/a/钱包")}, "钱包在 /a/钱包 里"),
        ("已写入{file}", {"file": "账单"}, "已写入 账单"),
        ("见{text}（{which}）", {"text": "a.csv", "which": "b.csv"}, "见 a.csv（b.csv）"),
        ("来自{sender}的红包", {"sender": "Alice"}, "来自Alice的红包"),
        ("{amount_fen}元，{at}起", {"amount_fen": 12345678, "at": "20:00"}, "123456.78元，20:00起"),
        ("已过{time}，共{n}个", {"time": "1.5秒", "n": 1234567}, "已过1.5秒，共1234567个"),
        ("没有命令{text}", {"text": "'a-b'"}, "没有命令“a-b”"),
        ("只能是{known}", {"known": "csv, a-b"}, "只能是 csv、a-b"),
        ("{key}应为{least}", {"key": "max", "least": 1}, "max 应为1"),
        ("{device}已下线", {"device": "laptop"}, "laptop 已下线"),
        ("{device}已下线", {"device": "小明-1"}, "小明-1已下线"),
        ("是不是{names}？", {"names": "'ab', 'b'"}, "是不是“ab”、“b”？"),
        ("写了{text}", {"text": "a, b"}, "写了 a, b"),
        ("试 `hongbao show {text}`", {"text": "a-b"}, "试 `hongbao show a-b`"),
    ],
)
def test_codes_stand_apart_and_names_and_numbers_do_not(
    sentence: str, facts: dict[str, object], said: str
):
    """
    An ID, a path, an address or a PIN has room in a Chinese sentence; a name or a number is close.
    """
    assert said == words.fill(sentence, facts)


def test_what_a_person_typed_is_never_read_as_a_template():
    """
    Braces in a fact are shown; they reach no other fact.
    """
    said = words.say("there is no packet {packet}", packet="{balance_fen}{0.__class__}")

    assert "there is no packet {balance_fen}{0.__class__}" == said


def test_an_instant_is_shown_as_chinas_date_and_time():
    """
    Days are China's, whatever the machine's zone.
    """
    at = datetime(2026, 2, 16, 16, 30, tzinfo=UTC)

    assert "at 2026-02-17 00:30:00" == words.fill("at {at}", {"at": at})


@every(
    ("language", "variables"),
    [
        ("en", {}),
        ("en", {"LANG": "C.UTF-8"}),
        ("en", {"LANG": "de_DE.UTF-8"}),
        ("zh_CN", {"LANG": "zh_CN.UTF-8"}),
        ("zh_CN", {"LANG": "zh_TW"}),
        ("zh_CN", {"HONGBAO_LANG": "ZH"}),
        ("en", {"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}),
        ("zh_CN", {"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}),
        ("zh_CN", {"LC_ALL": "en_US.UTF-8", "HONGBAO_LANG": "zh"}),
        ("zh_CN", {"HONGBAO_LANG": "", "LC_ALL": "", "LANG": "zh_CN.UTF-8"}),
    ],
)
def test_the_first_variable_that_is_set_chooses_the_language(
    language: str, variables: dict[str, str]
):
    """
    HONGBAO_LANG decides, then LC_ALL, LC_MESSAGES and LANG; an empty one is not set.
    """
    assert language == words.preferred(variables)


# --- hints ---------------------------------------------------------------------------------------


def test_every_hint_has_a_state_in_which_it_is_shown():
    """
    A new hint is typed by the tests, or it does not ship.
    """
    ours = {hint for hint in advice.hints() if re.search(r"`(?:hongbao |\{command\}|-)", hint)}

    assert (set(), set()) == (ours - set(advice.STATES), set(advice.STATES) - ours)
