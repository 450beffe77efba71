"""The user that a node runs as: OpenSearch and Elasticsearch refuse to run as root."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.errors import InputError

SERVICE_USER = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group of a process; `None` and `None` stand for the current user."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_node(cls) -> Account:
        """Return `nobody` when the current user is root, else the current user.

        Raises `InputError` on Windows, or when root has no `nobody` to become.
        """
        if os.name != "posix":
            raise InputError("Local nodes need Linux or macOS. Use WSL or a container, and name it with --url.")
        if os.geteuid() != 0:
            return cls()
        import pwd  # absent on Windows, where the rest of the command must still be importable

        try:
            entry = pwd.getpwnam(SERVICE_USER)
        except KeyError as error:
            raise InputError(
                f"A node must not run as root, and there is no user {SERVICE_USER!r} to run it as. Run this as an ordinary user."
            ) from error
        return cls(entry.pw_uid, entry.pw_gid)

    @property
    def of_process(self) -> dict[str, Any]:
        """What makes `subprocess` start a process as this user, who gets none of our further groups."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, test: str, path: Path) -> bool:
        """Ask as this user whether `path` passes a test of test(1): `-r`, `-w` or `-x`. Parents count too."""
        asked = subprocess.run(  # noqa: S603 - fixed but for what is tested
            ["/bin/sh", "-c", 'test "$1" "$2"', "sh", test, str(path)],
            **self.of_process,
            cwd="/",
            check=False,
        )
        return asked.returncode == 0

    def give(self, path: Path) -> None:
        """Make this user the owner of `path` (not of what is in it)."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
