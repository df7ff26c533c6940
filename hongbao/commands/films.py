"""Pictures of stories that move: what `hongbao play` writes with --cast, --svg and --html."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from hongbao.commands.caller import talk
from hongbao.commands.declared import (
    wrong_usage,
)
from hongbao.commands.demo import ending_tidily
from hongbao.errors import BadSize, ConflictingOptions, HongbaoError, PlayFailed
from hongbao.words import N_

if TYPE_CHECKING:
    from hongbao.answers import FilmMade, PicturesVerified, PictureVerified
    from hongbao.commands.caller import Caller
    from hongbao.recordings.film import Film


class Films(NamedTuple):
    """The pictures that were asked for: the file of each, and how it is to be."""

    cast: str | None
    svg: str | None
    html: str | None
    poster: str | None
    size: str | None
    cast_version: int | None
    loop: bool

    @property
    def files(self) -> dict[str, str]:
        """The files to write, by the option that names each."""
        files = {
            "--cast": self.cast,
            "--svg": self.svg,
            "--html": self.html,
            "--poster": self.poster,
        }
        return {option: file for option, file in files.items() if file is not None}

    def check(self, others: Sequence[str], *, command: str) -> None:
        """Refuse *others*, options that do not go with pictures, and details of none."""
        if self.files:
            if others:
                raise ConflictingOptions(next(iter(self.files)), others[0], command=command)
            return
        if self.size is not None or self.cast_version is not None or self.loop:
            raise wrong_usage("Missing option '--svg'.", command=command)


@contextmanager
def saying_failures(call: "Caller") -> Iterator[None]:
    """Say what failed in a story where it raises PlayFailed; ``--json`` has it in the error."""
    try:
        yield
    except PlayFailed as error:
        if not call.as_json:
            for failure in error.failures:
                talk(str(failure["text"]), wrapped=False)
        raise


def read_size(text: str | None) -> tuple[int, int]:
    """Return the columns and rows that *text* says, as in ``80x24``. Raises BadSize."""
    from hongbao.recordings.film import COLUMNS, COLUMNS_MIN, ROWS, ROWS_MIN
    from hongbao.recordings.scenario import SIZE_MAX

    if text is None:
        return COLUMNS, ROWS
    found = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text)
    if found is not None:
        columns, rows = int(found[1]), int(found[2])
        if COLUMNS_MIN <= columns <= SIZE_MAX and ROWS_MIN <= rows <= SIZE_MAX:
            return columns, rows
    raise BadSize(text, least=f"{COLUMNS_MIN}x{ROWS_MIN}", most=f"{SIZE_MAX}x{SIZE_MAX}")


def make(call: "Caller", source: str, path: Path, given: Mapping[str, str], films: Films) -> None:
    """Film the story in *path*, called *source*, and write the pictures that were asked for."""
    from hongbao.outputs import check_free, check_writable, save_as
    from hongbao.recordings.film import filmed
    from hongbao.recordings.scenario import without_secrets

    columns, rows = read_size(films.size)
    paths = {option: call.output(file) for option, file in films.files.items()}
    for out in paths.values():
        check_free(out, call.yes)
        check_writable(out)
    story, carried_given = _text_of(path, source)
    with ending_tidily(), saying_failures(call):
        film = filmed(
            without_secrets(story),
            title=Path(source).stem,
            source=source,
            run=call.run,
            variables=call.env.variables,
            given={**carried_given, **given},
            columns=columns,
            rows=rows,
            with_books="--html" in paths,
        )
    for option, out in paths.items():
        save_as(out, partial(_write, _drawn(film, option, films).encode()), call.yes)
    made: FilmMade = {
        "story": source,
        "files": [*films.files.values()],
        "seconds": film.ends // 1000,
        "lines": len(film.lines),
        "chapters": [chapter._asdict() for chapter in film.carried.chapters],  # type: ignore[misc]
        "digest": film.carried.chapters[-1].digest if film.carried.chapters else None,
    }
    from hongbao.ui.recordings import show_film

    call.answer(made, show_film)
    if film.had_race:
        call.remark(N_("it shows a race, so it can be played and not be verified"))


def _write(document: bytes, out: BinaryIO) -> None:
    out.write(document)


def _text_of(path: Path, source: str) -> tuple[str, Mapping[str, str]]:
    """Return the whole text of a story, or of the one in a picture, and the names it was given."""
    from hongbao.recordings import verifying
    from hongbao.story.script import whole_text

    if verifying.is_picture(path):
        carried = verifying.read(path, source).carried
        return carried.story, carried.given
    return whole_text(path), {}


def _drawn(film: "Film", option: str, films: Films) -> str:
    """Return the picture of *film* that *option* asks for."""
    from hongbao.recordings import cast, moving, page

    match option:
        case "--cast":
            return cast.cast(film, films.cast_version or 3)
        case "--svg":
            return moving.svg(film, loop=films.loop)
        case "--html":
            return page.page(film)
    return moving.poster(film)


def verify(call: "Caller", files: Sequence[str]) -> None:
    """Say of each picture in *files* whether it is still true. Raises the first PictureDiffers."""
    from hongbao.paths import typed_path
    from hongbao.recordings import verifying
    from hongbao.recordings.film import filmed_again
    from hongbao.ui.recordings import show_verified

    verified: PicturesVerified = {"ok": True, "pictures": []}
    differs: HongbaoError | None = None
    pictures = [(file, verifying.read(typed_path(file), file)) for file in files]
    with ending_tidily(), saying_failures(call):
        for file, picture in pictures:
            film = filmed_again(
                picture.carried,
                title=Path(file).stem,
                source=file,
                run=call.run,
                variables=call.env.variables,
            )
            seen: PictureVerified = {
                "file": file,
                "ok": True,
                "lines": len(film.lines),
                "language": picture.carried.language,
                "digest": film.carried.chapters[-1].digest if film.carried.chapters else None,
                "problem": None,
            }
            try:
                verifying.check(picture, film, file)
            except HongbaoError as error:
                seen["ok"] = verified["ok"] = False
                seen["problem"] = error.message if not call.as_json else str(error)
                differs = differs or error
            verified["pictures"].append(seen)
            if not call.as_json:
                show_verified(seen)
    if differs is not None:
        raise differs
    if call.as_json:
        call.answer(verified, lambda _verified: None)
