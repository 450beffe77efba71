"""detect.toml, the user's own settings: where the cluster and the events are, thresholds, schedule, and the filter of SPL 15."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from integration.detection.field_names import MAPPABLE, FieldNames
from integration.detection.ladder import Step
from integration.detection.model import Rule, ScheduleText
from integration.detection.schedule import MINUTE_MS, Schedule
from integration.detection.severity import Severity
from integration.detection.texts import Name, like
from integration.errors import InputError
from integration.findings.filter import Bound, Filter, FilterEntry, Level, Text, Texts

_INDEX = 'the name of an index or a pattern: no blanks, capitals, or any of / \\ ? " < > | #'
_SECRETS = {"api_key": "DETECT_API_KEY", "password": "DETECT_PASSWORD"}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ConnectionSettings(_Model):
    """Where the cluster is; secrets stay in the environment or in files of their own. Relative paths start at the file's folder."""

    url: Text | None = None
    kibana_url: Text | None = None
    dashboards_url: Text | None = None
    api_key_file: Text | None = None
    username: Text | None = None
    password_file: Text | None = None
    ca_certs: Text | None = None
    client_cert: Text | None = None
    client_key: Text | None = None
    insecure: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_secrets(cls, given: Any) -> Any:
        for name in _SECRETS.keys() & (given.keys() if isinstance(given, dict) else ()):
            raise ValueError(
                f"{name} is a secret and does not belong here: set {_SECRETS[name]} in the environment, "
                f"or put it into a file of its own and name that: {name}_file"
            )
        return given

    @field_validator("url", "kibana_url", "dashboards_url")
    @classmethod
    def _no_password(cls, url: str | None) -> str | None:
        if url is not None and "@" in url.partition("://")[2]:
            raise ValueError("must not hold a user or password: set username here and DETECT_PASSWORD in the environment")
        return url


class IndexSettings(_Model):
    """Bring your own index: the index, data stream or pattern that holds the lines.

    `dataset` is the value of `event.dataset` that marks them; an empty one says that the index holds nothing else.
    """

    pattern: Annotated[str, like(r"[^\s/\\?\"<>|#A-Z]{1,1000}", _INDEX)]
    dataset: Annotated[str, StringConstraints(max_length=256)] | None = None


class ScheduleSettings(_Model):
    """Another schedule than the rule's: any of its three parts, and `offset`, by which windows are further in the past."""

    cron: Text | None = None
    earliest: Text | None = None
    latest: Text | None = None
    offset: Annotated[str, like(r"[0-9]{1,4}[mh]", "a span such as 20m or 2h")] = "0m"

    def applied_to(self, schedule: ScheduleText) -> ScheduleText:
        """Return a rule's schedule with these settings; `ValueError` when they make no schedule."""
        texts = schedule.model_dump() | self.model_dump(exclude={"offset"}, exclude_none=True)
        minutes = int(self.offset[:-1]) * (60 if self.offset.endswith("h") else 1)
        if minutes:
            runs = Schedule(**texts)
            texts |= {"earliest": f"-{minutes - runs.earliest_ms // MINUTE_MS}m@m"}
            texts |= {"latest": f"-{minutes - runs.latest_ms // MINUTE_MS}m@m"}
        return ScheduleText.model_validate(texts)


def _thresholds(value: object) -> object:
    """`critical = 10` is short for `critical.error_count = 10`."""
    if not isinstance(value, dict):
        return value
    return {level: {"error_count": at} if isinstance(at, int) else at for level, at in value.items()}


class RuleSettings(_Model):
    """What may be said of all rules, or of one: the bounds of its severity steps by level, and its schedule."""

    thresholds: Annotated[dict[Level, dict[Name, Bound]], BeforeValidator(_thresholds)] = {}
    schedule: ScheduleSettings = ScheduleSettings()


def _flat(value: object) -> object:
    """Read `event.original = "x"` as `"event.original" = "x"`."""
    if not isinstance(value, dict):
        return value
    flat: dict[str, object] = {}
    for key, item in value.items():
        inner = _flat(item)
        flat |= {f"{key}.{name}": leaf for name, leaf in inner.items()} if isinstance(inner, dict) else {key: inner}
    return flat


def _tuple(value: object) -> object:
    """Turn a list to a tuple, which strict models ask for."""
    return tuple(value) if isinstance(value, list) else value


class NotifySettings(_Model):
    """One `[[notify]]`: whom `detect watch` tells of which findings. Its URL holds secrets and stands elsewhere.

    `severity_at_least`, `rule` and `host` are those of a `[[filter]]`.
    """

    url_env: Annotated[str, like(r"[A-Za-z_][A-Za-z0-9_]{0,255}", "the name of an environment variable")] | None = None
    url_file: Text | None = None
    severity_at_least: Level = Severity.INFORMATIONAL
    rule: Texts | None = None
    host: Texts | None = None
    findings_per_message: Annotated[int, Field(ge=1, le=50)] = 10
    messages_per_hour: Annotated[int, Field(ge=1, le=1_000)] = 20

    @model_validator(mode="before")
    @classmethod
    def _url_elsewhere(cls, given: Any) -> Any:
        named = given.keys() if isinstance(given, dict) else set()
        if "url" in named:
            raise ValueError("url holds a secret and does not belong here: name a variable by url_env, or a file by url_file")
        if len(named & {"url_env", "url_file"}) != 1:
            raise ValueError("say where its URL stands: url_env names a variable of the environment, or url_file a file")
        return given

    @property
    def wanted(self) -> FilterEntry:
        """What matches the findings that are told."""
        return FilterEntry(action="keep", rule=self.rule, host=self.host, severity_at_least=self.severity_at_least)


class Config(RuleSettings):
    """A whole detect.toml; without a file, what it says by default. `source` is the file."""

    namespace: Text | None = None
    timezone: Text | None = None
    rules: Annotated[tuple[Text, ...], BeforeValidator(_tuple)] = ()
    connection: ConnectionSettings = ConnectionSettings()
    index: IndexSettings | None = None
    fields: Annotated[dict[str, Text], BeforeValidator(_flat)] = {}
    rule: dict[str, RuleSettings] = {}
    filter: Annotated[tuple[FilterEntry, ...], BeforeValidator(_tuple)] = ()
    notify: Annotated[tuple[NotifySettings, ...], BeforeValidator(_tuple)] = ()
    source: Annotated[SkipJsonSchema[Path | None], Field(exclude=True)] = None

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, fields: dict[str, str]) -> dict[str, str]:
        unknown = sorted(fields.keys() - set(MAPPABLE))
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is not an event field of a rule; there are: {', '.join(MAPPABLE)}")
        return fields

    @property
    def post_filter(self) -> Filter:
        """The `[[filter]]` entries, ready to use."""
        return Filter(self.filter)

    def option_defaults(self) -> dict[str, object]:
        """Return the file's values for command-line options, by the options' parameter names."""
        base = self.source.parent if self.source else Path()
        values: dict[str, object] = self.connection.model_dump() | {
            "namespace": self.namespace,
            "timezone": self.timezone,
            "rules": [str(base / Path(folder).expanduser()) for folder in self.rules] or None,
            "index": self.index and self.index.pattern,
        }
        for name in ("api_key_file", "password_file", "ca_certs", "client_cert", "client_key"):
            if isinstance(path := values[name], str):
                values[name] = str(base / Path(path).expanduser())
        return {name: value for name, value in values.items() if value is not None}

    def applied_to(self, rules: Sequence[Rule]) -> tuple[Rule, ...]:
        """Return the rules with these settings; `rules` must be all rules, so that a setting that fits none is an error.

        `InputError` names the setting.
        """
        unknown = self.rule.keys() - {rule.id for rule in rules}
        if unknown:
            raise InputError(f"{self.source}: rule.{min(unknown)}: there is no rule of that id")
        for level, bounds in self.thresholds.items():
            for stat in bounds:
                if not any(_tests(rule, level, stat) for rule in rules):
                    raise InputError(f"{self.source}: thresholds.{level}: no rule tests {stat} for that level")
        for number, entry in enumerate(self.filter, 1):
            if not any(entry.fits(rule) for rule in rules):
                raise InputError(f"{self.source}: [[filter]] {number}: no rule has all that the entry asks for")
        for number, each in enumerate(self.notify, 1):
            if unknown := set(each.rule or ()) - {rule.id for rule in rules}:
                raise InputError(f"{self.source}: [[notify]] {number}.rule: there is no rule of the id {min(unknown)}")
        return tuple(self._applied_to_one(rule) for rule in rules)

    def _applied_to_one(self, rule: Rule) -> Rule:
        own = self.rule.get(rule.id, RuleSettings())
        for level, bounds in own.thresholds.items():
            for stat in bounds:
                if not _tests(rule, level, stat):
                    raise InputError(f"{self.source}: rule.{rule.id}.thresholds.{level}: the rule tests no {stat} for that level")
        changed = rule.model_dump()
        steps = list(_steps(rule, self.thresholds, own.thresholds))
        if (self.thresholds or own.thresholds) and (said := _contradiction(steps)):
            raise InputError(f"{self.source}: thresholds (for {rule.id}): {said}")
        changed["severity"] = tuple(step.model_dump() for step in steps)
        schedule = self.schedule.model_copy(update={name: getattr(own.schedule, name) for name in own.schedule.model_fields_set})
        try:
            changed["schedule"] = schedule.applied_to(rule.schedule).model_dump()
        except (ValidationError, ValueError) as error:
            raise InputError(f"{self.source}: schedule (for {rule.id}): {_first_words(error)}") from error
        dataset = self.index.dataset if self.index else None
        if dataset:
            changed["data_source"]["dataset"] = dataset
        own_index = bool(self.fields) or dataset is not None
        names = FieldNames(self.fields, own_index=own_index, any_dataset=dataset == "")
        return Rule.model_validate(changed).read_from(rule.file).with_field_names(names)


def _tests(rule: Rule, level: Severity, column: str) -> bool:
    return any(c.column == column and c.contains is None for step in rule.severity if step.level is level for c in step.conditions)


def _steps(rule: Rule, *thresholds: dict[Severity, dict[Any, int]]) -> Iterable[Step]:
    """The severity ladder with other bounds; later thresholds win."""
    for step in rule.severity:
        bounds: dict[str | None, int] = {}
        for given in thresholds:
            bounds |= given.get(step.level, {})
        either = {
            name: tuple(
                c.model_copy(update={"greater_than": bounds[c.column]}) if c.column in bounds and c.contains is None else c
                for c in conditions
            )
            for name, conditions in (("any", step.any), ("all", step.all))
        }
        yield step.model_copy(update=either)


def _contradiction(steps: Sequence[Step]) -> str | None:
    """Return why a level can never be reached by a bound: a higher one begins at it or below."""
    higher: dict[str, tuple[int, Severity]] = {}
    for step in steps:
        for condition in step.any:
            if (bound := condition.greater_than) is None or condition.column is None:
                continue
            least, level = higher.get(condition.column, (bound + 1, step.level))
            if bound >= least:
                return f"no finding is ever {step.level} by {condition.column} above {bound}: it is {level} above {least} already"
            higher[condition.column] = (bound, step.level)
    return None


def _first_words(error: ValueError) -> str:
    fault = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return fault.removeprefix("Value error, ")
