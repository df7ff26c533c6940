"""
Placeholders for values in help and in hints, in every language.

In English a word in capitals; other languages write it as theirs do, Chinese as ``<文件>``. A word
with two meanings is distinguished by its context, since elsewhere they are two words.
"""

from hongbao.words import C_, InContext

CARD_NUMBER = C_("card", "NUMBER")
ID_NUMBER = C_("person", "NUMBER")
ANSWER = C_("challenge", "NUMBER")

PROFILE_NAME = C_("profile", "NAME")
REAL_NAME = C_("person", "NAME")
OPERATOR_NAME = C_("operator", "NAME")
SETTING = C_("setting", "KEY")
ALIAS = C_("alias", "NAME")
LESSON_NAME = C_("lesson", "NAME")

_PLAIN = (
    C_("placeholder", "ADDRESS"),
    C_("placeholder", "AMOUNT"),
    C_("placeholder", "BANK"),
    C_("placeholder", "BILL"),
    C_("placeholder", "CARD"),
    C_("placeholder", "CASE"),
    C_("placeholder", "CHALLENGE"),
    C_("placeholder", "CITY"),
    C_("placeholder", "CODE"),
    C_("placeholder", "COLUMNS"),
    C_("placeholder", "COMMAND"),
    C_("placeholder", "COUNT"),
    C_("placeholder", "CURSOR"),
    C_("placeholder", "DATE"),
    C_("placeholder", "DEVICE"),
    C_("placeholder", "DURATION"),
    C_("placeholder", "ENTRY"),
    C_("placeholder", "EVENT"),
    C_("placeholder", "FAULT"),
    C_("placeholder", "FILE"),
    C_("placeholder", "FOLDER"),
    C_("placeholder", "FORMAT"),
    C_("placeholder", "ID"),
    C_("placeholder", "INSTANT"),
    C_("placeholder", "KEY"),
    C_("placeholder", "KIND"),
    C_("placeholder", "PACK"),
    C_("placeholder", "PACKET"),
    C_("placeholder", "PAYMENT"),
    C_("placeholder", "PLACE"),
    C_("placeholder", "POLICY"),
    C_("placeholder", "PORT"),
    C_("placeholder", "PROGRAM"),
    C_("placeholder", "REQUEST"),
    C_("placeholder", "RULE"),
    C_("placeholder", "SEED"),
    C_("placeholder", "SHELL"),
    C_("placeholder", "SPAN"),
    C_("placeholder", "SUBJECT"),
    C_("placeholder", "TASK"),
    C_("placeholder", "TEXT"),
    C_("placeholder", "TOPIC"),
    C_("placeholder", "URL"),
    C_("placeholder", "USER"),
    C_("placeholder", "YEAR"),
)

_BY_WORD = {str(word): word for word in _PLAIN}


def placeholder(metavar: str) -> str:
    """Return *metavar* as `hongbao.words._` translates it; what is no word of ours, as it is."""
    return metavar if isinstance(metavar, InContext) else _BY_WORD.get(metavar, metavar)
