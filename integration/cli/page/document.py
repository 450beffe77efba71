"""A page of HTML in one text: template, style, script and data in one, which asks for nothing on a network.

Its Content-Security-Policy allows no request, and of scripts those alone whose hashes it states: markup of a log that came through
all the same could run nothing and send nothing. The text is ASCII, so that it says the same in whatever encoding it is written.
"""

from __future__ import annotations

import json
import re
import sys
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import distribution
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from integration import __version__
from integration.cli.page.charts import Chart
from integration.errors import InputError
from integration.findings.escaping import escaped

_PACKAGES = ("jinja2", "plotly")


def check_page() -> None:
    """Raise `InputError` where the packages are missing that a page is made with, or standard output is a terminal."""
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise InputError(
            f"--format html needs what is not installed ({', '.join(missing)}): run `pip install 'ollama-detect[html]'`, "
            "or use another format"
        )
    if sys.stdout.isatty():
        raise InputError("--format html writes a page of megabytes, which no terminal shows: send it to a file, > report.html")


def page_text(charts: Sequence[Chart], page: Mapping[str, Any]) -> str:
    """Return a page as HTML: its charts, and what else the template shows by name."""
    from jinja2 import Environment, StrictUndefined  # not above: an extra, and the other formats need none of it
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        """Escape what would steer or mislead who reads a text: control characters and marks of direction."""
        return escaped(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(autoescape=True, undefined=StrictUndefined, finalize=shown, trim_blocks=True, lstrip_blocks=True)
    library, script, style = _library(), _own("charts.js"), _own("page.css")
    text = environment.from_string(_own("page.html")).render(
        page=page,
        figures=[{"id": f"chart-{chart.name}", **chart.figure} for chart in charts],
        charts=charts,
        policy=Markup(_policy(library, script)),  # noqa: S704 - hashes of our own files
        library=Markup(library),  # noqa: S704 - a file of the package plotly
        licence=_licence(),
        script=Markup(script),  # noqa: S704 - our own file
        style=Markup(style),  # noqa: S704 - our own file
        version=__version__,
    )
    return text.encode("ascii", "xmlcharrefreplace").decode()


def _policy(*scripts: str) -> str:
    """Return the Content-Security-Policy. Plotly adds styles by itself, and paints a heat map as a picture."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    rest = "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; script-src {hashes}; {rest}"


def _own(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="ascii")


def _library() -> str:
    """Return the script of Plotly with its licence in front, in ASCII; nothing in it may end the script element."""
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

    text = re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], get_plotlyjs()).replace("\r\n", "\n")
    return re.sub(r"<(?=/script|!--)", r"\\x3C", text, flags=re.IGNORECASE)


def _licence() -> list[str]:
    """Return the lines of Plotly's licence, which every copy has to hold."""
    named = [each for each in distribution("plotly").files or () if each.name.upper().startswith("LICENSE")]
    own = [each for each in named if ".dist-info" in str(each.parent)]
    return [line for each in own for line in each.read_text(encoding="utf-8").splitlines()]
