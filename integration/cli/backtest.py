"""`detect backtest`: how noisy rules would have been, before they are enabled."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Annotated

import typer

from integration.cli.backtest_output import Answer
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.instants import FromOption, ToOption, span_of
from integration.cli.logs import FILES_HELP, HostFromOption, HostOption, note_machines, note_packed, scan_logs, told_once
from integration.cli.options import BacktestFormatOption, RuleOptions, TimezoneOption, rules_of, with_rules, zone_of
from integration.cli.output import note, progress
from integration.cli.page.document import check_page
from integration.cli.page.pages import EXPLAIN, EXPLAIN_FILES, MAX_LINE, MAX_LINES, LinesOf, print_backtest, source_of
from integration.cli.settings.loading import load_config
from integration.cli.settings.model import RuleSettings
from integration.cli.windows import told, told_of, windows_of
from integration.commands.backtest import Judge, Span, judged
from integration.commands.evidence import first_lines
from integration.commands.run import count_read, spanned, statistics_of
from integration.commands.suggestions import suggested
from integration.detection.model import Rule
from integration.detection.schedule import Window
from integration.errors import InputError
from integration.evaluation.presence import no_events
from integration.findings.finding import Statistics
from integration.findings.lines import LineStore
from integration.findings.store import stored_findings
from integration.log.blocks import names_of_logs
from integration.log.hosts import Hosts

_ALONE = "rules alone"
_MOST_SUGGESTIONS = 10


@dataclass
class _Seen:
    """What was evaluated: known whole when the findings are."""

    windows: int = 0
    span: Span | None = None
    read: int = 0
    notes: list[str] = field(default_factory=list)
    lines: LineStore | None = None
    """The lines of files, where they are asked for."""


@with_cluster
@with_rules
def backtest(
    cluster: ClusterOptions,
    options: RuleOptions,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help=f"{FILES_HELP} Without any, the cluster's events.")
    ] = None,
    start: FromOption = None,
    end: ToOption = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", metavar="FILE", help="A detect.toml: the sums before, and with its filter and thresholds."),
    ] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="List the filter entries that would take away the most findings, with what they hide.")
    ] = False,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="Hosts and values that are shown.")] = 10,
    host: HostOption = None,
    host_from: HostFromOption = None,
    timezone: TimezoneOption = "UTC",
    form: BacktestFormatOption = "table",
) -> None:
    """Say how many findings the past would have had: by severity, day, hour and host, and of which messages.

    Every scheduled window from --from to --to is evaluated in one pass over the cluster, or over log files, which need no cluster.
    Nothing is stored. Days and hours are those of --timezone.

    --compare shows what the filter and thresholds of a detect.toml would change: beside the settings in use, or beside the rules
    without filter and thresholds where it is the file in use. --suggest is about the findings that are left.

    --format html writes one page with charts and the findings, each with its first lines; it needs the extra `html`.

    Example: detect backtest --since 30d --compare detect.toml --suggest
    """
    if form == "html":
        check_page()
    zone = zone_of(timezone)
    judges = _judges(options, compare, zone)
    seen = _Seen()
    where = options.deployment(cluster.namespace).events
    if files:
        seen.lines = LineStore(MAX_LINES, MAX_LINE) if form == "html" else None
        files = told_once(files)
        note_packed(files)
        hosts = Hosts(list(names_of_logs(files)), given=host, host_from=host_from)
        statistics = _in_files(options.rules, files, hosts, span_of(start, end), seen)
    elif start is None:
        raise InputError("give --from, such as --from 30d, with --to or without, or name log files")
    else:
        statistics = _on_cluster(cluster, options.rules, where, start, end, seen)
    with closing(statistics), stored_findings(judged(statistics, judges)) as found:
        suggestions = suggested(found, _MOST_SUGGESTIONS) if suggest else None
        answer = Answer(seen.windows, seen.span, seen.read, judges, suggestions, top)
        notes = [*seen.notes, *judges[-1].tally.notes()]
        if form == "html":
            with _lines_behind(cluster, where, seen.lines) as lines_of:
                source, explain = source_of(files or [where]), EXPLAIN_FILES if files else EXPLAIN
                print_backtest(answer, found, lines_of, options.rules, source, explain, notes)
        elif form == "json":
            answer.print_json()
        else:
            answer.print_tables()
    for line in notes:
        note(line)


@contextmanager
def _lines_behind(cluster: ClusterOptions, index: str, of_files: LineStore | None) -> Iterator[LinesOf]:
    """Yield what returns the first lines behind a finding, in files or on the cluster."""
    if of_files is not None:
        with closing(of_files):
            yield of_files.of
    else:
        with cluster.open() as engine:
            yield lambda finding: first_lines(engine, index, finding, MAX_LINES, MAX_LINE)


def _on_cluster(
    cluster: ClusterOptions, rules: Sequence[Rule], index: str, start: str | None, end: str | None, seen: _Seen
) -> Generator[tuple[str, Window, str, Statistics], None, None]:
    """Yield the statistics of every window, rule by rule."""
    plan = [(rule, windows_of(rule, None, start, end)) for rule in rules]
    seen.windows = len({(window.start, window.end) for _, windows in plan for window in windows})
    seen.span = Span(*spanned(plan))
    seen.notes.append(told(plan))
    with cluster.open() as engine, progress("Windows", sum(len(windows) for _, windows in plan)) as advance:
        for rule, window, host, statistics in statistics_of(engine, plan, index, advance):
            yield rule.id, window, host, statistics
        seen.read = count_read(engine, plan, index)
        if not seen.read:
            seen.notes.append(no_events(engine, index, *spanned(plan)))


def _in_files(
    rules: Sequence[Rule], files: Sequence[str], hosts: Hosts, asked: tuple[int | None, int | None], seen: _Seen
) -> Generator[tuple[str, Window, str, Statistics], None, None]:
    """Yield the statistics of every window that lies in the span asked for, by the reference, rule by rule."""
    scan = scan_logs(rules, files, hosts, lines=seen.lines)
    begins, ends = asked
    first, last = [] if begins is None else [begins], [] if ends is None else [ends]
    with closing(scan):
        seen.read = scan.read
        for reference in scan.references:
            for window, host, statistics in reference.statistics():
                if (begins is not None and window.start < begins) or (ends is not None and window.end > ends):
                    continue
                first, last = [min([window.start, *first])], [max([window.end, *last])]
                yield reference.rule.id, window, host, statistics
    if first and last:
        # Of files that begin and end anywhere, the windows between the first selected event and the last.
        schedule = min((rule.windows for rule in rules), key=lambda each: each.latest_ms - each.earliest_ms)
        length = schedule.latest_ms - schedule.earliest_ms
        start, end = (schedule.window_of(time).start for time in (first[0] + length - 1, last[0]))
        seen.span = Span(start, max(start, end))
        seen.windows = (seen.span.end - start) // length
        seen.notes.append(told_of(seen.windows, seen.span.start, seen.span.end))
    note_machines(scan, hosts, told=True)
    seen.notes += scan.unlike()


def _judges(options: RuleOptions, compare: Path | None, zone: tzinfo) -> list[Judge]:
    """Return the ways to judge: by the settings in use, and before and after where there is a file to compare."""
    settings, loaded = options.settings, options.rules
    in_use = Judge(str(settings.source or _ALONE), loaded, settings.post_filter, zone)
    if compare is None:
        return [in_use]
    ids = {rule.id for rule in loaded}
    every = rules_of(options.folders, None)
    if settings.source is not None and compare.resolve() == settings.source.resolve():
        schedules = {name: RuleSettings(schedule=own.schedule) for name, own in settings.rule.items()}
        alone = settings.model_copy(update={"filter": (), "thresholds": {}, "rule": schedules})
        in_use = Judge(_ALONE, [rule for rule in alone.applied_to(every) if rule.id in ids], alone.post_filter, zone)
    other = load_config(compare).model_copy(update={"index": settings.index, "fields": settings.fields})
    changed = [rule for rule in other.applied_to(every) if rule.id in ids]
    for rule, before in zip(changed, loaded, strict=True):
        if rule.schedule != before.schedule:
            raise InputError(
                f"{compare}: another schedule of {rule.id} than in the settings in use: its windows cannot be compared"
            )
    return [in_use, Judge(str(compare), changed, other.post_filter, zone)]
