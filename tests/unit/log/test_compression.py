from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.errors import InputError
from integration.log.files import CandidateReader, RawLine, read_lines

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FORMATS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstd.compress,
}
TEXT = b"".join(b"%d level=ERROR model\n" % number for number in range(1000))
PACKED = {form: pack(TEXT) for form, pack in FORMATS.items()}
formats = pytest.mark.parametrize("form", FORMATS)


def texts(path: Path, block_bytes: int = 1 << 16) -> list[str]:
    """The lines of a log, which both readers read alike."""
    lines = list(read_lines(str(path), block_bytes=block_bytes))
    found = list(CandidateReader(str(path), [b"level=error"], block_bytes=block_bytes))
    assert [line for line in lines if "level=ERROR" in line.text] == found
    return [line.text for line in lines]


def refused(path: Path) -> str:
    said = set()
    for read in (read_lines(str(path)), CandidateReader(str(path), [b"level=error"])):
        with pytest.raises(InputError) as fault:
            list(read)
        said.add(str(fault.value))
    return said.pop() if len(said) == 1 else ""


@pytest.fixture(scope="module")
def server_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packed") / "server.log"


@formats
@given(st.lists(st.sampled_from(["a", "é level=ERROR", "", "x" * 300])), st.integers(1, 40), st.integers(0, 60))
def test_the_lines_are_those_of_the_text(form: str, server_log: Path, lines: list[str], block_bytes: int, cut: int) -> None:
    pack, data = FORMATS[form], "\n".join(lines).encode()
    server_log.write_bytes(pack(data))
    assert texts(server_log, block_bytes) == [line for line in lines if line]
    two_members_with_padding = pack(data[:cut]) + bytes(cut // 4 * 4) + pack(data[cut:]) + bytes(cut)
    server_log.write_bytes(two_members_with_padding)
    assert texts(server_log, block_bytes) == [line for line in lines if line]


@formats
@pytest.mark.parametrize("left", [3, 7, 20, -9, -8, -1])
def test_a_file_cut_short(form: str, tmp_path: Path, left: int) -> None:
    path, packed = tmp_path / "server.log", PACKED[form]
    path.write_bytes(packed + packed[:left])
    assert refused(path).startswith(f"{path}: the {form} file ends too early, so lines are missing; get it anew")
    assert f": {form} -dc {path} | detect scan -" in refused(path)


@formats
def test_lines_above_the_cut_are_read(form: str, tmp_path: Path) -> None:
    path, packed = tmp_path / "server.log", PACKED[form]
    path.write_bytes(packed + packed[: len(packed) // 2])
    lines: list[RawLine] = []
    with pytest.raises(InputError):
        lines += read_lines(str(path))
    reader = CandidateReader(str(path), [b"level=error"])
    with pytest.raises(InputError):
        list(reader)
    assert reader.lines_read >= 1000


@formats
def test_a_damaged_file(form: str, tmp_path: Path) -> None:
    path, packed = tmp_path / "server.log", bytearray(PACKED[form])
    packed[len(packed) // 2] ^= 0xFF
    packed[-5] ^= 0xFF
    path.write_bytes(packed)
    assert f"{path}: the {form} file is damaged" in refused(path)
    path.write_bytes(FORMATS[form](b"a") + b"garbage of some length")
    assert f"{path}: the {form} file is damaged" in refused(path)


@formats
def test_what_is_packed_small_takes_no_memory(form: str, tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(FORMATS[form]((b"level=INFO" + b" " * 1000 + b"\n") * (32 << 10)))
    tracemalloc.start()
    reader = CandidateReader(str(path), [b"level=error"])
    assert list(reader) == []
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reader.lines_read == 32 << 10
    assert most < 12 << 20


@formats
def test_zeros_packed_small_are_not_text(form: str, tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(FORMATS[form](bytes(16 << 20)))
    assert "holds NUL bytes, so it is not text" in refused(path)


def test_an_xz_file_that_asks_for_much_memory(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(lzma.compress(TEXT, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]))
    assert "Memory usage limit exceeded" in refused(path)


def test_a_frame_of_zstd_without_text(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(b"\x50\x2a\x4d\x18\4\0\0\0abcd" + zstd.compress(b"a\n") + b"\x50\x2a\x4d\x18\0\0\0\0" + zstd.compress(b"b\n"))
    assert texts(path) == ["a", "b"]


def test_packed_twice_but_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    data = b"a level=ERROR\n"
    for pack in FORMATS.values():
        path.write_bytes(pack(gzip.compress(data)))
        assert texts(path) == ["a level=ERROR"]
    for _ in range(4):
        data = gzip.compress(data)
    path.write_bytes(data)
    assert refused(path) == f"{path}: is packed more than 3 times; unpack it first"


@formats
def test_utf16_that_is_packed(form: str, tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    path.write_bytes(FORMATS[form]("é level=ERROR\r\nb\r\n".encode("utf-16")))
    assert texts(path) == ["é level=ERROR", "b"]


@formats
def test_standard_input(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FORMATS[form](b"a\nb\n"))))
    assert [(line.text, line.path) for line in read_lines("-")] == [("a", "-"), ("b", "-")]


class TestZip:
    """Several files in one."""

    def packed(self, files: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", method) as writer:
            for name, data in files:
                writer.writestr(zipfile.ZipInfo(name, (2026, 11, 24, 10, 0, 0)), data, method)
        return archive.getvalue()

    def test_each_file_is_a_log_of_its_own(self, tmp_path: Path) -> None:
        path = tmp_path / "logs.zip"
        stamped = b"time=2026-11-24T09:00:00Z level=INFO\n"
        members = [
            ("gpu-1/server.log", stamped + b"a level=ERROR"),
            ("gpu-2/", b""),
            ("gpu-2/server.log.gz", gzip.compress(b"b\nc\n")),
        ]
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            path.write_bytes(self.packed(members, method))
            lines = list(read_lines(str(path), block_bytes=5))
            assert [(line.path, line.text, line.number, line.offset) for line in lines] == [
                (f"{path}/gpu-1/server.log", stamped.decode().strip(), 1, 0),
                (f"{path}/gpu-1/server.log", "a level=ERROR", 2, len(stamped)),
                (f"{path}/gpu-2/server.log.gz", "b", 1, 0),
                (f"{path}/gpu-2/server.log.gz", "c", 2, 2),
            ]
            # No time goes from one file to the next.
            assert lines[1].shipped_at == lines[0].shipped_at != lines[2].shipped_at
            assert len(texts(path)) == 4

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        data = self.packed([("a.log", b"a\n"), ("b.log", b"b\n")])
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert [(line.path, line.text) for line in read_lines("-")] == [("-/a.log", "a"), ("-/b.log", "b")]

    def test_what_macos_adds_is_left_out(self, tmp_path: Path) -> None:
        path = tmp_path / "logs.zip"
        path.write_bytes(self.packed([("server.log", b"a\n"), ("__MACOSX/._server.log", b"\0\5\x16\7\0\2\0\0Mac OS X")]))
        assert texts(path) == ["a"]

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_other_methods(self, tmp_path: Path, method: int) -> None:
        path = tmp_path / "logs.zip"
        path.write_bytes(self.packed([("server.log", b"a\n")], method))
        assert refused(path) == f"{path}/server.log: is packed by method {method}, which is not read; unpack the zip first"

    def test_an_encrypted_file(self, tmp_path: Path) -> None:
        path = tmp_path / "logs.zip"
        data = bytearray(self.packed([("server.log", b"a\n")]))
        for record, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            data[data.index(record) + flags] |= 1
        path.write_bytes(data)
        assert refused(path) == f"{path}/server.log: is encrypted; unpack the zip first"

    def test_a_zip_without_files(self, tmp_path: Path) -> None:
        path = tmp_path / "logs.zip"
        for members in ([], [("gpu-1/", b"")]):
            path.write_bytes(self.packed(members))
            assert refused(path) == f"{path}: is a zip archive without any file"

    def test_a_zip_that_is_damaged_or_cut_short(self, tmp_path: Path) -> None:
        path = tmp_path / "logs.zip"
        data = bytearray(self.packed([("server.log", TEXT)]))
        for left in (5, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:left])
            assert refused(path).startswith(f"{path}: the zip file is damaged or ends too early")
        data[200] ^= 0xFF
        path.write_bytes(data)
        assert refused(path).startswith(f"{path}/server.log: is damaged")

    def test_what_is_not_text_in_a_zip(self, tmp_path: Path) -> None:
        path = tmp_path / "logs.zip"
        path.write_bytes(self.packed([("screen.png", b"\x89PNG\r\n\x1a\n"), ("server.log", b"a\n")]))
        assert refused(path) == f"{path}/screen.png: is a PNG image"
        path.write_bytes(self.packed([("logs.zip", self.packed([("server.log", b"a\n")]))]))
        assert refused(path).startswith(f"{path}/logs.zip: is a zip archive inside of another file")
