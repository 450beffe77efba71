from __future__ import annotations

from pathlib import Path

import pytest

from integration.detection.loading import load_rule, load_rules
from integration.errors import RuleError
from integration.folders import asset_folder
from tests.support.builders import RULE

SHIPPED = asset_folder("rules") / f"{RULE.id}.yml"


def written(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = SHIPPED.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "rule.yml"
    path.write_text(text)
    return path


def line_of(path: Path, text: str) -> int:
    return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_shipped_rule_says_what_upstream_says() -> None:
    assert RULE.name == "Ollama Possible RCE via Model Loading"
    assert RULE.enabled is False
    assert [a.contains for a in RULE.selection] == [("llama runner", "model", "server.go", "exited")]
    assert RULE.classification.names == ("service_crash", "model_error", "runner_error", "unknown_error")
    assert (RULE.risk.score, RULE.risk.object, RULE.risk.object_type, RULE.risk.threat_objects) == (10, "host", "system", ())
    assert [(t.technique, t.tactic) for t in RULE.attack] == [("T1190", "Initial Access")]
    assert (RULE.schedule.cron, RULE.schedule.earliest, RULE.schedule.latest) == ("0 * * * *", "-70m@m", "-10m@m")
    assert RULE.attack_type == "Suspicious Model Loading / Potential RCE"


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        ("score: 10", "score: ten", "score: ten", "risk.score: must be a whole number"),
        ("score: 10", "score: 101", "score: 101", "risk.score: must be at most 100"),
        ("greater_than: 5", "greater_then: 5", "greater_then: 5", "greater_then: there is no such key: did you mean greater_than"),
        ("greater_than: 5", "contains: x", "contains: x", "severity.0.any.1: error_count is tested by `greater_than`"),
        ("level: high", "level: hi", "level: hi", "severity.1.level: 'hi' is not a severity"),
        (
            "error_details: {values: ollama.err}",
            "error_details: {values: nope}",
            "error_details: {values: nope}",
            "columns.error_details.values: 'nope' is not an event field",
        ),
        ("earliest: -70m@m", "earliest: -60m@m", "schedule:", "schedule: runs by cron .* overlap or leave gaps"),
        ("$error_count$", "$error_cnt$", "message:", "risk.message: names unknown error_cnt"),
        ("name: model_error", "name: service_crash", "classification:", "classification: names one class twice"),
        ("attack_type: Sus", "attack_typ: Sus", "attack_typ:", "attack_typ: there is no such key: did you mean attack_type"),
        ("level: [ERROR]", "level: ERROR", "level: ERROR", "selection.0.level: must be a list"),
    ],
)
def test_faults_name_file_line_and_field(tmp_path: Path, old: str, new: str, at: str, words: str) -> None:
    path = written(tmp_path, (old, new))
    with pytest.raises(RuleError, match=words) as caught:
        load_rule(path)
    assert f"{path}:{line_of(path, at)}: " in str(caught.value)


def test_all_faults_of_all_files_are_told_at_once_each_with_its_own_line(tmp_path: Path) -> None:
    first = written(tmp_path, ("score: 10", "score: ten"), ("attack_type: Sus", "attack_typ: Sus"), ("id: ollama", "id: Ollama"))
    second = tmp_path / "second.yml"
    second.write_text("a: [1\n")
    with pytest.raises(RuleError) as caught:
        load_rules([tmp_path])
    assert [line.partition(" ")[0] for line in str(caught.value).splitlines()] == [
        *(f"{first}:{line_of(first, text)}:" for text in ("id: Ollama", "attack_typ:", "score: ten")),
        f"{second}:2:",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1\n", r"rule.yml:2: "),
        ("a: &x [1]\nb: *x\n", r"rule.yml:2: aliases"),
        ("a: 1\na: 2\n", r"rule.yml:2: key 'a' stands twice"),
        ("[" * 100 + "]" * 100, "nested too deeply"),
        ("- a\n", "must be a mapping"),
        ("", "must be a mapping"),
        ("a: !!python/object/apply:os.system [x]\n", "could not determine a constructor"),
        ("a: \x00", "is not YAML text"),
    ],
)
def test_yaml_that_is_no_rule(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "rule.yml"
    path.write_text(text)
    with pytest.raises(RuleError, match=words):
        load_rule(path)


def test_unreadable_file() -> None:
    with pytest.raises(RuleError, match="cannot be read"):
        load_rule(Path("/nonexistent/rule.yml"))


UNLIKE = [r"(?i)x", r"(a)\1", r"x(?=y)", r"a++", r"x$", "[a[b]]", "(", r"\Qx\E", r"\v", r"\0", r"\U0001F600", r"\N{DIGIT ONE}"]
UNLIKE += ["a{,3}", "x{y}", "a{", r"[\b]", "[a||b]", r"\p{L}", r"\\\p{L}", r"\\$", r"\\++", r"[\\[a]]"]


@pytest.mark.parametrize("pattern", UNLIKE)
def test_regexes_that_engines_read_differently_are_refused(tmp_path: Path, pattern: str) -> None:
    path = written(tmp_path, ('contains: ["llama runner", "model", "server.go", "exited"]', f"matches: ['{pattern}']"))
    with pytest.raises(RuleError, match=r"selection.0.matches.0: "):
        load_rule(path)


@pytest.mark.parametrize("pattern", ["(a|b)+", "(?:ab)*", "(a){2,}", "(?:(?:a|b){20}){20}", "(a|b){101}", r"[)](a|[)])+"])
def test_regexes_that_a_long_line_breaks_java_with_are_refused(tmp_path: Path, pattern: str) -> None:
    path = written(tmp_path, ('contains: ["llama runner", "model", "server.go", "exited"]', f"matches: ['{pattern}']"))
    with pytest.raises(RuleError, match=r"selection.0.matches.0: repeats a group more than 100 times or without a bound"):
        load_rule(path)


@pytest.mark.parametrize("pattern", [r"C:\\Users\\v1\\Program", r"a\{b", "[{]", r"\bx\b", r"\[GIN\b"])
def test_regexes_that_engines_read_alike_are_taken(tmp_path: Path, pattern: str) -> None:
    path = written(tmp_path, ('contains: ["llama runner", "model", "server.go", "exited"]', f"matches: ['{pattern}']"))
    assert load_rule(path).selection[0].matches == (pattern,)


@pytest.mark.parametrize("pattern", ["[)*]+", r"\)+", "(?:a|b){1,100}", "(?:a{2}|b){9}?", "(a)?b*", "(?:a|b){0}"])
def test_regexes_whose_repetitions_are_bounded_are_taken(tmp_path: Path, pattern: str) -> None:
    path = written(tmp_path, ('contains: ["llama runner", "model", "server.go", "exited"]', f"matches: ['{pattern}']"))
    assert load_rule(path).selection[0].matches == (pattern,)


@pytest.mark.parametrize("pattern", [r"C:\\\\path", r"\\p{2}", r"[\\Z]", r"\\\\1", r"\$HOME", r"C\++", r"\(?:", r"[\]\[]"])
def test_what_is_escaped_stands_for_itself(tmp_path: Path, pattern: str) -> None:
    path = written(tmp_path, ('contains: ["llama runner", "model", "server.go", "exited"]', f"matches: ['{pattern}']"))
    assert load_rule(path).selection[0].matches == (pattern,)


SHIPPED_IDS = ["ollama_model_loading_exploitation", RULE.id]


def rule_file(folder: Path, rule_id: str, field: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{rule_id}.yml"
    text = SHIPPED.read_text().replace(f"id: {RULE.id}", f"id: {rule_id}")
    path.write_text(text.replace("field: error_type", f"field: {field}"))
    return path


def test_named_folders_add_to_the_shipped_rules(tmp_path: Path) -> None:
    one, two = rule_file(tmp_path / "one", "a_second", "second_type"), rule_file(tmp_path / "two", "z_third", "third_type")
    folders = [one.parent, two.parent, one.parent / ".." / "one"]
    assert [rule.id for rule in load_rules(folders)] == ["a_second", *SHIPPED_IDS, "z_third"]
    assert [rule.id for rule in load_rules(folders, ["z_third"])] == ["z_third"]
    assert [rule.id for rule in load_rules()] == SHIPPED_IDS
    with pytest.raises(RuleError, match=rf"no rule nope; there are: a_second, {', '.join(SHIPPED_IDS)}, z_third"):
        load_rules(folders, ["nope"])


@pytest.mark.parametrize(
    ("rule_id", "field", "fault"),
    [
        (RULE.id, "own_type", rf"id: '{RULE.id}' is already used by .*rules/{RULE.id}\.yml"),
        ("own", "error_type", rf"classification\.field: 'error_type' is already used by .*rules/{RULE.id}\.yml"),
    ],
)
def test_two_rules_of_one_id_or_one_class_field_are_refused_by_both_files(
    tmp_path: Path, rule_id: str, field: str, fault: str
) -> None:
    path = rule_file(tmp_path, rule_id, field)
    with pytest.raises(RuleError, match=rf"^{path}:\d+: {fault}; each rule needs one of its own"):
        load_rules([tmp_path])


def test_a_folder_without_rule_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="holds no rule files"):
        load_rules([tmp_path])
    with pytest.raises(RuleError, match="nowhere: not a folder"):
        load_rules([tmp_path / "nowhere"])
