"""A page of HTML, read as a browser without scripts reads it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

_WITHIN_WORDS = {"code", "span", "b", "time"}
_VOID = {"meta", "br", "input", "link", "img", "hr"}


class HtmlPage(HTMLParser):
    """The elements of a page with their attributes, its visible text, and its scripts; a wrong nesting is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[dict[str, str], str]] = []
        self._words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        self.elements.append((tag, own))
        if tag == "script":
            self.scripts.append((own, ""))
        self._words += [" "] * (tag not in _WITHIN_WORDS)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif not self._open or self._open[-1] != "style":
            self._words.append(data)

    @property
    def text(self) -> str:
        """What a reader sees, white space as one blank."""
        return re.sub(r"[ \n]+", " ", "".join(self._words))

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    @property
    def attributes(self) -> set[str]:
        return {name for _, own in self.elements for name in own}

    @property
    def policy(self) -> dict[str, list[str]]:
        """The directives of the Content-Security-Policy."""
        (stated,) = [own["content"] for tag, own in self.elements if own.get("http-equiv") == "Content-Security-Policy"]
        return {name: values for name, *values in (directive.split() for directive in stated.split(";"))}

    @property
    def figures(self) -> list[Any]:
        """The charts, as the page's script reads them."""
        (text,) = [text for own, text in self.scripts if own.get("type") == "application/json"]
        figures: list[Any] = json.loads(text)
        return figures

    @property
    def hashes(self) -> list[str]:
        """What a policy has to state to allow the scripts."""
        run = [text for own, text in self.scripts if "type" not in own]
        return [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in run]
