"""Where the rule and pipeline files are: inside the installed package, or beside it in a working copy."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def asset_folder(name: str) -> Path:
    """Return the folder `rules` or `ingest_pipelines`, wherever this installation keeps it."""
    packaged = _PACKAGE / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name
