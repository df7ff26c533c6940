"""Devices: authorisation, signatures and sessions."""

from collections.abc import Mapping

from hongbao.errors.base import HeldByRisk, NotFound, UsageError, example, shortened
from hongbao.errors.homes import Damaged
from hongbao.words import N_

FAR_AWAY = {
    "en": "this device was far away a moment ago",
    "zh": "设备位置异常，为保障资金安全已中止操作",
}


class DeviceExists(UsageError):
    """The profile has let a device of that name in, or has been asked to."""

    device: str = example("tablet")
    profile: str = example("小明")

    sentence = N_("{profile} already has a device named {device}")
    advice = N_("choose another name; see those that are taken: `hongbao device list`")


class AlreadyApproved(UsageError):
    """There is nothing left to approve about a device."""

    device: str = example("tablet")

    sentence = N_("{device} is already approved")
    advice = N_("see the state of your devices: `hongbao device list`")


class DeviceInUse(UsageError):
    """A device cannot remove itself: then no device could approve another one."""

    device: str = example("小明-1")
    profile: str = example("小明")

    sentence = N_("{device} is the device you are using")
    advice = N_("remove it from another one: `hongbao device remove {device} -p {profile}@DEVICE`")


class DeviceNotFound(NotFound):
    """The profile has not let a device of this name in, nor was it asked to."""

    device: str = example("phone", kw_only=False, shape=shortened)

    sentence = N_("you have no device {device}")
    advice = N_("see your devices: `hongbao device list`; add one: `hongbao device add DEVICE`")


class SessionEnded(HeldByRisk):
    """A rule of the risk pack ends the device's session with this act."""

    device: str = example("alice-1")
    rule: str = example("impossible-travel")
    why: Mapping[str, str] = example(FAR_AWAY)

    sentence = N_("{why}; {device} was logged out")
    advice = N_("log in again with `hongbao device login {device}`")


class BadSignature(HeldByRisk):
    """A request was not signed by the device that it says it comes from."""

    device: str = example("小明-1")

    sentence = N_("the request is not signed by {device}, which was logged out")
    advice = N_("log in again with `hongbao device login {device}`")


class ReplayedNonce(HeldByRisk):
    """A signed request was made a second time."""

    device: str = example("小明-1")

    sentence = N_("the request's signature was used before; {device} was logged out")
    advice = N_("log in again with `hongbao device login {device}`")


class SessionCut(HeldByRisk):
    """The device was logged out, and has not logged in again."""

    device: str = example("小明-1")

    sentence = N_("{device} was logged out for safety")
    advice = N_("log in again with `hongbao device login {device}`")


class SessionNotOpen(HeldByRisk):
    """A claim names a session that was never opened, has expired, or ended with its device's."""

    session: int = example(12)

    sentence = N_("session {session} for claims is not open")
    advice = N_("open another one from your device")


class NotOfSession(HeldByRisk):
    """
    A claim does not carry its session's code, or carries one that was used before.

    *counter* is the last that the session's device has used: the next request needs a greater one.
    """

    session: int = example(12)
    counter: int = example(40)

    sentence = N_("the claim does not come from session {session}, or was made before")
    advice = N_("make the request again from the device that opened the session")


class DeviceNotEnrolled(HeldByRisk):
    """The profile has not let this device in."""

    device: str = example("tablet", shape=shortened)
    profile: str = example("小明")

    is_of_device = True
    sentence = N_("{profile} has not authorised {device}")
    advice = N_("add it with `hongbao device add {device}`")


class DevicePending(HeldByRisk):
    """The device waits for approval."""

    device: str = example("tablet")

    is_of_device = True
    sentence = N_("{device} is waiting for approval")
    advice = N_("approve it from a device of yours: `hongbao device approve {device}`")


class DeviceKeyMissing(HeldByRisk):
    """The device is another machine: this one cannot sign for it."""

    device: str = example("alice-1", kw_only=False)

    sentence = N_("the key of {device} is not on this machine")
    advice = N_("register this machine with `hongbao device add DEVICE`, or use that device")


class DeviceKeyDamaged(Damaged):
    """The file of a device's key is not what was written, so that device signs nothing any more."""

    path: str = example("…/keys/devices/2cab2f34db2ace66.key")

    sentence = N_("the device key {path} is damaged")
    advice = N_(
        "verify your identity to register this machine again: `hongbao device add "
        "DEVICE --id-file FILE`, then use it with `-p @DEVICE`"
    )
