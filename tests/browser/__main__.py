"""Takes the picture of a page that the documentation shows."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.chromium import chromium
from tests.support.cli import detect

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "backtest.png"
SAMPLED = ("--hosts", "9", "--lines", "20000", "--span", "3d", "--start", "2026-11-20T00:00:00Z")


def main() -> None:
    """Write the picture."""
    with TemporaryDirectory() as folder, chromium(Path(folder) / "profile") as browser:
        os.chdir(folder)
        assert detect("sample", "--out", "logs", *SAMPLED).code == 0
        answer = detect("backtest", *map(str, sorted(Path("logs").glob("*/server.log"))), "--format", "html")
        assert answer.code == 0, answer.err
        page = Path(folder) / "report.html"
        page.write_text(answer.out, encoding="utf-8")
        browser.open(page, width=1200, height=1600)
        browser.run("document.querySelectorAll('fieldset input:not(#show-critical)').forEach(each => each.click())")
        browser.run("document.querySelector('.finding.critical details').open = true")
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(browser.picture())


if __name__ == "__main__":
    main()
