"""Headless Chromium on pages of HTML: what it shows, what its console says, and what it asks of a network."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

# Chromium as root has no sandbox; without the others it talks to Google by itself.
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


class Browser:
    """A browser with one page open."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def open(self, page: Path, *, scheme: str = "light", width: int = 1400, height: int = 1000, scripts: bool = True) -> None:
        """Open a file in a colour scheme and a width."""
        self.scripts(on=scripts)
        self.switch(scheme)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self._driver.get(page.as_uri())

    def scripts(self, *, on: bool) -> None:
        """Let scripts run in pages, or none; those that ran not when a page was opened do not run later."""
        self._driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not on})

    def switch(self, scheme: str) -> None:
        """Change the colour scheme of the page that is open."""
        preference = {"name": "prefers-color-scheme", "value": scheme}
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [preference]})

    def run(self, script: str) -> Any:
        """Return what a script returns in the page."""
        return self._driver.execute_script(f"return {script}")

    def point_at(self, x: float, y: float) -> None:
        """Move the mouse to a place in the window."""
        self._driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})

    def said(self) -> list[str]:
        """Return what the console says since it was asked last: errors, and what a policy refused."""
        return [entry["message"] for entry in self._driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requests(self) -> list[str]:
        """Return what was asked for since it was asked last, without what no network carries and the browser's own pages."""
        events = [json.loads(entry["message"])["message"] for entry in self._driver.get_log("performance")]  # type: ignore[no-untyped-call]
        urls = [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]
        return [url for url in urls if not url.startswith(("data:", "blob:", "chrome:"))]

    def picture(self) -> bytes:
        """Return a PNG of what is seen."""
        return b64decode(self._driver.execute_cdp_cmd("Page.captureScreenshot", {})["data"])


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile, and end it with the block; the test fails where there is none."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.fail("there is no chromium, or no chromedriver, on the PATH: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = binary
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = Chrome(options=options, service=ChromeService(executable_path=driver))
    try:
        yield Browser(started)
    finally:
        started.quit()
