"""The pages on shippers: what each must say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.shipper_pages import EXAMPLES, FOLDER, LINE, PAGES, Example, blocks

WITHOUT = ("journald", "docker-and-kubernetes")
"""Pages on where lines come from, not on a shipper."""


def test_the_index_names_every_page() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if f"]({page.name})" not in index] == []
    assert len(PAGES) == 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_how_it_was_tried_what_arrives_and_how_to_see_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert sum(said in text for said in ("**Run here**", "**Not run here.**", "**Read here**")) == 1
    assert "README.md#see-that-lines-arrive" in text
    assert any(example.name.startswith(f"{page.stem} ") for example in EXAMPLES)
    assert blocks(page, "json")


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem not in WITHOUT], ids=lambda page: page.stem)
def test_a_page_names_the_data_stream_and_says_where_the_host_comes_from(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "logs-ollama.server-default" in text or "dataset: ollama.server" in text
    assert "- **Host**: " in text
    assert "- **Data stream**: " in text


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_names_its_host_unless_it_says_so(example: Example) -> None:
    assert ("gpu-1" in json.dumps(example.document)) == (example.host is not None)
    message = "llama runner terminated"
    assert message in json.dumps(example.document)
    assert message in LINE
