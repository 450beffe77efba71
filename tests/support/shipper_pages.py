"""What the pages of docs/shipping say: configurations, and documents as shippers send them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "docs" / "shipping"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.stem != "README")
_BLOCK = re.compile(r"^```(\S+)( host-missing)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """A document of a page, and the host that must come out of it: None where it names none."""

    name: str
    document: dict[str, Any]
    host: str | None


def blocks(page: Path, kind: str) -> list[str]:
    """Return the blocks of one kind on a page."""
    return [text for found, _, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if found == kind]


def _examples() -> Iterator[Example]:
    for page in PAGES:
        found = [block for block in _BLOCK.findall(page.read_text(encoding="utf-8")) if block[0] == "json"]
        for number, (_, missing, text) in enumerate(found, start=1):
            yield Example(f"{page.stem} {number}", json.loads(text), None if missing else "gpu-1")


EXAMPLES = list(_examples())
"""The documents of every page."""
LINE = blocks(FOLDER / "README.md", "text")[0].rstrip("\n")
"""The line that all of them carry."""
