"""`detect notify`: whom `detect watch` tells of findings, and whether messages reach them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from integration.cli.options import ConfigOption, FormatOption, RulesOption, configured
from integration.cli.output import print_json
from integration.cli.settings.model import Config, NotifySettings
from integration.cli.settings.secret_file import read_secret
from integration.cli.tables import print_table
from integration.errors import InputError
from integration.scheduler.notifications import Receiver

_TITLE = "Test message of detect"
_BODY = "detect notify --test sent this. New findings of detect watch come here."


def notify(
    test: Annotated[bool, typer.Option("--test", help="Send a test message to each; ends with 1 where one fails.")] = False,
    rules: RulesOption = None,
    config: ConfigOption = None,
    form: FormatOption = "table",
) -> None:
    """List whom `detect watch` tells of findings, and send each a test message.

    They are the [[notify]] entries of detect.toml. Their URLs hold secrets and are never shown.

    Example: detect notify --test
    """
    settings, _ = configured(config, rules, None)
    if not settings.notify:
        raise InputError(f"{settings.source or 'detect.toml'} has no [[notify]] entry; docs/notify.md shows how to write one")
    shown, rows = [], []
    for each, receiver in zip(settings.notify, receivers_of(settings), strict=True):
        record: dict[str, object] = {
            "to": receiver.name,
            "service": receiver.service,
            "severity_at_least": str(each.severity_at_least),
            "rule": list(each.rule or ()),
            "host": list(each.host or ()),
        }
        rules_and_hosts = [", ".join(names) if names else "all" for names in (each.rule, each.host)]
        rows.append([receiver.name, receiver.service, f"{each.severity_at_least} or more", *rules_and_hosts])
        if test:
            record["fault"] = receiver.send(_TITLE, _BODY)
            rows[-1].append(str(record["fault"] or "sent"))
        shown.append(record)
    if form == "json":
        print_json({"notify": shown})
    else:
        print_table(["to", "service", "severity", "rules", "hosts", *(["test message"] if test else [])], rows)
    if any(record.get("fault") for record in shown):
        raise typer.Exit(1)


def receivers_of(settings: Config) -> tuple[Receiver, ...]:
    """Return the receivers of the `[[notify]]` entries; `InputError` names each entry whose URL is missing or wrong."""
    receivers, faults = [], []
    for number, each in enumerate(settings.notify, 1):
        name = f"[[notify]] {number} ({each.url_env or each.url_file})"
        try:
            url = _url(settings, each)
            receivers.append(Receiver(name, url, each.wanted, each.findings_per_message, each.messages_per_hour))
        except InputError as error:
            faults.append(f"{settings.source}: {name}: {error}")
    if faults:
        raise InputError("\n".join(faults))
    return tuple(receivers)


def _url(settings: Config, entry: NotifySettings) -> str:
    """Read the URL of an entry from the environment or from its file."""
    if entry.url_env is not None:
        url = os.environ.get(entry.url_env, "").strip()
        if not url:
            raise InputError(f"the environment has no variable {entry.url_env}; put the URL into it")
        return url
    base = settings.source.parent if settings.source else Path()
    return read_secret(base / Path(entry.url_file or "").expanduser()).strip()
