from __future__ import annotations

import sqlite3
import tarfile
from pathlib import Path

import pytest

from integration.errors import InputError
from integration.log.files import CandidateReader, read_lines

KINDS = {
    "a PNG image": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "a JPEG image": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "a GIF image": b"GIF89a\1\0\1\0",
    "a WebP image": b"RIFF\x24\0\0\0WEBPVP8 ",
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "a GGUF model": b"GGUF\3\0\0\0" + bytes(16),
    "a Parquet file": b"PAR1\x15\4\x15",
    "an ORC file": b"ORC\x08\3\x10",
    "an Avro file": b"Obj\1\4\x14avro.codec",
    "a binary property list": b"bplist00\xd1\1\2",
    "an ELF program": b"\x7fELF\2\1\1\0",
    "a Windows program": b"MZ\x90\0\3\0\0\0\4",
    "a macOS program": b"\xcf\xfa\xed\xfe\7\0\0\1",
    "a Windows event log": b"ElfFile\0\0",
    "a systemd journal; write it as text: journalctl --file": b"LPKSHHRH\0",
    "a 7z archive; unpack it first: 7z x": b"7z\xbc\xaf\x27\x1c\0\4",
    "a RAR archive": b"Rar!\x1a\7\1\0",
    "an lz4 file": b"\x04\x22\x4d\x18\x64\x40\xa7",
    "a compress (.Z) file": b"\x1f\x9d\x90level=ERROR",
    "an lzip file": b"LZIP\1\x0c",
    "UTF-32 text": "level=ERROR".encode("utf-32"),
    "a Microsoft Office document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "binary data": bytes(range(255, -1, -1)) * 3,
}


def refused(path: Path) -> str:
    said = set()
    for read in (read_lines(str(path)), CandidateReader(str(path), [b"level=error"])):
        with pytest.raises(InputError) as fault:
            list(read)
        said.add(str(fault.value))
    return said.pop() if len(said) == 1 else ""


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_text_is_refused_with_its_kind(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(KINDS[kind])
    assert refused(path).startswith(f"{path}: is {kind}")


def test_a_sqlite_database(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    connection = sqlite3.connect(path)
    connection.execute("create table lines (text)")
    connection.close()
    assert refused(path) == f"{path}: is a SQLite database"


def test_a_tar_archive(tmp_path: Path) -> None:
    path, log = tmp_path / "logs.tar", tmp_path / "server.log"
    log.write_text("level=ERROR\n")
    for mode in ("w", "w:gz"):
        with tarfile.open(path, mode) as archive:
            archive.add(log)
        assert refused(path) == f"{path}: is a tar archive; unpack it first: tar -xf {path}"


@pytest.mark.parametrize("text", ["MZ level=ERROR", "PK level=ERROR", "GGUF: model", "%PD", "BZh level", "level=ERROR \1\2"])
def test_text_that_begins_like_another_kind_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "server.log"
    path.write_text(text)
    assert [line.text for line in read_lines(str(path))] == [text]
