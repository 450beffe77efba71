"""Files as Splunk writes them, read to rows."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.errors import InputError
from integration.evaluation import splunk_export
from integration.evaluation.splunk_export import Export, read_export

ROWS = [{"host": "gpu-1", "error_details": "EOF\nexit status 1", "error_count": "2"}, {"host": "gpu-2", "error_count": "1"}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results"


def read(path: Path, content: str | bytes) -> Export:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_export(path)


def cells(export: Export) -> list[dict[str, str]]:
    return [dict(row.cells) for row in export.rows]


def lines(*objects: Any) -> str:
    return "".join(f"{json.dumps(each)}\n" for each in objects)


NAMES = ["host", "error_details", "error_count"]
LISTED: list[dict[str, Any]] = [
    dict(zip(NAMES, ("gpu-1", ["EOF", "exit status 1"], "2"), strict=True)),
    dict(zip(NAMES, ("gpu-2", None, "1"), strict=True)),
]
END = {"preview": False, "lastrow": True}
PREVIEW = {"preview": True, "offset": 0, "result": {"host": "early"}}
FORMS = {
    "csv": 'host,error_details,error_count\ngpu-1,"EOF\nexit status 1",2\ngpu-2,,1\n',
    "csv of Windows": '\ufeff"host",error_details,"error_count"\r\ngpu-1,"EOF\nexit status 1",2\r\ngpu-2,"",1\r\n',
    "outputcsv": (
        'host,"error_details","error_count","__mv_host","__mv_error_details","__mv_error_count"\n'
        'gpu-1,"EOF exit status 1",2,,"$EOF$;$exit status 1$",\ngpu-2,,1,,,\n'
    ),
    "results of REST": json.dumps({"preview": False, "init_offset": 0, "messages": [], "results": LISTED}, indent=1),
    "export of REST": lines(
        PREVIEW,
        *({"preview": False, "offset": n, "result": row} for n, row in enumerate(LISTED)),
        {"preview": False, "lastrow": True},
    ),
    "search page": lines({"preview": False, "result": LISTED[0]}, {"preview": False, "lastrow": True, "result": LISTED[1]}),
    "command line": json.dumps(LISTED),
    "json_rows": json.dumps({"fields": NAMES, "rows": [list(row.values()) for row in LISTED]}),
    "json_cols": json.dumps(
        {"fields": [{"name": name} for name in NAMES], "columns": [[row[name] for row in LISTED] for name in NAMES]}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_rows(path: Path, form: str) -> None:
    export = read(path, FORMS[form])
    assert cells(export) == ROWS
    assert set(export.columns) == {"host", "error_details", "error_count"}


def test_a_packed_file_is_read(path: Path) -> None:
    assert cells(read(path, gzip.compress(FORMS["csv"].encode()))) == ROWS


def test_one_line_of_a_search_s_end_has_a_result_too(path: Path) -> None:
    assert cells(read(path, lines({"preview": False, "offset": 0, "lastrow": True, "result": {"host": "a"}}))) == [{"host": "a"}]


@pytest.mark.parametrize("content", ["", "\n", "host,error_count\n", '{"results": []}', '{"preview":false,"lastrow":true}', "[]"])
def test_no_row_is_no_fault(path: Path, content: str) -> None:
    assert read(path, content).rows == ()


def test_a_row_says_on_which_line_it_begins(path: Path) -> None:
    assert [row.place for row in read(path, FORMS["csv"]).rows] == [f"{path}:2", f"{path}:4"]
    assert [row.place for row in read(path, FORMS["search page"]).rows] == [f"{path}:1", f"{path}:2"]
    assert [row.place for row in read(path, FORMS["command line"]).rows] == [f"{path}, row 1", f"{path}, row 2"]


FAULTS = {
    "<results></results>": ": is XML; let Splunk export CSV or JSON",
    b"host\n\xff\xfe\xfd": ": is not UTF-8 at byte 5",
    "host,host\na,b\n": ":1: two columns have one name",
    "host,error_count\na\n": ":2: has 1 cells, and the header 2",
    'host\n"a\n': ":2: is not CSV as Splunk writes it",
    'host,__mv_host\na,"$a$;b"\n': ":2, column __mv_host: is not a list as Splunk writes it",
    'host,__mv_host\na,"$a$b$"\n': ":2, column __mv_host: is not a list as Splunk writes it",
    '{"results": [{"host": {"name": "a"}}]}': ", row 1, column host: holds an object",
    '{"results": [1]}': ", row 1: is not an object",
    '{"host": "a"}': ": holds no results of a search",
    '{"result": ': ":1: is not JSON",
    lines({"result": {"host": "a"}}) + "{": ":2: is not a JSON object on a line of its own",
    lines(PREVIEW): ": holds previews of results only",
    lines(PREVIEW, PREVIEW): ": holds previews of results only",
    '{"fields": ["host"], "rows": [["a", "b"]]}': ", row 1: has not a value for each of the 1 fields",
    '{"fields": ["host"]}': ", row 1: has not a value for each of the 1 fields",
    '{"messages": [{"type": "FATAL", "text": "Unknown search command"}]}': ": Splunk's search failed: Unknown search command",
    '{"messages": 5}': ": its `messages` are not those of a search",
    '{"model": "llama3", "messages": [{"role": "user", "content": "hello"}]}': ": its `messages` are not those of a search",
    '{"fields": ["host", "a"], "columns": [["a", "b"], ["1"]]}': ", row 1: has not a value for each of the 2 fields",
    f'[{{"host": {"[" * 500}{"]" * 500}}}]': ", row 1, column host: holds an object or lists in lists",
    "[" * 100_000: ": is nested too deeply",
}


@pytest.mark.parametrize("content", FAULTS, ids=map(str, range(len(FAULTS))))
def test_a_fault_names_file_and_line(path: Path, content: str | bytes) -> None:
    with pytest.raises(InputError) as fault:
        read(path, content)
    assert str(fault.value).startswith(f"{path}{FAULTS[content]}")


def test_numbers_are_read_as_they_are_written(path: Path) -> None:
    digits = "1" * 5_000  # more than Python makes an integer of
    assert cells(read(path, f'[{{"a": {digits}, "b": 1795510800.120, "c": NaN}}]')) == [
        {"a": digits, "b": "1795510800.120", "c": "NaN"}
    ]


def test_the_header_tells_the_columns_where_there_are_no_rows(path: Path) -> None:
    assert read(path, "host,error_count,__mv_host\n").columns == ("host", "error_count")


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_export(path)


@pytest.mark.parametrize(("bound", "said"), [("MAX_ROWS", "has more than 1 rows"), ("_MAX_BYTES", "is larger than")])
def test_a_file_that_is_too_large_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, said: str) -> None:
    monkeypatch.setattr(splunk_export, bound, 1)
    with pytest.raises(InputError, match=said):
        read(path, FORMS["csv"])


values = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\0"), min_size=1), min_size=1, max_size=3
)


@given(st.lists(values, min_size=1, max_size=4))
def test_whatever_values_hold_comes_back_from_csv(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(["host", "__mv_host"])
    for row in rows:
        apart = ";".join("$" + value.replace("$", "$$") + "$" for value in row)
        writer.writerow(["x" if len(row) > 1 else row[0], apart if len(row) > 1 else ""])
    export = read(tmp_path_factory.mktemp("export") / "results.csv", written.getvalue())
    assert [row.cells["host"] for row in export.rows] == ["\n".join(row) for row in rows]
