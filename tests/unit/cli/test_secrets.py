"""Passwords and API keys: where they are read from, which of two counts, and that nobody else gets to see them."""

from __future__ import annotations

import base64
import fcntl
import os
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from integration.cli.settings.secret_file import read_secret
from integration.errors import InputError
from tests.support.cli import Result, detect
from tests.support.fake_cluster import Answer, FakeCluster

SECRET = "Zq7-hunter2/with:colon"


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def secret_file(data: bytes | str, mode: int = 0o600) -> Path:
    path = Path("secret")
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    path.chmod(mode)
    return path


class TestFile:
    @pytest.mark.parametrize(
        ("data", "text"),
        [
            (b"geheim", "geheim"),
            (b"geheim\n", "geheim"),
            (b"geheim\r\n", "geheim"),
            (b" two words ", " two words "),
            ("pässwörd\n".encode(), "pässwörd"),
        ],
    )
    def test_one_line_without_its_end(self, data: bytes, text: str) -> None:
        assert read_secret(secret_file(data)) == text

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "is empty"),
            (b"\n", "is empty"),
            (b"geheim\n\n", "more than one line"),
            (b"geheim\nanother", "more than one line"),
            (b"geheim\x00", "control characters"),
            (b"geheim\xff", "is not UTF-8 text"),
            (b"geheim" * 10_000, "is larger than 16 KiB"),
        ],
    )
    def test_what_is_no_secret_is_refused_and_not_shown(self, data: bytes, words: str) -> None:
        path = secret_file(data)
        with pytest.raises(InputError, match=f"^secret: .*{words}"):
            read_secret(path)
        answer = detect("--debug", "diff", "--username", "u", "--password-file", str(path))
        assert (answer.code, words in answer.err) == (2, True)
        assert "geheim" not in answer.out + answer.err

    @pytest.mark.parametrize(("name", "words"), [("missing", "No such file"), (".", "Is a directory"), ("a\0b", "null byte")])
    def test_what_cannot_be_read(self, name: str, words: str) -> None:
        with pytest.raises(InputError, match=f"cannot be read: .*{words}"):
            read_secret(Path(name))

    def test_a_pipe_as_shells_make_them_of_a_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        reader, writer = os.pipe()
        os.write(writer, b"geheim\n")
        os.close(writer)
        secret = read_secret(Path(f"/dev/fd/{reader}"))
        os.close(reader)
        assert (secret, capsys.readouterr().err) == ("geheim", "")

    @pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
    def test_a_file_that_others_can_read_is_told(self, mode: int, exposed: bool) -> None:
        secret_file(SECRET, mode)
        with FakeCluster(Answer("", 401)) as cluster:
            answer = detect("diff", "--url", cluster.url, "--username", "u", "--password-file", "secret")
        assert answer.code == 3
        assert ("'secret' can be read by other users of this machine: chmod 600 it" in answer.err) is exposed


def sent(*arguments: str) -> str:
    """What `diff` tells the cluster of who we are."""
    with FakeCluster(Answer("", 401)) as cluster:
        answer = detect("diff", "--url", cluster.url, *arguments)
    assert answer.code == 3, answer
    return cluster.requests[0].headers["authorization"]


def refused(*arguments: str) -> Result:
    answer = detect("diff", "--url", "http://127.0.0.1:9", *arguments)
    assert answer.code == 2
    return answer


class TestWhichCounts:
    def test_option_before_environment_before_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("option", "environment", "settings"):
            Path(name).write_text(f"id:{name}")
        plain = {name: sent("--api-key-file", name) for name in ("option", "environment", "settings")}
        assert len(set(plain.values())) == 3
        Path("detect.toml").write_text("[connection]\napi_key_file = 'settings'")
        assert sent_by("run") == plain["settings"]
        monkeypatch.setenv("DETECT_API_KEY_FILE", "environment")
        assert sent_by("run") == plain["environment"]
        assert sent_by("run", "--api-key-file", "option") == plain["option"]
        monkeypatch.delenv("DETECT_API_KEY_FILE")
        monkeypatch.setenv("DETECT_API_KEY", "id:environment")
        assert sent_by("run") == plain["environment"]
        assert sent_by("run", "--api-key-file", "option") == plain["option"]

    def test_both_at_one_place_is_bad_usage(self, monkeypatch: pytest.MonkeyPatch) -> None:
        secret_file(SECRET)
        monkeypatch.setenv("DETECT_PASSWORD", SECRET)
        monkeypatch.setenv("DETECT_PASSWORD_FILE", "secret")
        assert "Set either DETECT_PASSWORD or DETECT_PASSWORD_FILE" in refused("--username", "u").err

    def test_a_key_and_a_user_do_not_go_together(self) -> None:
        secret_file(SECRET)
        answer = refused("--username", "u", "--password-file", "secret", "--api-key-file", "secret")
        assert "Give either an API key, or a user name and a password" in answer.err
        assert "go together" in refused("--password-file", "secret").err


def sent_by(verb: str, *arguments: str) -> str:
    with FakeCluster(Answer("", 401)) as cluster:
        answer = detect(verb, "--url", cluster.url, *arguments)
    assert answer.code == 3, answer
    return cluster.requests[0].headers["authorization"]


class TestCommandLine:
    """Other users of a machine can read every command line, so that none may hold a secret."""

    @pytest.mark.parametrize("option", ["--password", "--api-key"])
    def test_no_option_takes_a_secret(self, option: str) -> None:
        for arguments in ((option, SECRET), (f"{option}={SECRET}",)):
            answer = detect("diff", *arguments)
            assert (answer.code, f"{option}-file" in answer.err, SECRET in answer.err) == (2, True, False)

    @pytest.mark.parametrize("option", ["--url", "--kibana-url", "--dashboards-url"])
    @pytest.mark.parametrize("url", ["http://u:{}@127.0.0.1:9", "https://u:{}@with/slash@h:9200/x", "u:{}@h"])
    def test_a_url_with_a_secret_is_refused(self, option: str, url: str) -> None:
        answer = detect("--debug", "diff", option, url.format("hunter2"))
        assert (answer.code, f"{option} must not hold a user or a password" in answer.err) == (2, True)
        assert "hunter2" not in answer.out + answer.err

    def test_in_the_environment_it_is_taken_out_of_the_url(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with FakeCluster(Answer("", 401)) as cluster:
            monkeypatch.setenv("DETECT_URL", cluster.url.replace("://", "://u:hunter2@"))
            answer = detect("diff")
        assert (answer.code, "hunter2" in answer.out + answer.err) == (3, False)
        assert cluster.requests[0].headers["authorization"].startswith("Basic ")


class TestPrompt:
    def test_a_terminal_is_asked_for_the_password_and_does_not_show_it(self) -> None:
        terminal, other_end = os.openpty()
        with FakeCluster(Answer("", 401)) as cluster:
            command = [sys.executable, "-m", "integration", "diff", "--url", cluster.url, "--username", "u"]
            process = subprocess.Popen(
                command, stdin=other_end, stdout=other_end, stderr=other_end, start_new_session=True, preexec_fn=control_terminal
            )
            os.close(other_end)
            shown = read_until(terminal, b"Password of u: ")
            os.write(terminal, f"{SECRET}\n".encode())
            shown += read_until(terminal, b"credentials")
            assert process.wait(60) == 3
        os.close(terminal)
        assert SECRET.encode() not in shown
        assert cluster.requests[0].headers["authorization"] == f"Basic {base64.b64encode(f'u:{SECRET}'.encode()).decode()}"

    def test_without_a_terminal_nothing_is_asked(self) -> None:
        assert "A user name and a password go together" in refused("--username", "u").err


def control_terminal() -> None:
    """Make the terminal at standard input the one of this session, as a shell's child has it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_until(terminal: int, text: bytes) -> bytes:
    read = b""
    while text not in read:
        read += os.read(terminal, 1024)
    return read
