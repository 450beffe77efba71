"""The options that verbs share, each with its environment variable, and what they make."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from integration.cli.settings.secret_file import read_secret
from integration.cli.stopping import stoppable
from integration.detection.loading import load_rules
from integration.detection.model import Rule
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import DEFAULT_TIMEOUT, Connection
from integration.engines.kibana import DEFAULT_SPACE, Kibana
from integration.errors import InputError
from integration.names import Namespace


class Format(StrEnum):
    """How results are written to standard output."""

    TABLE = "table"
    JSON = "json"


class TabularFormat(StrEnum):
    """How findings are written to standard output."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


_CLUSTER = "Cluster"
_RULE = "Rule"
FormatOption = Annotated[Format, typer.Option("--format", help="How to write results.")]
TabularFormatOption = Annotated[TabularFormat, typer.Option("--format", help="How to write findings.")]
UrlOption = Annotated[
    str, typer.Option("--url", envvar="DETECT_URL", help="The cluster's address.", rich_help_panel=_CLUSTER, show_envvar=True)
]
ApiKeyOption = Annotated[
    str | None, typer.Option("--api-key", envvar="DETECT_API_KEY", rich_help_panel=_CLUSTER, help="An API key.")
]
UsernameOption = Annotated[str | None, typer.Option("--username", envvar="DETECT_USERNAME", rich_help_panel=_CLUSTER)]
PasswordOption = Annotated[str | None, typer.Option("--password", envvar="DETECT_PASSWORD", rich_help_panel=_CLUSTER)]
ApiKeyFileOption = Annotated[
    Path | None,
    typer.Option("--api-key-file", envvar="DETECT_API_KEY_FILE", help="A file that holds it.", rich_help_panel=_CLUSTER),
]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option("--password-file", envvar="DETECT_PASSWORD_FILE", help="A file that holds it.", rich_help_panel=_CLUSTER),
]
CaOption = Annotated[
    str | None, typer.Option("--ca-certs", envvar="DETECT_CA_CERTS", help="The CA's PEM file.", rich_help_panel=_CLUSTER)
]
ClientCertOption = Annotated[
    str | None,
    typer.Option("--client-cert", envvar="DETECT_CLIENT_CERT", help="A certificate, PEM.", rich_help_panel=_CLUSTER),
]
ClientKeyOption = Annotated[str | None, typer.Option("--client-key", envvar="DETECT_CLIENT_KEY", rich_help_panel=_CLUSTER)]
InsecureOption = Annotated[
    bool,
    typer.Option("--insecure", envvar="DETECT_INSECURE", help="Take any certificate.", rich_help_panel=_CLUSTER),
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout",
        envvar="DETECT_TIMEOUT",
        min=0.1,
        metavar="SECONDS",
        help="How long to wait for a connection, and then for each answer.",
        rich_help_panel=_CLUSTER,
    ),
]
NamespaceOption = Annotated[
    str,
    typer.Option(
        "--namespace",
        envvar="DETECT_NAMESPACE",
        help="Of the data stream logs-ollama.server-NAMESPACE.",
        rich_help_panel=_CLUSTER,
    ),
]
RuleOption = Annotated[list[str] | None, typer.Option("--rule", help="A rule's id; all by default.", rich_help_panel=_RULE)]
RulesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--rules",
        envvar="DETECT_RULES",
        help="A folder of rule files, beside the shipped rules; repeatable.",
        rich_help_panel=_RULE,
    ),
]
TimezoneOption = Annotated[
    str, typer.Option("--timezone", envvar="DETECT_TIMEZONE", help="What first_error and last_error are printed in.")
]

KibanaUrlOption = Annotated[
    str | None,
    typer.Option("--kibana-url", envvar="DETECT_KIBANA_URL", help="Kibana's address, for rules there.", rich_help_panel=_CLUSTER),
]
SpaceOption = Annotated[
    str, typer.Option("--space", envvar="DETECT_KIBANA_SPACE", help="The space in Kibana.", rich_help_panel=_CLUSTER)
]

DEFAULT_URL = "http://localhost:9200"
_DURATION = re.compile(r"(\d{1,5})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True)
class ClusterOptions:
    """Where the cluster is, who we are there, and which namespace is meant."""

    connection: Connection
    namespace: Namespace
    kibana_url: str | None
    space: str

    def open(self) -> Engine:
        """Connect; the cluster's own answer tells the engine."""
        return connect(self.connection)

    def open_kibana(self) -> AbstractContextManager[Kibana | None]:
        """Connect to Kibana, as the same user, if its address is given."""
        if self.kibana_url is None:
            return nullcontext()
        return Kibana(replace(self.connection, url=self.kibana_url), self.space)


def _cluster_options(
    context: typer.Context,
    url: UrlOption = DEFAULT_URL,
    api_key: ApiKeyOption = None,
    api_key_file: ApiKeyFileOption = None,
    username: UsernameOption = None,
    password: PasswordOption = None,
    password_file: PasswordFileOption = None,
    ca_certs: CaOption = None,
    client_cert: ClientCertOption = None,
    client_key: ClientKeyOption = None,
    insecure: InsecureOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    namespace: NamespaceOption = "default",
    kibana_url: KibanaUrlOption = None,
    space: SpaceOption = DEFAULT_SPACE,
) -> ClusterOptions:
    connection = Connection(
        url=url,
        api_key=_secret(context, "api_key", api_key, api_key_file),
        username=username,
        password=_secret(context, "password", password, password_file),
        ca_certs=ca_certs,
        client_cert=client_cert,
        client_key=client_key,
        insecure=insecure,
        timeout=timeout,
    )
    return ClusterOptions(connection, Namespace(namespace), kibana_url, space)


# From far to near: what is said nearer counts.
_SOURCES = ("DEFAULT_MAP", "ENVIRONMENT", "COMMANDLINE")


def _secret(context: typer.Context, name: str, given: str | None, file: Path | None) -> str | None:
    """Give a secret, from its option or from the file that another option names: whichever of the two was said nearer."""
    if file is None:
        return given
    if given is not None:
        plain, named = (
            _SOURCES.index(str(source and source.name)) for source in map(context.get_parameter_source, (name, f"{name}_file"))
        )
        if plain == named:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"Give either {option} or {option}-file (or their environment variables), not both")
        if plain > named:
            return given
    secret = read_secret(file)
    if secret.exposed:
        typer.echo(f"{str(file)!r} can be read by other users of this machine: chmod 600 it", err=True)
    return secret.text


def with_cluster(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb that takes `cluster: ClusterOptions` the connection options in its place, so that they are written once.

    A signal ends it in good order.
    """

    def call(**given: Any) -> None:
        with stoppable():
            verb(**given)

    call.__signature__ = inspect.signature(verb, eval_str=True)  # type: ignore[attr-defined]
    call.__name__, call.__doc__ = verb.__name__, verb.__doc__
    return taking("cluster", _cluster_options, call)


def taking(name: str, make: Callable[..., object], verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the parameters of `make` in place of its parameter `name`, for which it gets what `make` makes of them."""
    own = inspect.signature(verb, eval_str=True).parameters
    shared = inspect.signature(make, eval_str=True).parameters

    def call(**given: Any) -> None:
        made = make(**{each: given.pop(each) for each in shared})
        verb(**{name: made}, **given)

    parameters = [*(p for each, p in own.items() if each != name), *shared.values()]
    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    call.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in keyword_only}
    call.__name__, call.__doc__ = verb.__name__, verb.__doc__
    return call


def rules_of(folders: list[Path] | None, ids: list[str] | None) -> tuple[Rule, ...]:
    """Load the rules that the options name."""
    return load_rules(folders or (), ids or ())


def zone_of(name: str) -> tzinfo:
    """Give the time zone of a name such as Europe/Berlin; `InputError` when there is none."""
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"{name!r} is no time zone (--timezone, DETECT_TIMEZONE, or `timezone` in detect.toml); write one such as Europe/Berlin"
        ) from error


def seconds_of(option: str, text: str) -> int:
    """Read a duration such as 90m; `InputError` names the option when it is none."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise InputError(f"{option} {text!r} is no duration; write 30s, 90m, 12h or 7d")
    return int(match[1]) * _SECONDS[match[2]]
