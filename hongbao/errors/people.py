"""Profiles and operators: names, identity, PINs and authenticators."""

from datetime import datetime

from hongbao.errors.base import THEN, NotFound, OverLimit, PinError, UsageError, example, shortened
from hongbao.words import N_


class NameTaken(UsageError):
    """Another profile in this home has the name."""

    name: str = example("小明", kw_only=False)

    sentence = N_("this wallet already has a profile named {name}")
    advice = N_("choose another name, or switch to that profile with `hongbao use {name}`")


class LookAlike(UsageError):
    """The name of a profile, a device or an operator looks the same as one that is taken."""

    name: str = example("аnn", shape=shortened)
    like: str = example("Ann", shape=shortened)

    sentence = N_("{name} can hardly be told from {like}, which is taken")
    advice = N_("choose a name that cannot be mistaken for another")


class OperatorExists(UsageError):
    """Another operator has the name."""

    name: str = example("老王", kw_only=False)

    sentence = N_("there is already an operator named {name}")
    advice = N_("choose another name; see those that are taken: `hongbao operator list`")


class OperatorNeeded(UsageError):
    """Anyone adds the first operator; each later one needs an operator's approval."""

    name: str = example("小梅", kw_only=False)

    sentence = N_("a new operator needs the approval of an existing one")
    advice = N_("add it with `hongbao operator add {name} --operator NAME`, and the PIN of NAME")


class NotIdentified(UsageError):
    """The profile is not verified, so an ID number cannot be checked against it."""

    profile: str = example("小红")

    sentence = N_("{profile} is not verified yet, so an ID number cannot be checked")
    advice = N_(
        "verify your identity with `hongbao identify`, or approve the device from "
        "another one of yours"
    )


class AuthenticatorExists(UsageError):
    """A profile has one authenticator."""

    profile: str = example("小明")

    sentence = N_("{profile} already has an authenticator")
    advice = N_("remove that one first, with `hongbao totp remove`")


class CodeNotRepeated(UsageError):
    """The code that was typed back is not that of the authenticator which is being added."""

    sentence = N_("this is not the code of the new authenticator")
    advice = N_("nothing was changed; delete it in the app and begin again")


class SecretFileExists(UsageError):
    """A secret is written into a new file: what it would overwrite may be the only copy."""

    path: str = example("totp.txt")

    sentence = N_("{path} already exists, and a secret never overwrites a file")
    advice = N_("choose another name")


class InvalidSecret(UsageError):
    """A file was to hold an authenticator's secret."""

    path: str = example("totp.txt")

    sentence = N_("{path} has no authenticator's secret")
    advice = N_("write one with `hongbao totp add --secret-file FILE`")


class RulesNeedOperator(UsageError):
    """Once a home has operators, one of them has to approve new rules."""

    sentence = N_("this wallet has operators: one of them must approve its rules")
    advice = N_("name the operator with --operator; hongbao asks for that PIN")


class InvalidCode(UsageError):
    """A code of an authenticator is six digits. It is a secret, and stays out of the sentence."""

    sentence = N_("an authenticator's code is exactly six digits")
    advice = N_("enter what the app shows now; this does not count as a try")


class SameOperator(UsageError):
    """An operator had their say of a case already: four eyes are two people."""

    sentence = N_("maker-checker needs two people, and this operator has already given an opinion")
    advice = N_("ask another operator; if you changed your mind, escalate the case")


class InvalidIdNumber(UsageError):
    """
    The resident ID number is not one that GB 11643 allows.

    *problem* is one of ``length``, ``region``, ``birth_date`` and ``check``. The number itself is
    personal data and stays out of the sentence.
    """

    problem: str = example(
        "check",
        kw_only=False,
        words={
            "length": N_("it needs 17 digits and a check character"),
            "region": N_("its first six digits are not a region"),
            "birth_date": N_("its birth date does not exist or is in the future"),
            "check": N_("its check character does not match; one character is wrong"),
        },
    )

    sentence = N_("the ID number is not valid: {problem}")
    advice = N_("check the number on the card: 17 digits, then a digit or X")


class InvalidRealName(UsageError):
    """A real name is letters, with at most a space, dot, hyphen or apostrophe between them."""

    sentence = N_("the real name cannot be read as a name")
    advice = N_("write it as on the ID card, 2 to 30 letters")


class IdentityMismatch(UsageError):
    """The ID number is known here under another name, or the profile is already someone."""

    sentence = N_("the name does not match the ID number")
    advice = N_("an ID number keeps the name it was first verified with")


class AlreadyIdentified(UsageError):
    """A profile is identified once; a person does not become another."""

    profile: str = example("小明")
    real_name: str = example("张*")

    sentence = N_("{profile} is already identified as {real_name}")


class ProfileNotFound(NotFound):
    """No profile of this name is in the home."""

    name: str = example("小白", kw_only=False, shape=shortened)

    sentence = N_("no profile is named {name}")
    advice = N_("see the profiles: `hongbao profiles`")


class DefaultProfileNotFound(ProfileNotFound):
    """The settings name a profile that this wallet does not have."""

    path: str = example("config.toml")

    sentence = N_("there is no profile {name} here, which {path} has as default_profile")
    advice = N_("name another with `-p NAME`, or `hongbao config unset default_profile`")


class OperatorNotFound(NotFound):
    """There is no operator with that name."""

    name: str = example("小梅", kw_only=False, shape=shortened)

    sentence = N_("there is no operator named {name}")
    advice = N_("see the operators: `hongbao operator list`")


class NoAuthenticator(NotFound):
    """The profile has no authenticator."""

    profile: str = example("小明")

    sentence = N_("{profile} has no authenticator")
    advice = N_("add one with `hongbao totp add`")


class TooManyProfiles(OverLimit):
    """The policy caps how many profiles one ID number may have."""

    profiles_max: int = example(5)

    sentence = N_(
        "this ID number already has as many profiles as the policy allows: {profiles_max}"
    )


class InvalidPin(PinError):
    """A PIN is six digits."""

    sentence = N_("a PIN is exactly six digits")


class PinMismatch(PinError):
    """A new PIN is typed twice, and the second one was another."""

    sentence = N_("the two new PINs differ")
    advice = N_("nothing was changed; try again")


class WeakPin(PinError):
    """One digit repeated, a run, or the holder's birth date."""

    sentence = N_("this PIN is too easy to guess")
    advice = N_("avoid one digit repeated, runs like 123456, and your birth date")


class WrongPin(PinError):
    """The PIN does not match; the attempt was counted before it was checked."""

    attempts_left: int = example(4)

    sentence = N_("wrong PIN; attempts left: {attempts_left}")


class WrongPinOrCode(PinError):
    """
    PIN and authenticator's code do not both fit; the attempt was counted before it was checked.

    It is not said which of them is wrong, or each could be guessed alone.
    """

    attempts_left: int = example(4)

    sentence = N_("wrong PIN or wrong code; attempts left: {attempts_left}")
    advice = N_("each code works once; wait for the next one in the app")


class WrongPinOrIdentity(PinError):
    """The PIN or the identity is wrong; it is not said which."""

    attempts_left: int = example(4)

    sentence = N_("wrong PIN, or another person's identity; attempts left: {attempts_left}")
    advice = N_("give the real name and the ID number with which this profile was verified")


class PinLocked(PinError):
    """Too many wrong PINs; only the ledger's clock opens this lock."""

    locked_until_at: datetime = example(THEN)

    sentence = N_("the PIN is locked until {locked_until_at}")
