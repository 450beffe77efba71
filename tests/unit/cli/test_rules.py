from __future__ import annotations

from pathlib import Path

import pytest

from integration.detection.loading import load_rules
from integration.folders import asset_folder
from tests.support.builders import RULE
from tests.support.cli import detect

SHIPPED_IDS = ["ollama_model_loading_exploitation", RULE.id]
SHIPPED = asset_folder("rules") / f"{RULE.id}.yml"


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def own(name: str, *changes: tuple[str, str]) -> Path:
    """Write a rule like the shipped one into a folder of the user's."""
    text = SHIPPED.read_text(encoding="utf-8")
    for old, new in ((f"id: {RULE.id}", f"id: {name}"), ("field: error_type", f"field: {name}_type"), *changes):
        assert old in text
        text = text.replace(old, new, 1)
    path = Path("mine") / f"{name}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_list_names_the_shipped_rules_and_one_s_own() -> None:
    path = own("mine")
    answer = detect("rules", "list", "--rules", "mine")
    assert [word in answer.out for word in (RULE.id, "shipped", "mine", str(path))] == [True] * 4
    listed = detect("rules", "list", "--rules", "mine", "--format", "json").json["rules"]
    assert [(rule["id"], rule["version"]) for rule in listed] == [
        ("mine", RULE.version),
        (SHIPPED_IDS[0], load_rules()[0].version),
        (RULE.id, RULE.version),
    ]
    assert listed[0]["file"] == str(path)


def test_show_prints_the_file_and_says_what_the_settings_change() -> None:
    assert detect("rules", "show", RULE.id).out.rstrip("\n") == SHIPPED.read_text(encoding="utf-8").rstrip("\n")
    Path("detect.toml").write_text("[thresholds]\nhigh = 4\n")
    answer = detect("rules", "show", RULE.id)
    assert "Your detect.toml changes: severity; --format json shows the rule as it is used." in answer.err
    assert detect("rules", "show", RULE.id, "--format", "json").json["id"] == RULE.id
    assert detect("rules", "show", "nope").code == 2


def test_check_tells_every_fault_of_rules_and_cases() -> None:
    assert (detect("rules", "check").code, detect("rules", "check").out) == (0, "")
    bad = own("bad", ("score: 10", "score: ten"), ("attack_type: Sus", "attack_typ: Sus"))
    own("good")
    cases = Path("mine") / "tests" / "good" / "cases.yml"
    cases.parent.mkdir(parents=True)
    cases.write_text("- name: x\n  findings: []\n  lin: [a]\n")
    answer = detect("rules", "check", "--rules", "mine", "--format", "json")
    assert (answer.code, answer.json["valid"], answer.json["rules"]) == (
        1,
        False,
        ["good", "ollama_model_loading_exploitation", RULE.id],
    )
    assert [":".join(fault.split(":")[:2]) for fault in answer.json["faults"]] == [
        f"{path}:{number}"
        for path, words in ((bad, ("attack_typ:", "score: ten")), (cases, ("lin:",)))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if any(word in line for word in words)
    ]
    assert detect("rules", "check", "--rules", "mine").out.splitlines() == answer.json["faults"]


def test_check_tells_what_the_settings_say_wrongly() -> None:
    Path("detect.toml").write_text("[thresholds]\nlow = 4\n")
    answer = detect("rules", "check")
    assert (answer.code, "thresholds.low" in answer.out) == (1, True)


def test_a_new_rule_is_taken_as_it_stands_and_its_cases_pass() -> None:
    answer = detect("rules", "new", "my_rule", "--rules", "mine")
    assert (answer.code, answer.out.split()) == (0, ["mine/my_rule.yml", "mine/tests/my_rule/cases.yml"])
    assert "FILL IN" in Path("mine/my_rule.yml").read_text()
    assert "RULE_" not in Path("mine/my_rule.yml").read_text()
    assert "\nname: My rule\n" in Path("mine/my_rule.yml").read_text()
    assert (detect("rules", "check", "--rules", "mine").code, detect("rules", "check", "--rules", "mine").out) == (0, "")
    tested = detect("test", "--rules", "mine", "--rule", "my_rule", "--format", "json")
    assert (tested.code, tested.json["passed"], len(tested.json["cases"])) == (0, True, 3), tested.err
    Path("a.log").write_text('time=2026-03-01T10:00:00.000Z level=ERROR msg="out of memory"\n')
    (found,) = detect("scan", "a.log", "--rules", "mine", "--rule", "my_rule", "--format", "json").json["findings"]
    assert (found["rule_id"], found["severity"]) == ("my_rule", "high")


@pytest.mark.parametrize("name", ["My Rule", RULE.id, "x" * 81, "../x"])
def test_a_new_rule_needs_an_id_of_its_own(name: str) -> None:
    answer = detect("rules", "new", name, "--rules", "mine")
    assert (answer.code, Path("mine").exists()) == (2, False)


def test_a_new_rule_overwrites_nothing_and_needs_a_folder() -> None:
    detect("rules", "new", "my_rule", "--rules", "mine")
    Path("mine/my_rule.yml").write_text("mine\n")
    assert detect("rules", "new", "my_rule", "--rules", "mine").code == 2
    assert Path("mine/my_rule.yml").read_text() == "mine\n"
    assert "--rules FOLDER" in detect("rules", "new", "other").err
