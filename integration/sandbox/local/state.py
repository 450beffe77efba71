"""The records of the nodes that `detect cluster up` started: one JSON file each."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from integration.errors import InputError
from integration.sandbox.local.account import Account
from integration.sandbox.local.cache import Report, cache_folder, locked, make_reachable
from integration.sandbox.local.distribution import Layout
from integration.sandbox.local.ports import LOOPBACK
from integration.sandbox.local.process import Process

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """A node that was started: its place and, until it is stopped, its process."""

    name: str
    engine: str
    version: str
    port: int
    folder: str
    pid: int | None = None
    started: float | None = None

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def layout(self) -> Layout:
        """Its folders."""
        return Layout(Path(self.folder))

    @property
    def process(self) -> Process | None:
        """The node's process; None when it was stopped."""
        return None if self.pid is None or self.started is None else Process(self.pid, self.started)

    @property
    def running(self) -> bool:
        """Whether this process still runs."""
        return self.process is not None and self.process.alive

    def run_by(self, process: Process | None) -> NodeRecord:
        """Return the record of the same node with another process, or with none."""
        if process is None:
            return replace(self, pid=None, started=None)
        return replace(self, pid=process.pid, started=process.started)


class StateFolder:
    """The folder of the records: `$DETECT_STATE_DIR`, else `nodes` below the cache folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, account: Account) -> StateFolder:
        """Create the folder unless it exists.

        Raises `InputError` when it cannot be made.
        """
        chosen = os.environ.get("DETECT_STATE_DIR")
        folder = Path(chosen).absolute() if chosen else cache_folder(account) / "nodes"
        try:
            make_reachable(folder)
        except OSError as error:
            raise InputError(f"Cannot make the state folder {folder}: {error.strerror}. Set DETECT_STATE_DIR.") from error
        return cls(folder)

    @contextmanager
    def lock(self, name: str, report: Report) -> Iterator[None]:
        """Keep other processes from starting or stopping the node `name`.

        Raises `InputError` when this cannot be the name of a node.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r} cannot be the name of a node: use a-z, 0-9, - and _, and begin with a letter or digit.")
        while True:
            with locked(self._lock(name), report):
                if self._lock(name).exists():  # else whoever held it before has deleted it with the node
                    yield
                    return

    def load(self, name: str) -> NodeRecord | None:
        """Read a record; None when there is none.

        Raises `InputError` when the file holds something else.
        """
        path = self._path(name)
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            return NodeRecord(**{each.name: read[each.name] for each in fields(NodeRecord)})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{path} is not the record of a node: {error}. See whether the node runs, stop it, and delete the file."
            ) from error

    def save(self, record: NodeRecord) -> None:
        """Write a record, as a whole or not at all."""
        path = self._path(record.name)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
        draft.replace(path)

    def forget(self, name: str) -> None:
        """Delete a record, and the file of its lock."""
        self._path(name).unlink(missing_ok=True)
        self._lock(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the names of all records."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _lock(self, name: str) -> Path:
        return self.folder / f"{name}.lock"
