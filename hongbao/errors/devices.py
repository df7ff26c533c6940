"""Devices: which of them act for a profile, and what ends their sessions."""

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

    sentence = N_("{profile} has a device named {device} already")
    advice = N_("choose another name; `hongbao device list` shows those that are taken")


class AlreadyApproved(UsageError):
    """There is nothing left to approve about a device."""

    device: str = example("tablet")

    sentence = N_("{device} is let in already")
    advice = N_("`hongbao device list` shows how each of your devices stands")


class DeviceInUse(UsageError):
    """A device is not removed by itself: then nobody could let one in again."""

    device: str = example("小明-1")
    profile: str = example("小明")

    sentence = N_("{device} is the device that you act from")
    advice = N_("remove it from another one: `hongbao device remove {device} -p {profile}@DEVICE`")


class DeviceNotFound(NotFound):
    """The profile has not let a device of this name in, nor was it asked to."""

    device: str = example("phone", kw_only=False, shape=shortened)

    sentence = N_("you have no device {device}")
    advice = N_("`hongbao device list` shows your devices; `hongbao device add DEVICE` lets one in")


class SessionEnded(HeldByRisk):
    """A rule of the risk pack ends the device's session with this act."""

    device: str = example("alice-1")
    rule: str = example("impossible-travel")
    why: Mapping[str, str] = example(FAR_AWAY)

    sentence = N_("{why}; the session of {device} has been ended")
    advice = N_("begin a new one with `hongbao device login {device}`")


class BadSignature(HeldByRisk):
    """A request was not signed by the device that it says it comes from."""

    device: str = example("小明-1")

    sentence = N_("the request is not signed by {device}, whose session has been ended")
    advice = N_("begin a new one with `hongbao device login {device}`")


class ReplayedNonce(HeldByRisk):
    """A signed request was made a second time."""

    device: str = example("小明-1")

    sentence = N_("the request was signed once before; the session of {device} has been ended")
    advice = N_("begin a new one with `hongbao device login {device}`")


class SessionCut(HeldByRisk):
    """The device's session was ended, and nobody has begun a new one."""

    device: str = example("小明-1")

    sentence = N_("the session of {device} was ended for safety")
    advice = N_("begin a new one with `hongbao device login {device}`")


class DeviceNotEnrolled(HeldByRisk):
    """The profile has not let this device in."""

    device: str = example("tablet", shape=shortened)
    profile: str = example("小明")

    is_of_device = True
    sentence = N_("{profile} has not let {device} in")
    advice = N_("let it in with `hongbao device add {device}`")


class DevicePending(HeldByRisk):
    """The device waits to be let in."""

    device: str = example("tablet")

    is_of_device = True
    sentence = N_("{device} waits to be let in")
    advice = N_("let it in from a device you have, with `hongbao device approve {device}`")


class DeviceKeyMissing(HeldByRisk):
    """The device is another machine: this one cannot sign for it."""

    device: str = example("alice-1", kw_only=False)

    sentence = N_("this machine does not hold the key of {device}")
    advice = N_("let this machine in with `hongbao device add DEVICE`, or act from that one")


class DeviceKeyDamaged(Damaged):
    """The file of a device's key is not what was written, so that device signs nothing any more."""

    path: str = example("…/keys/devices/2cab2f34db2ace66.key")

    sentence = N_("{path}, a device's key, is damaged")
    advice = N_(
        "say who you are to let this machine in anew: `hongbao device add DEVICE --id-file FILE`,"
        " then act from it with `-p @DEVICE`"
    )
