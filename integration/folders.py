"""Where the rule and pipeline files are: inside the installed package, or beside it in a working copy; and how YAML is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader  # libyaml, ten times as fast; PyYAML's own packages have it
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

__all__ = ["SafeLoader", "asset_folder", "read_asset"]
_PACKAGE = Path(__file__).resolve().parent


def asset_folder(name: str) -> Path:
    """Return the folder `rules` or `ingest_pipelines`, wherever this installation keeps it."""
    packaged = _PACKAGE / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def read_asset(path: Path) -> Any:
    """Read a YAML file that comes with the package."""
    return yaml.load(path.read_text(encoding="utf-8"), SafeLoader)
