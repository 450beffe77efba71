from __future__ import annotations

import json
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from integration.cli.sample import sample
from integration.errors import InputError
from integration.evaluation.reference import Classifier
from integration.log import gin, slog
from integration.log.event import Event, parse
from integration.log.line import read
from integration.log.redaction import redact
from integration.sandbox.sample import Plan, Prefix, Scenario, generate, occurrences, write_files
from integration.sandbox.sample.generator import by_host
from integration.sandbox.sample.texts import VERSIONS, texts_of
from integration.times import parse_time
from tests.support.builders import RULE

START = parse_time("2026-11-24T08:00:00Z")
HOUR = 3_600_000

VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^\s"=]+)'
SLOG = re.compile(
    r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d) level=(?:TRACE|DEBUG|INFO|WARN|ERROR) "
    rf'source=\w+\.go:\d+ msg={VALUE}(?: (?:[\w.]+|"[^"]+")={VALUE})*'
)
ADDRESS = r"(?:\{?(?:0x[0-9a-f]+\??|_|\.\.\.)\}?(?:, )?|[{},]| )*"
SHAPES = (
    SLOG,
    re.compile(r'\[GIN\] \d{4}/\d\d/\d\d - \d\d:\d\d:\d\d \| \d{3} \| +[0-9.msµ]+ \| +[0-9a-f.:]+ \| [A-Z]+ {3,6}"/[^"]*"'),
    re.compile(r"\[GIN-debug\] .+|\s- using (?:env:\texport GIN_MODE=release|code:\tgin\.SetMode\(gin\.ReleaseMode\))"),
    # Go: what ended the process, heads, frames and their places; Gin, which recovers and writes places alone; registers
    re.compile(r"panic: (?:runtime error: |bytes\.Buffer: |unable to load model: ).+|(?:runtime|fatal error): out of memory.*"),
    re.compile(r"\[signal SIGSEGV: .+|SIGSEGV: segmentation violation|PC=0x\w+ m=\d+ .+|signal arrived during cgo execution"),
    re.compile(r"goroutine \d+ (?:gp=0x\w+ m=\w+ (?:mp=0x\w+ )?)?\[[\w ]+\]:|created by [\w./()*]+ in goroutine \d+"),
    re.compile(rf"[\w./]+(?:\(\*\w+\))?[\w.]*(?:\[\.\.\.\])?\({ADDRESS}\)"),
    re.compile(r"\t[\w./]+\.go:\d+(?: \+0x\w+)?(?: fp=0x\w+ sp=0x\w+ pc=0x\w+)?"),
    re.compile(
        r"\x1b\[31m\S+ \S+ \[Recovery\] \S+ - \S+ panic recovered:|runtime error: .+|[\w./]+\.go:\d+ \(0x\w+\)|r[a-z]{2} +0x\w+"
    ),
    # llama.cpp, ggml, glibc; the runner of 0.1.33 writes JSON
    re.compile(r"/build/\S+: GGML_ASSERT\(.+\) failed|/usr/lib/ollama/lib\S+\[0x\w+\]|malloc\(\): .+"),
    re.compile(r"(?:(?:srv|slot) +)?\w+(?:\(\))?: .+|slot [\w ]+: .+|\.+|  Device 0: .+| *(?:prompt )?(?:eval|total) time = .+"),
    re.compile(r'\{"(?:build|function)":.+\}'),
    # what a crafted file made llama.cpp print
    re.compile(r"'"),
)


def plan(
    scenario: Scenario = Scenario.MIXED,
    lines: int = 4_000,
    hosts: int = 1,
    prefix: Prefix = Prefix.BARE,
    seed: int = 0,
    hours: int = 2,
) -> Plan:
    return Plan(hosts=hosts, lines=lines, scenarios=(scenario,), seed=seed, start=START, span=hours * HOUR, prefix=prefix)


def events(made: Plan) -> list[Event]:
    return [parse(line, host=host, shipped_at=START) for host, line in generate(made)]


def classes(made: Plan) -> list[str]:
    """The classes of the selected lines."""
    classifier = Classifier(RULE)
    return [found for event in events(made) if (found := classifier.classify(event)) is not None]


class TestGenerate:
    def test_equal_plans_give_equal_logs(self) -> None:
        assert list(generate(plan())) == list(generate(plan()))
        assert list(generate(plan())) != list(generate(plan(seed=1)))

    @pytest.mark.parametrize("lines", [0, 1, 2, 7, 1000])
    def test_as_many_lines_as_asked_for(self, lines: int) -> None:
        made = [host for host, _ in generate(plan(lines=lines, hosts=3))]
        assert len(made) == lines
        assert made == [f"gpu-0{number % 3 + 1}" for number in range(lines)]

    def test_lines_are_made_as_they_are_taken(self) -> None:
        assert len(list(islice(generate(plan(lines=10**12, hosts=2)), 50))) == 50

    @pytest.mark.parametrize("scenario", Scenario)
    def test_times_ascend_within_the_span(self, scenario: Scenario) -> None:
        for made in (
            Plan(hosts=1, lines=3_000, scenarios=(scenario,), start=START, span=HOUR),
            Plan(hosts=1, lines=3_000, scenarios=(scenario,), start=START, span=50),
        ):
            times = [time for _, line in generate(made) if (time := read(line).stamp) is not None]
            assert times == sorted(times)
            assert times[0] >= START
            assert times[-1] < START + made.span
            assert times[-1] - times[0] > made.span * 0.8

    @pytest.mark.parametrize("scenario", Scenario)
    def test_lines_look_as_ollama_writes_them(self, scenario: Scenario) -> None:
        for _, line in generate(plan(scenario, lines=10_000)):
            assert any(shape.fullmatch(line) for shape in SHAPES), line
            if line.startswith("time="):
                assert {"time", "level", "source", "msg"} <= set(slog.attributes(line))
            if line.startswith("[GIN] "):
                assert len(gin.fields(line)) == 5 + ("?" in line), line

    @pytest.mark.parametrize(
        "wrong",
        [
            {"hosts": 0},
            {"lines": -1},
            {"scenarios": ()},
            {"span": 0},
            {"start": -1},
            {"start": parse_time("9899-01-01")},
        ],
    )
    def test_faults(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(InputError, match="a sample"):
            Plan(**wrong)


class TestScenario:
    def test_benign_has_no_selected_line(self) -> None:
        assert classes(plan(Scenario.BENIGN, lines=10_000, hosts=3)) == []

    def test_attack_has_every_class(self) -> None:
        """Most lines of real attacks are none that the search selects; those of a day still hold all of its classes."""
        assert set(classes(plan(Scenario.ATTACK, lines=9_000, hosts=3, hours=24))) == {
            "service_crash",
            "model_error",
            "runner_error",
            "unknown_error",
        }

    def test_noise_is_seldom_selected(self) -> None:
        lines = 10_000
        made = events(plan(Scenario.NOISY, lines, hosts=3))
        classifier = Classifier(RULE)
        noisy = sum(classifier.classify(event) is not None for event in made)
        assert 0 < noisy < lines / 50
        looks_like_it = [event for event in made if re.search(r"level=(WARN|INFO).*(model|Load failed)", event.original)]
        assert len(looks_like_it) > 5 * noisy

    def test_debug_is_mostly_chatter(self) -> None:
        lines = 20_000
        made = events(plan(Scenario.DEBUG, lines))
        assert sum(event.value("log.level") in ("DEBUG", "TRACE") for event in made) > lines * 0.7
        assert 0 < sum(event.value("log.level") == "ERROR" for event in made) < lines / 100

    @pytest.mark.parametrize(
        "piece",
        [
            "/../../",
            "goroutine",
            'err=\\"exit status 0\\"',
            "\\ntime=2020-01-01",
            "Bearer sk-",
            'level=ERROR source=server.go:1 msg="forged line"',
        ],
    )
    def test_attack_has_what_tries_a_parser(self, piece: str) -> None:
        assert piece in "\n".join(line for _, line in generate(plan(Scenario.ATTACK, lines=9_000, hosts=3, hours=24)))

    def test_what_is_secret_is_redacted(self) -> None:
        made = plan(Scenario.ATTACK, lines=9_000, hosts=3, hours=24)
        assert any("@mail.example.org" in line for _, line in generate(made))
        stored = [event.original for event in events(made)]
        assert not any("@mail" in line or "sk-" in line for line in stored)
        assert any("[REDACTED_EMAIL]" in line for line in stored)

    def test_hosts_take_turns(self) -> None:
        scenarios = (Scenario.ATTACK, Scenario.BENIGN)
        made = Plan(hosts=4, lines=20_000, scenarios=scenarios, start=START, span=24 * HOUR)
        classifier = Classifier(RULE)
        hit = {event.host for event in events(made) if classifier.classify(event)}
        assert hit == {"gpu-01", "gpu-03"}

    @pytest.mark.parametrize("scenario", Scenario)
    def test_versions_take_turns_too(self, scenario: Scenario) -> None:
        """The first line of the server is its own version's, and so is all that follows."""
        first = [
            next(f"{line.text}" for line in lines if line.file == "server.log") for _, _, lines in by_host(plan(scenario, hosts=4))
        ]
        assert [re.findall(r"source=(\w+\.go:\d+)", text)[0] for text in first] == [
            "routes.go:1475",
            "routes.go:1951",
            "images.go:828",
            "routes.go:1475",
        ]

    def test_every_scenario_comes_to_every_version(self) -> None:
        for count in range(1, 6):
            scenarios = tuple(Scenario)[:count]
            made = Plan(hosts=3 * count, lines=0, scenarios=scenarios, start=START)
            pairs = {(number % count, version) for number, (_, version, _) in enumerate(by_host(made))}
            assert len(pairs) == 3 * count


class TestTruth:
    """What `occurrences` says of a log is what happened in it."""

    @pytest.mark.parametrize("scenario", [Scenario.ATTACK, Scenario.NOISY])
    def test_one_episode_a_host_and_hour(self, scenario: Scenario) -> None:
        made = plan(scenario, lines=15_000, hosts=3, hours=24)
        seen = list(occurrences(made))
        assert Counter((one.host, one.start // HOUR) for one in seen) == {
            (f"gpu-0{host}", START // HOUR + hour): 1 for host in (1, 2, 3) for hour in range(24)
        }
        for one in seen:
            assert one.episode.attack == (scenario is Scenario.ATTACK)
            assert RULE.windows.window_of(one.start) == RULE.windows.window_of(one.end)
            assert one.end - one.start < 5_000

    @pytest.mark.parametrize("scenario", [Scenario.ATTACK, Scenario.NOISY])
    def test_every_episode_of_every_version_comes(self, scenario: Scenario) -> None:
        seen = {(one.version, one.episode.name) for one in occurrences(plan(scenario, lines=9_000, hosts=3, hours=24))}
        texts = {version: texts_of(version) for version in VERSIONS}
        episodes = {version: each.attacks if scenario is Scenario.ATTACK else each.faults for version, each in texts.items()}
        assert seen == {(version, episode.name) for version, each in episodes.items() for episode in each}
        assert len(seen) == sum(map(len, episodes.values()))

    def test_its_lines_are_those_of_the_log(self) -> None:
        made = plan(Scenario.ATTACK, lines=6_000, hosts=3, hours=6, prefix=Prefix.JOURNALD)
        logs: dict[str, list[str]] = {}
        for host, line in generate(made):
            logs.setdefault(host, []).append(line)
        for one in occurrences(made):
            first = logs[one.host].index(one.lines[0])
            assert tuple(logs[one.host][first : first + len(one.lines)]) == one.lines
            assert one.episode.impact <= one.episode.attack
            assert one.episode.blind <= one.episode.impact

    def test_a_crash_of_the_server_is_followed_by_a_start(self) -> None:
        """A goroutine's panic ends the process: no access line of that request, a start that finds the upload without a model."""
        crashes = [
            one for one in occurrences(plan(Scenario.ATTACK, 9_000, 3, hours=24)) if any("created by" in x for x in one.lines)
        ]
        assert len({(one.version, one.episode.name) for one in crashes}) >= 12
        for one in crashes:
            assert one.episode.impact
            dead = next(number for number, line in enumerate(one.lines) if "goroutine " in line)
            if any("Listening on" in line for line in one.lines):
                assert not any(line.startswith("[GIN]") for line in one.lines[dead:])

    @pytest.mark.parametrize("seed", range(20))
    def test_a_short_attack_is_one_too(self, seed: int) -> None:
        (one, *_) = occurrences(plan(Scenario.ATTACK, lines=100, seed=seed))
        assert one.episode.attack
        assert one.start - START < 1_000

    def test_a_sparse_log_is_not_made_of_attacks_alone(self) -> None:
        made = plan(Scenario.ATTACK, lines=600, hours=240)
        lines = sum(len(one.lines) for one in occurrences(made))
        assert 0 < lines < 400

    def test_what_the_end_cuts_off_is_none(self) -> None:
        whole = next(occurrences(plan(Scenario.ATTACK, lines=100)))
        at = [line for _, line in generate(plan(Scenario.ATTACK, lines=100))].index(whole.lines[-1])
        assert list(occurrences(plan(Scenario.ATTACK, lines=at))) == []

    def test_everyday_work_has_no_episodes(self) -> None:
        assert list(occurrences(plan(Scenario.BENIGN, lines=5_000, hosts=3))) == []


class TestPrefix:
    @pytest.mark.parametrize("prefix", Prefix)
    def test_what_is_stored_is_the_bare_line(self, prefix: Prefix) -> None:
        """But for the red in which Gin tells of a panic: behind a prefix, a colour is the carrier's."""
        bare = [redact(line).removeprefix("\x1b[31m") for _, line in generate(plan())]
        wrapped = events(plan(prefix=prefix))
        assert [event.original.removeprefix("\x1b[31m") for event in wrapped] == bare

    @pytest.mark.parametrize(
        ("prefix", "beginning"),
        [
            (Prefix.JOURNALD, "Nov 24 08:00:"),
            (Prefix.COMPOSE, "ollama-1  | time="),
            (Prefix.DOCKER_DESKTOP, "2026-11-24 08:00:"),
            (Prefix.DOCKER_JSON, '{"log":"time='),
        ],
    )
    def test_every_line_has_it(self, prefix: Prefix, beginning: str) -> None:
        assert next(generate(plan(prefix=prefix)))[1].startswith(beginning)

    def test_journald_names_the_host(self) -> None:
        line = next(generate(plan(prefix=Prefix.JOURNALD)))[1]
        assert parse(line, host=None, shipped_at=0).host == "gpu-01"

    def test_docker_records_are_json_with_a_time(self) -> None:
        for _, line in generate(plan(prefix=Prefix.DOCKER_JSON, lines=500)):
            assert {"<", ">", "&"}.isdisjoint(line)
            record = json.loads(line)
            assert record["log"].endswith("\n")
            assert record["stream"] == ("stdout" if record["log"].startswith("[GIN] ") else "stderr")
            own = read(record["log"]).stamp
            assert own in (None, parse_time(record["time"]))


class TestFiles:
    made = Plan(hosts=2, lines=3_000, start=START)

    def test_files_hold_what_is_generated(self, tmp_path: Path) -> None:
        files = write_files(tmp_path, self.made)
        assert [file.path.relative_to(tmp_path).as_posix() for file in files] == [
            "gpu-01/app.log",
            "gpu-01/server.log",
            "gpu-02/app.log",
            "gpu-02/server.log",
        ]
        generated = [f"{host} {line}" for host, line in generate(self.made)]
        written = [f"{file.host} {line}" for file in files for line in file.path.read_text().split("\n")[:-1]]
        assert sorted(written) == sorted(generated)
        for file in files:
            data = file.path.read_bytes()
            assert (file.lines, file.bytes) == (data.count(b"\n"), len(data))
            assert file.path.stat().st_mtime == self.made.end / 1000

    def test_progress_is_told(self, tmp_path: Path) -> None:
        told: list[int] = []
        write_files(tmp_path, self.made, told.append)
        assert sum(told) == 3_000

    def test_a_transport_has_one_file(self, tmp_path: Path) -> None:
        files = write_files(tmp_path, plan(prefix=Prefix.COMPOSE))
        assert [file.path.name for file in files] == ["server.log"]

    def test_a_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match=r"file.*: cannot be written: "):
            write_files(tmp_path / "file", self.made)


class TestVerb:
    """`detect sample`."""

    def test_standard_output(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        sample(lines=2_500, seed=3, start="2026-11-24T08:00:00Z", span="90m", prefix=Prefix.JOURNALD)
        made = Plan(lines=2_500, seed=3, start=START, span=90 * 60_000, prefix=Prefix.JOURNALD)
        answer = capsysbinary.readouterr()
        assert answer.out.decode() == "".join(f"{line}\n" for _, line in generate(made))
        assert answer.err == b""

    def test_a_list_of_files(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        sample(out=tmp_path, lines=100, hosts=1, scenario=[Scenario.DEBUG], form="json")
        (app, server) = json.loads(capsys.readouterr().out)["files"]
        path = tmp_path / "gpu-01" / "server.log"
        assert server == {"host": "gpu-01", "path": str(path), "lines": 97, "bytes": path.stat().st_size}
        assert app["lines"] == 3

    def test_a_table_of_files(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        sample(out=tmp_path, lines=1_500, hosts=1)
        answer = capsys.readouterr()
        assert "server.log" in answer.out
        assert "2 files with 1,500 lines" in answer.err

    def test_what_happened(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        truth = tmp_path / "truth.jsonl"
        sample(out=tmp_path, truth=truth, start="2026-11-24T08:00:00Z", span="2h", lines=600, hosts=2)
        told = [json.loads(line) for line in truth.read_text().splitlines()]
        made = Plan(hosts=2, lines=600, start=START, span=2 * HOUR)
        assert [(one["host"], one["name"], parse_time(one["start"]), tuple(one["lines"])) for one in told] == [
            (one.host, one.episode.name, one.start, one.lines) for one in occurrences(made)
        ]
        said = capsys.readouterr().err
        assert "4 episodes in " in said
        assert said.endswith(f"Next: detect scan {tmp_path}/*/*\n")
        assert set(told[0]["lines"]) <= {
            line for name in ("app", "server") for line in (tmp_path / "gpu-01" / f"{name}.log").read_text().split("\n")
        }

    def test_by_default_the_logs_end_with_the_last_hour(self, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        sample(lines=100, span="2h")
        first = read(capsysbinary.readouterr().out.split(b"\n")[0].decode()).stamp
        assert first is not None
        assert first // HOUR == Plan().end // HOUR - 2

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"span": "2 hours"}, "is not a duration; write 30s"),
            ({"span": "0s"}, "a millisecond"),
            ({"start": "soon"}, "is not a time"),
            ({"truth": Path("no/such/folder"), "lines": 0}, "no/such/folder: cannot be written: No such file"),
        ],
    )
    def test_faults(self, options: dict[str, Any], said: str) -> None:
        with pytest.raises(InputError, match=said):
            sample(**options)


class TestPage:
    """docs/sample.md names every episode, and says of each what its texts say."""

    @pytest.mark.parametrize("version", VERSIONS)
    def test_episodes(self, version: str) -> None:
        texts = texts_of(version)
        page = (Path(__file__).parents[3] / "docs" / "sample.md").read_text()
        for episode in (*texts.attacks, *texts.faults):
            (row,) = [line for line in page.split("\n") if line.startswith(f"| `{episode.name}` ")]
            assert version in row.split("|")[2]
            assert (row.split("|")[3].strip() == "yes") == episode.impact
