from __future__ import annotations

import yaml

from integration.log.pipeline import API_FILE, FILE, PROMPTS_FILE, for_prompts, written


def test_the_file_has_what_python_has() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert written(text) == text, "the pipeline is stale: make pipeline"


def test_the_pipelines_of_json_events_have_it_too() -> None:
    text = API_FILE.read_text(encoding="utf-8")
    assert written(text) == text, "the pipeline is stale: make pipeline"
    assert for_prompts(text) == PROMPTS_FILE.read_text(encoding="utf-8"), "the pipeline of prompts is stale: make pipeline"
    assert written(text.replace("api[_-]?key|", "apikey|")) == text


def test_prompts_have_the_pipeline_of_api_events_under_their_own_name() -> None:
    text = PROMPTS_FILE.read_text(encoding="utf-8")
    assert "ollama.api" not in text
    assert "ollama:prompts" in text


def test_what_is_stale_is_told() -> None:
    text = FILE.read_text(encoding="utf-8")
    for old, new in (("_HOSTNAME", "_OTHER"), ("bytes: 200000", "bytes: 5"), ("api[_-]?key|", "apikey|")):
        assert old in text
        assert written(text.replace(old, new)) == text


def test_the_rest_stays_word_for_word() -> None:
    assert written("a: b  # c\n\n# d\n  tag: x\n  pattern: 'y'\n") == "a: b  # c\n\n# d\n  tag: x\n  pattern: 'y'\n"


def test_the_file_is_yaml_of_one_pipeline() -> None:
    for file in (FILE, API_FILE, PROMPTS_FILE):
        body = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert set(body) == {"description", "version", "processors", "on_failure"}
