"""
Films as asciicasts, for asciinema's players: version 3, or 2 for the older ones.

The header has a size and a title, and nothing of the machine: no command, no environment, no time.
What the picture carries is a comment of version 3, and a key of the header in version 2, which has
no comments.
"""

from collections.abc import Iterator

from hongbao.documents import to_json
from hongbao.recordings.film import Film, Line
from hongbao.recordings.scenario import Chapter
from hongbao.ui.picture import Run, Style

VERSIONS = (2, 3)

CARRIED = "# hongbao: "
"""What the line begins with that carries the story; in version 2 it is the key ``hongbao``."""


def cast(film: Film, version: int = 3) -> str:
    """Return *film* as an asciicast of *version*."""
    document = film.carried.document()
    size = {"cols": film.columns, "rows": film.rows}
    head: dict[str, object] = {"version": version}
    if version == 3:
        head |= {"term": size, "title": film.title}
    else:
        head |= {"width": film.columns, "height": film.rows, "title": film.title}
        head["hongbao"] = document
    lines = [to_json(head)]
    if version == 3:
        lines.append(CARRIED + to_json(document))
    before = 0
    for at, code, data in events(film):
        if code == COMMENT:
            lines += [f"# {data}"] if version == 3 else []
            continue
        time = at - before if version == 3 else at
        event = f'"{code}", {to_json(data)}'
        if code == "x" and version == 2:
            event = '"o", ""'  # which only says how long the last line stays
        lines.append(f"[{time // 1000}.{time % 1000:03}, {event}]")
        before = at
    return "\n".join([*lines, ""])


COMMENT = "#"


def events(film: Film) -> Iterator[tuple[int, str, str]]:
    """
    Yield the events of *film* with their times in milliseconds.

    These are outputs, a marker where a chapter begins, a comment with the books' digest where one
    ends, and the end of all.
    """
    shown = 0
    for moment in film.moments:
        lines = film.lines[shown : moment.lines]
        if moment.kind == "began":
            if moment.chapter:
                yield from _digest(film.carried.chapters[moment.chapter - 1], lines[0].at)
            yield lines[0].at, "m", moment.label
        for line in lines:
            yield from _typed(line)
        shown = moment.lines
    if film.carried.chapters:
        yield from _digest(film.carried.chapters[-1], film.ends)
    yield film.ends, "x", "0"


def _digest(chapter: Chapter, at: int) -> Iterator[tuple[int, str, str]]:
    if chapter.digest is not None:
        yield at, COMMENT, f"books digest {chapter.digest}"


def _typed(line: Line) -> Iterator[tuple[int, str, str]]:
    """Yield *line* as it appears: at once, or its prompt first and then key by key."""
    if not line.typed:
        yield line.at, "o", f"{printed(line.runs)}\r\n"
        return
    characters = [Run(character, run.style) for run in line.runs for character in run.text]
    prompt, rest = characters[: line.prompt], characters[line.prompt :]
    yield line.at, "o", printed(prompt)
    at = line.at
    for pause, run in zip(line.typed, rest, strict=True):
        at += pause
        yield at, "o", printed([run])
    yield at, "o", "\r\n"


_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def printed(runs: "list[Run] | tuple[Run, ...]") -> str:
    """Return *runs* with the escapes of their styles; each leaves the terminal as it was."""
    text = ""
    for run in runs:
        codes = _codes(run.style)
        text += f"\x1b[{codes}m{run.text}\x1b[0m" if codes else run.text
    return text


def _codes(style: Style) -> str:
    codes = [
        str(code)
        for code, is_on in (
            (1, style.bold),
            (2, style.dim),
            (3, style.italic),
            (4, style.underline),
        )
        if is_on
    ]
    if style.colour:
        codes.append(str(30 + _NAMES.index(style.colour)))
    if style.background:
        codes.append(str(40 + _NAMES.index(style.background)))
    return ";".join(codes)
