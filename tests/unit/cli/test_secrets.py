"""Passwords and API keys: where they are read from, which of two counts, and that nobody else gets to see them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from integration.__main__ import without_secrets
from integration.cli.settings.secret_file import read_secret
from integration.errors import InputError
from tests.support.cli import Result, detect
from tests.support.fake_cluster import Answer, FakeCluster, Request

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
        assert read_secret(secret_file(data)).text == text

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

    def test_a_pipe_as_shells_make_them_of_a_command(self) -> None:
        reader, writer = os.pipe()
        os.write(writer, b"geheim\n")
        os.close(writer)
        secret = read_secret(Path(f"/dev/fd/{reader}"))
        os.close(reader)
        assert (secret.text, secret.exposed) == ("geheim", False)
        assert "geheim" not in repr(secret)

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
        plain = {name: sent("--api-key", f"id:{name}") for name in ("option", "environment", "settings")}
        assert len(set(plain.values())) == 3
        Path("detect.toml").write_text("[connection]\napi_key_file = 'settings'")
        assert sent_by("run") == plain["settings"]
        monkeypatch.setenv("DETECT_API_KEY_FILE", "environment")
        assert sent_by("run") == plain["environment"]
        assert sent_by("run", "--api-key-file", "option") == plain["option"]
        assert sent_by("run", "--api-key", "id:option") == plain["option"]
        monkeypatch.delenv("DETECT_API_KEY_FILE")
        monkeypatch.setenv("DETECT_API_KEY", "id:environment")
        assert sent_by("run") == plain["environment"]
        assert sent_by("run", "--api-key-file", "option") == plain["option"]

    def test_both_at_one_place_is_bad_usage(self, monkeypatch: pytest.MonkeyPatch) -> None:
        secret_file(SECRET)
        for option in ("--password", "--api-key"):
            answer = refused("--username", "u", option, SECRET, f"{option}-file", "secret")
            assert f"Give either {option} or {option}-file" in answer.err
            assert SECRET not in answer.err
        monkeypatch.setenv("DETECT_PASSWORD", SECRET)
        monkeypatch.setenv("DETECT_PASSWORD_FILE", "secret")
        assert "Give either --password or --password-file" in refused("--username", "u").err

    def test_a_key_and_a_user_do_not_go_together(self) -> None:
        secret_file(SECRET)
        answer = refused("--username", "u", "--password-file", "secret", "--api-key-file", "secret")
        assert "Give either --api-key, or --username and --password" in answer.err
        assert "go together" in refused("--password-file", "secret").err


def sent_by(verb: str, *arguments: str) -> str:
    with FakeCluster(Answer("", 401)) as cluster:
        answer = detect(verb, "--url", cluster.url, *arguments)
    assert answer.code == 3, answer
    return cluster.requests[0].headers["authorization"]


class TestProcess:
    @pytest.mark.parametrize(
        "arguments",
        [
            ("--username", "u", "--password", SECRET),
            ("--username", "u", f"--password={SECRET}"),
            ("--api-key", f"id:{SECRET}"),
            ("--username", "u", "--password-file", "secret"),
            ("--username", "u", "DETECT_PASSWORD"),
            ("--username", "u", "DETECT_PASSWORD_FILE"),
        ],
    )
    def test_no_process_has_it_in_its_title(self, arguments: tuple[str, ...]) -> None:
        """Looked at while the command waits for the cluster."""
        secret_file(SECRET)
        environment = {"DETECT_PASSWORD": SECRET, "DETECT_PASSWORD_FILE": "secret"}
        given = [argument for argument in arguments if argument not in environment]
        titles: list[str] = []

        def look(request: Request) -> Answer:
            assert request.headers["authorization"]
            titles.extend(title for title in title_of_each_process() if cluster.url in title)
            return Answer("", 401)

        with FakeCluster() as cluster:
            cluster.on("GET", "/", look)
            ran = subprocess.run(
                [Path(sys.executable).with_name("detect"), "--debug", "diff", "--url", cluster.url, *given],
                env=os.environ | {name: value for name, value in environment.items() if name in arguments},
                capture_output=True,
                text=True,
                check=False,
            )
        assert ran.returncode == 3, ran.stderr
        assert len(titles) == 1
        assert SECRET not in titles[0] + ran.stdout + ran.stderr
        hidden = "***" in titles[0]
        assert hidden == ("A secret on the command line" in ran.stderr) == any(SECRET in argument for argument in given)

    def test_nor_is_the_one_in_a_url(self) -> None:
        titles: list[str] = []

        def look(_: Request) -> Answer:
            titles.extend(title for title in title_of_each_process() if str(cluster.port) in title)
            return Answer("", 401)

        with FakeCluster() as cluster:
            cluster.on("GET", "/", look)
            url = cluster.url.replace("://", "://u:hunter2@")
            ran = subprocess.run([Path(sys.executable).with_name("detect"), "diff", "--url", url], capture_output=True, check=False)
        assert titles == [f"detect diff --url http://***@127.0.0.1:{cluster.port}"]
        assert b"hunter2" not in ran.stdout + ran.stderr


def title_of_each_process() -> list[str]:
    titles = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            titles.append(path.read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return titles


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("run --password x --at y", "run --password *** --at y"),
        ("run --password=x --api-key=y=z", "run --password=*** --api-key=***"),
        ("run --password --api-key x", "run --password *** ***"),
        ("run --password-file x --username y", "run --password-file x --username y"),
        ("run --url https://u:p@h --kibana-url=http://u:p/w@d@h/x", "run --url https://***@h --kibana-url=http://***@h/x"),
        ("scan a@b --host x://y", "scan a@b --host x://y"),
    ],
)
def test_what_a_title_shows(given: str, shown: str) -> None:
    assert list(without_secrets(given.split())) == shown.split()
