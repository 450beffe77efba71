"""The words of an error."""

from __future__ import annotations

from typing import Any

import pytest

from integration.engines.faults import Call, no_answer, reason, refused

CALL = Call("https://es:9200", "POST", "/x/_search")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("plain text", "plain text"),
        ("  a\n page \n", "a page"),
        (None, ""),
        ("x" * 1000, "x" * 299 + "…"),
        ({"message": "no type"}, "{'message': 'no type'}"),
        ({"type": "a", "reason": "b"}, "a: b"),
        ({"type": "a", "reason": None}, "a"),
        ({"type": "a", "reason": "b", "root_cause": [{"type": "a", "reason": "b"}]}, "a: b"),
        (
            {
                "type": "search_phase_execution_exception",
                "reason": "all shards failed",
                "root_cause": [{"type": "script_exception", "reason": "runtime error"}],
                "failed_shards": [{"reason": {"type": "script_exception", "reason": "runtime error"}}, {"shard": 1}],
                "caused_by": {"type": "null_pointer_exception", "reason": "it is null"},
            },
            (
                "search_phase_execution_exception: all shards failed; script_exception: runtime error; "
                "null_pointer_exception: it is null"
            ),
        ),
    ],
)
def test_each_cause_is_told_once(error: Any, words: str) -> None:
    assert reason(error) == words


def test_the_line_of_a_script_is_shown_without_the_frames_above_it() -> None:
    stack = ["org.example.Doc.get(Doc.java:89)", "doc['a'].value", "    ^---- HERE", "more"]
    error = {"type": "script_exception", "reason": "runtime error", "script_stack": stack}
    assert reason(error) == "script_exception: runtime error\n  doc['a'].value\n      ^---- HERE"


def test_a_refusal_names_the_request_and_the_status() -> None:
    error = refused(CALL, 400, {"error": {"type": "a", "reason": "b"}, "status": 400})
    assert str(error) == "https://es:9200 refused POST /x/_search with status 400: a: b"
    assert str(refused(CALL, 500, "")) == "https://es:9200 refused POST /x/_search with status 500"


def test_an_unknown_fault_of_the_connection_is_told_in_its_own_words() -> None:
    assert str(no_answer(CALL, OSError("odd"))) == "The connection to https://es:9200 broke during POST /x/_search: odd"


def test_a_page_for_people_is_not_shown() -> None:
    told = str(refused(Call("http://h", "GET", "/"), 501, "<!DOCTYPE HTML>\n<p>Error</p>"))
    assert told == "http://h refused GET / with status 501: a page for people, as a proxy or another program than a cluster gives"
