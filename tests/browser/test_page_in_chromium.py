"""Pages of `--format html` in headless Chromium: what they show, that they ask for nothing, and that texts of logs do nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builders import error
from tests.support.chromium import Browser, chromium
from tests.support.cli import detect
from tests.support.hostile import BYTES
from tests.support.waiting import until

pytestmark = pytest.mark.browser
HOSTS = (
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=document.title='owned'>",
    '<a href="https://example.test/">x</a>',
    "\u202egpu\x1b[2J",
    "x" * 300,
)
SIZES = [(scheme, width) for scheme in ("light", "dark") for width in (1400, 360)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of sample logs with attacks, and of hostile logs."""
    folder = tmp_path_factory.mktemp("pages")
    sampled = ("--lines", "3000", "--span", "2d", "--start", "2026-11-24T00:00:00Z", "--scenario", "attack")
    assert detect("sample", "--out", str(folder), *sampled).code == 0
    (folder / "bytes.log").write_bytes(b"\n".join(BYTES.values()) + b"\n")
    documents = [{"message": error(f'msg="model {host}" err="{host}"'), "host": {"name": host}} for host in HOSTS]
    (folder / "hosts.log").write_text("".join(json.dumps(each) + "\n" for each in documents), encoding="utf-8")
    logs = {"sample": folder.glob("*/server.log"), "hostile": folder.glob("*.log")}
    written = {}
    for name, paths in logs.items():
        answer = detect("backtest", *map(str, sorted(paths)), "--format", "html")
        assert answer.code == 0, answer.err
        written[name] = folder / f"{name}.html"
        written[name].write_text(answer.out, encoding="utf-8")
    return written


def test_what_a_page_asks_for_and_says_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<img src='http://127.0.0.1:9/x.png'><script>undefined_name()</script>", encoding="utf-8")
    browser.open(page)
    assert "http://127.0.0.1:9/x.png" in browser.requests()
    assert any("undefined_name is not defined" in line for line in browser.said())


@pytest.mark.parametrize("name", ["sample", "hostile"])
@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_a_page_shows_its_charts_asks_for_nothing_and_complains_of_nothing(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    browser.requests()
    browser.open(pages[name], scheme=scheme, width=width)
    assert (
        browser.run("[...document.querySelectorAll('.chart')].map(chart => chart.querySelector('.main-svg') !== null)")
        == [True] * 3
    )
    assert browser.run("document.querySelectorAll('#chart-timeline .bars path').length") > 0
    assert (
        browser.run("document.querySelector('#chart-hosts .heatmaplayer image').getAttribute('href').slice(0, 10)") == "data:image"
    )
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run("[...document.querySelectorAll('.chart')].every(chart => chart.scrollWidth <= chart.clientWidth)")
    browser.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.said() == []
    assert browser.requests() == [pages[name].as_uri()]


def test_colours_follow_the_scheme_while_the_page_is_open(browser: Browser, pages: dict[str, Path]) -> None:
    def colours() -> list[str]:
        bar = "getComputedStyle(document.querySelector('#chart-timeline .bars path')).fill"
        return list(browser.run(f"[getComputedStyle(document.body).backgroundColor, {bar}]"))

    browser.open(pages["sample"])
    light = colours()
    browser.switch("dark")
    until(lambda: not set(light) & set(colours()), "a dark page with dark charts")
    browser.switch("light")
    until(lambda: colours() == light, "the light page again")


def test_texts_of_logs_do_nothing(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["hostile"])
    assert browser.run("document.title").startswith("detect backtest: ")
    assert browser.run("document.querySelectorAll('a, img, iframe, object, main script').length") == 0
    assert (
        browser.run(
            "[...document.querySelectorAll('*')].flatMap(each => [...each.attributes]).filter(a => /^on/.test(a.name)).length"
        )
        == 0
    )
    shown = browser.run("document.body.innerText")
    assert "<script>document.title='owned'</script>" in shown
    assert "\\u202egpu\\x1b[2J" in shown
    assert not [c for c in shown if not c.isprintable() and c not in "\n\t"]
    labels = browser.run("[...document.querySelectorAll('#chart-hosts .ytick text')].map(label => label.textContent)")
    assert any(label.startswith("<script>") for label in labels)


def test_what_is_hovered_over_is_text(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["hostile"])
    hosts = browser.run(
        "JSON.parse(document.getElementById('figures').textContent)[1].data[0].text.map(row => row[0].split('<br>')[0])"
    )
    place = next(row for row, host in enumerate(hosts) if "a href" in host)
    browser.run("document.querySelector('#chart-hosts').scrollIntoView()")
    layout = "document.querySelector('#chart-hosts')._fullLayout"
    corner = browser.run("(({x, y}) => [x, y])(document.querySelector('#chart-hosts .main-svg').getBoundingClientRect())")
    for step in (-1, 0):  # a mouse that moves
        cell = browser.run(
            f"[{layout}.xaxis._offset + {layout}.xaxis.c2p(8), {layout}.yaxis._offset + {layout}.yaxis.c2p({place})]"
        )
        browser.point_at(corner[0] + cell[0] + step, corner[1] + cell[1])
    until(lambda: browser.run("document.querySelector('#chart-hosts .hovertext') !== null"), "the text that is hovered over")
    shown = browser.run("document.querySelector('#chart-hosts .hovertext').textContent")
    assert shown.startswith('<a href="https://example.test/">x</a>08:00: ')
    assert browser.run("document.querySelectorAll('.chart a').length") == 0


def test_a_page_without_scripts_shows_the_findings(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["sample"], scripts=False)
    try:
        browser.scripts(on=True)
        assert browser.run("document.querySelectorAll('.chart .main-svg').length") == 0
        assert "The charts need JavaScript." in browser.run("document.body.innerText")
        assert browser.run("document.querySelector('.finding summary').innerText.length") > 20
    finally:
        browser.scripts(on=True)


def test_a_severity_is_hidden_and_a_finding_opens(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["sample"])
    assert browser.run("document.querySelector('.finding.critical').checkVisibility()")
    browser.run("document.querySelector('#show-critical').click()")
    assert not browser.run("document.querySelector('.finding.critical').checkVisibility()")
    browser.run("document.querySelector('#show-critical').click()")
    line = "document.querySelector('.finding.critical .lines code').checkVisibility()"
    assert not browser.run(line)
    browser.run("document.querySelector('.finding.critical summary').click()")
    assert browser.run(line)
