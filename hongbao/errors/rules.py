"""Policies, risk packs, risk models and settings: files with an invalid value."""

from hongbao.errors.base import LEFT_OUT, NotFound, Unusable, UsageError, example, shortened
from hongbao.words import N_

POLICY_PROBLEMS = {
    "syntax": N_("this is not TOML from column {column} on"),
    "defined_twice": N_("this is defined twice"),
    "too_long": N_("a policy has at most {length_max} characters"),
    "unknown_key": N_("unknown key {text}; known keys: {known}"),
    "missing_key": N_("{key} is missing"),
    "used_twice": N_("{key} has {text} twice"),
    "not_text": N_("{key} must be text in quotes"),
    "bad_text": N_("{key} must be 1 to {length_max} printable characters"),
    "bad_name": N_("{key} must be 1 to 32 lower-case letters, digits or -, not {text}"),
    "not_one_of": N_("{key} must be one of {known}, not {text}"),
    "not_whole": N_("{key} must be a whole number from {least} to {most}"),
    "not_flag": N_("{key} must be true or false"),
    "bad_amount": N_('{key} must be yuan in quotes, like "1000.00", not {text}'),
    "bad_percentage": N_('{key} must be a percentage in quotes, like "0.1%", not {text}'),
    "bad_time": N_('{key} must be a time of day in quotes, like "23:00", not {text}'),
    "not_list": N_("{key} must be a list of at least one of {known}"),
    "unknown_flow": N_("limits cannot count {text}, only {known}"),
    "not_table": N_("{key} must be a table, [{key}]"),
    "not_tables": N_("{key} must be one or more tables, [[{key}]]"),
    "no_first_tier": N_("no tier is open to someone who is not verified and has no card"),
    "tier_unreachable": N_("no one can be in {tier}: {other} comes later and requires no more"),
}


class InvalidPolicy(UsageError):
    """
    A policy file breaks a rule of its form; *line* says where.

    *problem* is one of `POLICY_PROBLEMS`; which other facts there are depends on it.
    """

    source: str = example("mine.toml")
    line: int = example(12)
    problem: str = example("bad_amount", words=POLICY_PROBLEMS)
    key: str = example("share_max", default=LEFT_OUT)
    column: int = example(3, default=LEFT_OUT)
    length_max: int = example(20_000, default=LEFT_OUT)
    text: str = example("200 yuan", default=LEFT_OUT)
    known: str = example("free, rate, least", default=LEFT_OUT)
    least: int = example(0, default=LEFT_OUT)
    most: int = example(100, default=LEFT_OUT)
    tier: str = example("verified", default=LEFT_OUT)
    other: str = example("unverified", default=LEFT_OUT)

    sentence = N_("policy {source}, line {line}: {problem}")
    advice = N_("see a complete example: `hongbao policy show standard`")


RISK_PACK_PROBLEMS = {
    **POLICY_PROBLEMS,
    "too_long": N_("a risk pack has at most {length_max} characters"),
    "too_many": N_("{key} is here more than {most} times"),
    "not_for_answer": N_("{key} has no meaning if the answer is {answer}"),
    "not_holdable": N_("a top-up cannot be held: the money has not arrived yet"),
    "only_claims": N_("only claims can be delayed"),
    "bad_window": N_('{key} must be a length of time in quotes, like "10m", "24h" or "30d"'),
    "needs": N_("{indicator} needs {key}"),
    "takes_no": N_("{indicator} does not take {key}"),
    "no_threshold": N_("a condition needs at_least or at_most"),
    "never": N_("at_least is above at_most, so this is never true"),
}


class InvalidRiskPack(InvalidPolicy):
    """A risk pack's file breaks a rule of its form; *line* says where, as `InvalidPolicy` does."""

    line: int = example(27)
    problem: str = example("needs", words=RISK_PACK_PROBLEMS)
    key: str = example("window", default=LEFT_OUT)
    indicator: str = example("claims", default=LEFT_OUT)
    answer: str = example("refuse", default=LEFT_OUT)

    sentence = N_("risk pack {source}, line {line}: {problem}")
    advice = N_("see a complete example: `hongbao risk rules standard --text`")


SETTINGS_PROBLEMS = {
    **POLICY_PROBLEMS,
    "too_long": N_("settings have at most {length_max} characters"),
    "unknown_key": N_("unknown setting {text}; known settings: {known}"),
    "mistyped_key": N_("unknown setting {text}; did you mean {other}?"),
    "not_in_file": N_("{text} is never a setting; give it with each command"),
    "needs_name": N_("{key} needs a name, as in {key}.NAME"),
    "not_a_command": N_("{text} is not a command"),
    "not_a_column": N_("{text} is not a column of `{other}`"),
    "alias_is_command": N_("{text} is a command, and no alias takes its place"),
    "alias_name": N_("{text} cannot be an alias: use 1 to 32 letters, digits, - or _"),
    "alias_no_command": N_("{key} must begin with a command of hongbao"),
    "alias_consent": N_("{key} has --yes, an operator or a secret, which are given each time"),
    "alias_quotes": N_("{key} has a quotation mark too many or too few"),
}


class InvalidSettings(InvalidPolicy):
    """The file of settings has something that is none; *line* says where."""

    source: str = example("config.toml")
    line: int = example(3)
    problem: str = example("mistyped_key", words=SETTINGS_PROBLEMS)
    text: str = example("'langauge'", default=LEFT_OUT)
    other: str = example("language", default=LEFT_OUT)

    sentence = N_("{source}:{line}: {problem}")
    advice = N_("correct it with `hongbao config edit`")


class InvalidSetting(UsageError):
    """
    A setting was typed that is none, or that cannot have that value.

    *problem* is one of `SETTINGS_PROBLEMS`; which other facts there are depends on it.
    """

    problem: str = example("mistyped_key", words=SETTINGS_PROBLEMS)
    key: str = example("motion", default=LEFT_OUT)
    text: str = example("'langauge'", default=LEFT_OUT)
    other: str = example("language", default=LEFT_OUT)
    known: str = example("auto, off", default=LEFT_OUT)
    length_max: int = example(1000, default=LEFT_OUT)
    column: int = example(3, default=LEFT_OUT)
    least: int = example(0, default=LEFT_OUT)
    most: int = example(100, default=LEFT_OUT)
    tier: str = example("verified", default=LEFT_OUT)

    sentence = "{problem}"
    advice = N_("see every setting: `hongbao config list`")


class SettingNotFound(NotFound):
    """A setting is not in the file, so it cannot be removed from it."""

    key: str = example("motion")
    path: str = example("config.toml")

    sentence = N_("{path} does not set {key}")
    advice = N_("see where each comes from: `hongbao config list --origin`")


class AliasNotFound(NotFound):
    """There is no alias of that name."""

    alias: str = example("rp", kw_only=False, shape=shortened)

    sentence = N_("there is no alias {alias}")
    advice = N_("see your aliases: `hongbao alias`")


class NoPlaceForSettings(UsageError):
    """The system has no folder for this person's settings."""

    sentence = N_("there is no folder for settings here")
    advice = N_("name a file in HONGBAO_CONFIG")


class EditorFailed(UsageError):
    """The editor could not be started, or ended with an error."""

    editor: str = example("vi", shape=shortened)
    reason: str = example("No such file or directory")

    sentence = N_("the editor {editor} failed: {reason}")
    advice = N_("name another in VISUAL or EDITOR")


class InvalidVariable(UsageError):
    """A variable of the environment has a value that it cannot have."""

    variable: str = example("HONGBAO_MOTION")
    text: str = example("'never'")
    known: str = example("auto, off")

    sentence = N_("{variable} must be one of {known}, not {text}")


MODEL_PROBLEMS = {
    "too_long": N_("a model has at most {length_max} characters"),
    "not_json": N_("this is not JSON"),
    "form": N_("this is not a {known}"),
    "unknown_key": N_("unknown key {text}; known keys: {known}"),
    "missing_key": N_("{key} is missing"),
    "bad_name": N_("{key} must be 1 to 32 lower-case letters, digits or -"),
    "not_whole": N_("{key} must be a whole number from {least} to {most}"),
    "not_list": N_("{key} must be a list of 1 to {most} entries"),
    "bad_key": N_("{text} is not an indicator, or is there twice"),
    "usual": N_("usual must have one number for each key: {count}"),
    "bad_training": N_("training must be a few short facts"),
    "tree": N_("tree {number} is not valid: its nodes do not fit together"),
}


class InvalidModel(UsageError):
    """
    A risk model's file breaks a rule of its form.

    *problem* is one of `MODEL_PROBLEMS`; which other facts there are depends on it.
    """

    source: str = example("mine.json")
    problem: str = example("tree", words=MODEL_PROBLEMS)
    key: str = example("trees", default=LEFT_OUT)
    length_max: int = example(20_000, default=LEFT_OUT)
    known: str = example("hongbao.forest/1", default=LEFT_OUT)
    text: str = example("'moon_phase'", default=LEFT_OUT)
    least: int = example(0, default=LEFT_OUT)
    most: int = example(100, default=LEFT_OUT)
    count: int = example(6, default=LEFT_OUT)
    number: int = example(3, default=LEFT_OUT)

    sentence = N_("model {source}: {problem}")
    advice = N_("use the model that comes with hongbao: `hongbao risk train --shipped`")


class TooLittleHistory(UsageError):
    """A model cannot be learned from a handful of acts."""

    found: int = example(12)
    needed: int = example(256)

    sentence = N_("too few acts to learn from: {found}; {needed} are needed")
    advice = N_("the model that comes with hongbao needs no training")


class PolicyVersionReused(UsageError):
    """Two different texts claim to be the same policy and version."""

    policy: str = example("mine@1", kw_only=False)

    sentence = N_("policy {policy} is already known here with another text")
    advice = N_("give the changed file a new version")


class RiskPackVersionReused(UsageError):
    """Two different texts claim to be the same risk pack and version."""

    pack: str = example("mine/1", kw_only=False)

    sentence = N_("risk pack {pack} is already known here with another text")
    advice = N_("give the changed file a new version")


class PolicyNotFound(NotFound):
    """No policy of this name ships with hongbao or was used here, and no file has it either."""

    policy: str = example("generous", kw_only=False, shape=shortened)

    sentence = N_("no policy is named {policy}, and no such file can be read")
    advice = N_("see the policies: `hongbao policy list`")


class RiskPackNotFound(NotFound):
    """No risk pack of this name ships with hongbao or was used here, and no file has it either."""

    pack: str = example("generous", kw_only=False, shape=shortened)

    sentence = N_("no risk pack is named {pack}, and no such file can be read")
    advice = N_("start your own with `hongbao risk rules standard --text > mine.toml`")


class TrainerMissing(Unusable):
    """The library that learns models is not installed."""

    sentence = N_("training a model needs scikit-learn, which is not installed")
    advice = N_("`pip install 'hongbao[train]'`")
