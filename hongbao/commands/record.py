"""``hongbao record``."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from hongbao.commands.declared import (
    Argument,
    Context,
    Option,
    wrong_usage,
)
from hongbao.commands.demo import ending_tidily
from hongbao.commands.films import saying_failures
from hongbao.commands.options import Command, caller, new_app
from hongbao.commands.shells import OTHERS, for_any_shell, typed_in
from hongbao.errors import (
    ConflictingOptions,
    FileExists,
    HomeTaken,
    NotARecording,
    NothingRecorded,
    PlayFailed,
    RecordingDiffers,
    StorageRefused,
)
from hongbao.paths import absolute_path
from hongbao.words import N_, language

if TYPE_CHECKING:
    from hongbao.answers import RecordingMade
    from hongbao.commands.caller import Caller

app = new_app()

LOG = "log"
"""The name of the log in a recording's folder."""


@app.command(
    cls=Command,
    short_help=N_("Record the hongbao commands that you type as a story."),
    help=N_(
        "It opens your shell on a new, empty wallet; yours is not touched. `exit` writes the "
        "story, which plays itself twice. PINs, ID numbers and real names in it are made up."
    ),
    epilog=("hongbao record demo.txt\nhongbao record demo.txt -- sh evening.sh"),
)
def record(
    ctx: Context,
    file: Annotated[
        str | None,
        Argument(
            metavar="FILE", show_default=False, help=N_("the story to write; --yes overwrites it")
        ),
    ] = None,
    command: Annotated[
        list[str] | None,
        Argument(metavar="COMMAND", show_default=False, help=N_("record this instead of a shell")),
    ] = None,
    after: Annotated[
        str | None,
        Option(
            "--after", metavar="FILE", help=N_("play this story first, and record what follows")
        ),
    ] = None,
    home: Annotated[
        str | None,
        Option("--home", metavar="FOLDER", help=N_("make the wallet in this new folder")),
    ] = None,
    exact: Annotated[
        bool, Option("--exact", help=N_("expect whole lines, and not only amounts"))
    ] = False,
    start: Annotated[
        bool, Option("--start", help=N_("print what starts it in this shell, for eval"))
    ] = False,
    stop: Annotated[
        bool,
        Option("--stop", help=N_("end it there, and print what the shell forgets")),
    ] = False,
) -> None:
    from hongbao.outputs import check_writable

    call = caller(ctx)
    _check(ctx, file=file, command=command, start=start, stop=stop)
    if stop:
        _stop(call)
        return
    assert file is not None
    path = absolute_path(str(call.output(file)))
    if path.exists() and not call.yes:
        raise FileExists(path=file)
    check_writable(path)
    begun = _Begun.make(call, path, after=after, home=home, exact=exact)
    if start:
        print("\n".join(begun.exports()))
        call.remark(N_("recording to {file}; your own wallet is not touched"), file=file)
        return
    try:
        with ending_tidily():
            begun.type(call, command or [])
            made = begun.finish(call)
    finally:
        begun.clear()
    _answer(call, made)


def _check(
    ctx: Context, *, file: str | None, command: list[str] | None, start: bool, stop: bool
) -> None:
    """Refuse what does not go together."""
    if start and stop:
        raise ConflictingOptions("--start", "--stop", command=ctx.command_path)
    if stop and file is not None:
        raise ConflictingOptions("--stop", "FILE", command=ctx.command_path)
    if start and command:
        raise ConflictingOptions("--start", "COMMAND", command=ctx.command_path)
    if file is None and not stop:
        raise wrong_usage(
            "Missing argument 'FILE'.",
            command=ctx.command_path,
            placeholders=ctx.command.placeholders,
        )


def _stop(call: "Caller") -> None:
    """End the recording that this shell is in."""
    log = call.env.variables.get("HONGBAO_RECORDING")
    if not log:
        raise NothingRecorded(problem="not_recording")
    begun = _Begun.found(Path(log))
    print("\n".join(begun.restores()), flush=True)
    try:
        with ending_tidily():
            made = begun.finish(call)
    finally:
        begun.clear()
    _answer(call, made, out=sys.stderr)


def _answer(call: "Caller", made: "RecordingMade", out: Any = None) -> None:
    """Say what became of the recording; raise RecordingDiffers if its plays do not agree."""
    from contextlib import redirect_stdout

    from hongbao.recordings.composing import LEFT_OUT
    from hongbao.ui.recordings import show_made

    if made["agrees"] or not call.as_json:
        with redirect_stdout(out or sys.stdout):
            call.answer(made, lambda made: show_made(made, LEFT_OUT))
    if not made["agrees"]:
        raise RecordingDiffers(
            path=made["file"],
            command=made["differences"][0]["command"] if made["differences"] else "check",
            differences=[dict(each) for each in made["differences"]],
        )


class _Begun(NamedTuple):
    """A recording that has begun: its *folder*, and what its log says of it."""

    folder: Path
    home: Path
    file: Path
    before: str
    pin_file: str
    exact: bool
    restored: Mapping[str, str | None]

    @classmethod
    def make(
        cls, call: "Caller", file: Path, *, after: str | None, home: str | None, exact: bool
    ) -> "_Begun":
        """Begin a recording, after the story *after*; its wallet is to be in the folder *home*."""
        from hongbao.recordings import recorder

        chosen = None if home is None else absolute_path(home)
        if chosen is not None and (chosen.exists() or chosen.is_symlink()):
            raise HomeTaken(path=str(chosen))
        before = "" if after is None else _text_before(after)
        own_pin_file = call.env.variables.get("HONGBAO_PIN_FILE")
        pin_file = absolute_path(own_pin_file) if own_pin_file else None
        try:
            folder = Path(tempfile.mkdtemp(prefix="hongbao-recording-")).resolve()
        except OSError as error:
            reason = error.strerror or str(error)
            raise StorageRefused(path=tempfile.gettempdir(), reason=reason) from None
        variables = call.env.variables
        begun = cls(
            folder=folder,
            home=chosen or folder / "home",
            file=file,
            before=before,
            pin_file=str(pin_file or _made_up_pin(folder)),
            exact=exact,
            restored={name: variables.get(name) for name in (*_SET, *OTHERS)},
        )
        try:
            if after is not None:
                begun._play_before(call)
            more = {
                **{name: str(getattr(begun, name)) for name in ("folder", "file")},
                **{name: getattr(begun, name) for name in ("before", "pin_file", "exact")},
                "restored": begun.restored,
            }
            recorder.begin(
                folder / LOG,
                salt=call.env.chance(16),
                home=begun.home,
                founds=after is None,
                more=more,
            )
        except BaseException:
            begun.clear()
            raise
        return begun

    @classmethod
    def found(cls, log: Path) -> "_Begun":
        """Return the recording whose *log* this is. Raises NotARecording."""
        from hongbao.recordings import recorder

        try:
            head = recorder.head(log)
            more = dict(head.more)
            folder, file = Path(more.pop("folder")), Path(more.pop("file"))
            if folder != log.parent:
                raise NotARecording(path=str(log))
            return cls(folder=folder, home=Path(head.home), file=file, **more)
        except (OSError, KeyError, TypeError):
            raise NotARecording(path=str(log)) from None

    def variables(self) -> dict[str, str]:
        """Return the variables of the shell that is recorded."""
        return {
            "HONGBAO_RECORDING": str(self.folder / LOG),
            "HONGBAO_HOME": str(self.home),
            "HONGBAO_CONFIG": str(self.folder / "config.toml"),
            "HONGBAO_LANG": "zh" if language() == "zh_CN" else "en",
            "HONGBAO_PIN_FILE": self.pin_file,
        }

    def exports(self) -> Iterator[str]:
        """Yield the lines that begin the recording in a shell."""
        yield from _settings({**dict.fromkeys(OTHERS), **self.variables()})

    def restores(self) -> Iterator[str]:
        """Yield the lines that end it there."""
        yield from _settings(self.restored)

    def _play_before(self, call: "Caller") -> None:
        """Play the story that comes first, in this wallet. Raises PlayFailed."""
        from hongbao.story import Failed, parse, perform
        from hongbao.ui.stories import failure_lines

        story = parse(self.before, self.file.name, self.folder)
        outcomes = perform(
            story,
            self.folder,
            home=self.home,
            language=language(),
            variables=call.env.variables,
            run=call.run,
        )
        with closing(outcomes), saying_failures(call):
            for outcome in outcomes:
                if isinstance(outcome, Failed):
                    raise PlayFailed(
                        failed=1,
                        skipped=0,
                        failures=[{"text": "\n".join(failure_lines(outcome))}],
                    )

    def type(self, call: "Caller", command: Sequence[str]) -> None:
        """Let *command* run, or a shell be typed in, and wait for its end."""
        call.remark(N_("recording on a new wallet; your own wallet is not touched"))
        with typed_in(call.env.variables, self.variables(), "recording", command) as (
            argv,
            variables,
        ):
            if not command:
                call.remark(N_("`exit` ends the recording and writes {file}"), file=self.file.name)
            started = subprocess.Popen(  # noqa: S603 - what the user asked for
                argv, env=variables, stdout=sys.stderr if call.as_json else None
            )
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for them
            try:
                started.wait()
            finally:
                signal.signal(signal.SIGINT, before)
                if started.returncode is None:
                    started.terminate()

    def finish(self, call: "Caller") -> "RecordingMade":
        """Write the story, after it has played itself twice, and return what became of it."""
        from hongbao.outputs import save_as
        from hongbao.recordings import recorder
        from hongbao.recordings.composing import compose
        from hongbao.recordings.trial import digest_of, tried
        from hongbao.story.script import Prop, parse

        head, entries = recorder.read(self.folder / LOG)
        if not entries:
            raise NothingRecorded(problem="no_command")
        scenes = parse(self.before, self.file.name, self.folder).scenes
        lays_pin = not any(isinstance(scene, Prop) and scene.name == "pin" for scene in scenes)
        draft = compose(entries, taken=_names(self.before), lays_pin=lays_pin)
        if not draft.steps:
            raise NothingRecorded(problem="no_command")
        call.remark(N_("playing it twice"))
        came = tried(
            draft,
            run=call.run,
            variables=call.env.variables,
            salt=bytes.fromhex(head.salt),
            language=language(),
            exact=self.exact,
            before=self.before,
        )
        save_as(self.file, lambda out: out.write(came.text.encode()), replace=True)
        recorded = digest_of(call.run, self.folder, self.home, call.env.variables)
        digest = came.digests[0] if len({*came.digests}) == 1 else None
        return {
            "file": _as_typed(self.file),
            "commands": len(draft.steps),
            "left_out": [{"command": each.typed, "reason": each.reason} for each in draft.left_out],
            "digest": digest,
            "recorded_digest": recorded,
            "agrees": came.agrees,
            "made_up": draft.replaced,
            "differences": [
                {"command": each.typed, "expected": each.expected, "got": each.got}
                for each in came.differences
            ],
        }

    def clear(self) -> None:
        """Remove the folder; a wallet that was to be elsewhere stays."""
        shutil.rmtree(self.folder, ignore_errors=True)


_SET = ("HONGBAO_RECORDING", "HONGBAO_HOME", "HONGBAO_CONFIG", "HONGBAO_LANG")
"""The variables that a recording sets, but for the PIN's file."""


def _as_typed(path: Path) -> str:
    """Return *path* as it would be typed here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _names(text: str) -> set[str]:
    from hongbao.story.script import NAME

    return {*NAME.findall(text)}


def _text_before(typed: str) -> str:
    """Return the whole text of the story *typed*, with those that it uses in their place."""
    from hongbao.story.script import whole_text

    return whole_text(absolute_path(typed))


def _made_up_pin(folder: Path) -> Path:
    """Lay a PIN that is made up in *folder*, and return its file."""
    from hongbao.recordings.composing import made_up_pins

    file = folder / "pin"
    file.touch(0o600)
    file.write_text(next(made_up_pins()) + "\n", encoding="utf-8")
    return file


def _settings(variables: Mapping[str, str | None]) -> Iterator[str]:
    """Yield the lines by which a shell sets *variables*, or forgets those without text."""
    if os.name == "nt" and not os.environ.get("SHELL"):
        for name, text in variables.items():
            quoted = "" if text is None else text.replace("'", "''")
            yield f"$env:{name} = '{quoted}'"
        return
    yield from for_any_shell(variables)
