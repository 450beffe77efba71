"""The connection options of the verbs that ask a cluster, each with its environment variable."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from getpass import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from integration.cli.output import is_on_terminal
from integration.cli.settings.secret_file import read_secret
from integration.cli.stopping import stoppable
from integration.cli.verbs import replacing
from integration.engines.base import Engine
from integration.engines.connect import connect
from integration.engines.connection import DEFAULT_TIMEOUT, Connection
from integration.engines.dashboards import GLOBAL_TENANT, Dashboards
from integration.engines.kibana import DEFAULT_SPACE, Kibana
from integration.errors import InputError
from integration.names import Namespace

DEFAULT_URL = "http://localhost:9200"


def _option(name: str, help_text: str, **settings: Any) -> Any:
    """Return a connection option with its environment variable."""
    variable = f"DETECT_{name.upper().replace('-', '_')}"
    return typer.Option(f"--{name}", help=help_text, rich_help_panel="Cluster", **{"envvar": variable} | settings)


NamespaceOption = Annotated[str, _option("namespace", "Of the data stream logs-ollama.server-NAMESPACE.", metavar="NAME")]


@dataclass(frozen=True)
class ClusterOptions:
    """The cluster, the credentials, and the namespace on it; `asked_for` says that the command line names the cluster."""

    connection: Connection
    namespace: Namespace
    kibana_url: str | None
    space: str
    dashboards_url: str | None
    tenant: str
    asked_for: bool

    def open(self) -> Engine:
        """Connect to the cluster; its own answer tells the engine."""
        return connect(self.connection)

    def open_if_asked_for(self) -> AbstractContextManager[Engine | None]:
        """Connect to the cluster where the command line names it: for verbs that need none."""
        return self.open() if self.asked_for else nullcontext()

    def open_kibana(self) -> AbstractContextManager[Kibana | None]:
        """Connect to Kibana with the same credentials, if its address is given."""
        if self.kibana_url is None:
            return nullcontext()
        return Kibana(replace(self.connection, url=self.kibana_url), self.space)

    def open_dashboards(self) -> AbstractContextManager[Dashboards | None]:
        """Connect to OpenSearch Dashboards with the same credentials, if its address is given."""
        if self.dashboards_url is None:
            return nullcontext()
        return Dashboards(replace(self.connection, url=self.dashboards_url), self.tenant)


def _cluster_options(
    context: typer.Context,
    url: Annotated[str, _option("url", "The cluster's address.", metavar="URL")] = DEFAULT_URL,
    api_key_file: Annotated[
        Path | None, _option("api-key-file", "A file that holds an API key; else DETECT_API_KEY.", metavar="FILE")
    ] = None,
    username: Annotated[str | None, _option("username", "A user of the cluster.", metavar="NAME")] = None,
    password_file: Annotated[
        Path | None,
        _option("password-file", "A file that holds the password; else DETECT_PASSWORD, else a terminal is asked.", metavar="FILE"),
    ] = None,
    ca_certs: Annotated[str | None, _option("ca-certs", "The CA's PEM file.", metavar="FILE")] = None,
    client_cert: Annotated[str | None, _option("client-cert", "A client certificate, PEM.", metavar="FILE")] = None,
    client_key: Annotated[str | None, _option("client-key", "Its private key, PEM.", metavar="FILE")] = None,
    insecure: Annotated[bool, _option("insecure", "Accept any certificate.")] = False,
    timeout: Annotated[
        float, _option("timeout", "How long to wait for a connection, and then for each answer.", min=0.1, metavar="SECONDS")
    ] = DEFAULT_TIMEOUT,
    namespace: NamespaceOption = "default",
    kibana_url: Annotated[
        str | None, _option("kibana-url", "Kibana's address, for rules and dashboards there.", metavar="URL")
    ] = None,
    space: Annotated[str, _option("space", "The space in Kibana.", metavar="NAME", envvar="DETECT_KIBANA_SPACE")] = DEFAULT_SPACE,
    dashboards_url: Annotated[
        str | None, _option("dashboards-url", "OpenSearch Dashboards' address, for dashboards there.", metavar="URL")
    ] = None,
    tenant: Annotated[
        str, _option("tenant", "The tenant in OpenSearch Dashboards.", metavar="NAME", envvar="DETECT_DASHBOARDS_TENANT")
    ] = GLOBAL_TENANT,
) -> ClusterOptions:
    for name in ("url", "kibana_url", "dashboards_url"):
        _refuse_secret_in_url(context, name)
    api_key = _secret(context, "api_key", api_key_file)
    password = _secret(context, "password", password_file)
    if username is not None and password is None and api_key is None:
        password = _ask_for_password(username)
    connection = Connection(
        url=url,
        api_key=api_key,
        username=username,
        password=password,
        ca_certs=ca_certs,
        client_cert=client_cert,
        client_key=client_key,
        insecure=insecure,
        timeout=timeout,
    )
    asked_for = _source(context, "url") == "COMMANDLINE"
    return ClusterOptions(connection, Namespace(namespace), kibana_url, space, dashboards_url, tenant, asked_for)


def with_cluster(verb: Callable[..., None]) -> Callable[..., None]:
    """Replace a verb's parameter `cluster: ClusterOptions` by the connection options, and end it in good order on a signal."""
    return replacing("cluster", _cluster_options, verb, stoppable)


def _source(context: typer.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    return source.name if source else ""


def _refuse_secret_in_url(context: typer.Context, name: str) -> None:
    """Refuse a user or a password in a URL on the command line, which other users of the machine can read."""
    if _source(context, name) == "COMMANDLINE" and "@" in context.params[name]:
        option = f"--{name.replace('_', '-')}"
        raise InputError(
            f"{option} must not hold a user or a password: other users of this machine can read the command line. "
            f"Give --username and DETECT_PASSWORD or --password-file, or set DETECT_{name.upper()} in the environment"
        )


def _secret(context: typer.Context, name: str, file: Path | None) -> str | None:
    """Return a secret from the file of an option, else from the environment, else from the file that the settings name."""
    variable = f"DETECT_{name.upper()}"
    given = os.environ.get(variable) or None
    source = _source(context, f"{name}_file")
    if given is not None and source == "ENVIRONMENT":
        raise InputError(f"Set either {variable} or {variable}_FILE, not both")
    if file is None or (given is not None and source != "COMMANDLINE"):
        return given
    return read_secret(file)


def _ask_for_password(username: str) -> str | None:
    """Ask for the password, if there is a terminal to ask at."""
    if not (is_on_terminal() and sys.stderr.isatty()):
        return None
    try:
        return getpass(f"Password of {username}: ", sys.stderr)
    except EOFError:
        return None
