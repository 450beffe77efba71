"""A temporary database for what is too much to hold in memory."""

from __future__ import annotations

import sqlite3


def temporary_database(table: str) -> sqlite3.Connection:
    """Make a database of one table, given by its `CREATE TABLE`; its file has no name and is gone when it is closed.

    It lies where SQLite puts temporary files: in `SQLITE_TMPDIR` or `TMPDIR`, else in `/var/tmp` or `/tmp`.
    """
    database = sqlite3.connect("", isolation_level=None)  # an empty name is a temporary file that SQLite removes itself
    database.execute("PRAGMA synchronous=OFF")
    database.execute("PRAGMA journal_mode=OFF")
    database.execute("BEGIN")
    database.execute(table)
    return database
