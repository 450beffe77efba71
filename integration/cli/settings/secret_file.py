"""Secrets in files of their own, as password stores, Docker and Kubernetes hand them out."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from integration.cli.output import note
from integration.errors import InputError

_MAX_BYTES = 16 * 1024


def read_secret(path: Path) -> str:
    """Read a file's one line, without its line end; a pipe will do. Note where other users of this machine may read the file.

    `InputError` names the file and says what is wrong with it, and never shows what is in it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # the latter for a name that no file can have
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}") from error
    if len(data) > _MAX_BYTES:
        raise InputError(f"{path}: is larger than {_MAX_BYTES // 1024} KiB; a secret is one line")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text") from None  # the cause would show what is in it
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise InputError(f"{path}: is empty; write the secret into it, in one line")
    if "\n" in text or "\r" in text:
        raise InputError(f"{path}: has more than one line; a secret is one line")
    if not text.isprintable():
        raise InputError(f"{path}: holds control characters, which no secret has")
    if stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        note(f"{str(path)!r} can be read by other users of this machine: chmod 600 it")
    return text
