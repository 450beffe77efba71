"""Files that are not Ollama's: what keeps their lines from being stored as if they were."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from integration.errors import InputError
from integration.log.blocks import count_lines, is_pipe, open_logs
from integration.log.files import RawLine
from integration.log.recognition import looks_like_ollama, said_unlike

_ADVICE: Final = "Leave it out, or store its lines all the same with --force."
_MOST_HELD: Final = 10_000
_MOST_CHARACTERS: Final = 16 << 20


def refuse_foreign(paths: Iterable[str]) -> None:
    """Raise `InputError` if a log in the files has lines and none looks like Ollama's; pipes are not looked at."""
    foreign = [log for path in paths if not is_pipe(path) for log in _foreign(path)]
    if foreign:
        raise InputError("\n".join([*(said_unlike(path, lines) for path, lines in foreign), _ADVICE]))


def _foreign(path: str) -> Iterator[tuple[str, int]]:
    """Yield each log in a file in which no line looks like Ollama's, with its number of lines; an empty one is not among them."""
    with open_logs(path) as logs:
        for log in logs:
            lines = 0
            for _, block in log.blocks:
                if looks_like_ollama(block):
                    break
                lines += count_lines(block)
            else:
                if lines:
                    yield log.path, lines


def only_ollamas(lines: Iterable[RawLine]) -> Iterator[RawLine]:
    """Yield the lines of a pipe, held back until one looks like Ollama's.

    Raises `InputError` where none does, of many lines none of the first.
    """
    every, held, characters = iter(lines), list[RawLine](), 0
    for line in every:
        held.append(line)
        characters += len(line.text)
        if looks_like_ollama(line.text.encode()):
            yield from held
            yield from every
            return
        if len(held) == _MOST_HELD or characters > _MOST_CHARACTERS:
            break
    if held:
        raise InputError(f"{said_unlike(held[0].path, len(held))}\n{_ADVICE}")
