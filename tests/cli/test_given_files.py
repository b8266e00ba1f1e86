"""Files of prices that are devices, pipes, too long or too deep: one line with file,
place and remedy.
"""

import os

import pytest

from tests.commands import extractor

NO_FILE = "there is no file of at most 1,000,000 bytes"
SEED = "tests/records/study.json"
DEEP = {
    "lists": b"x = " + b"[" * 5_000 + b"]" * 5_000,
    "tables": b"x = " + b"{a = " * 5_000 + b"1" + b"}" * 5_000,
    "keys": b"x" + b".a" * 5_000 + b" = 1",
    "a name": b"[x" + b".a" * 5_000 + b"]\nb = 1",
    "in a price": b"as_of = 2026-11-01\n[model.m]\nprompt = " + b"[" * 200 + b"]" * 200,
}


def read(path):
    words = ("run", SEED, "--effort", "none", "--quiet", "--prices", path)
    return extractor(*words, "--model", "http://127.0.0.1:9/v1#m")


def check_refused(ended, path, said):
    lines = ended.stderr.decode().splitlines()
    assert ended.returncode == 2, ended.stderr
    assert len(lines) == 1, lines
    assert str(path) in lines[0]
    assert said in lines[0]
    assert "file of prices" in lines[0]


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/tmp", "/missing.toml"])
def test_what_is_no_file_is_refused_at_once(path):
    check_refused(read(path), path, NO_FILE)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_is_refused_at_once(tmp_path):
    path = tmp_path / "pipe.toml"
    os.mkfifo(path)
    check_refused(read(path), path, NO_FILE)


def test_a_file_that_is_too_long_is_refused(tmp_path):
    path = tmp_path / "long.toml"
    path.write_bytes(b"# none\n" * 200_000)
    check_refused(read(path), path, NO_FILE)


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b'x = "\xe9"\n')
    check_refused(read(path), path, "byte 0xe9 in position 5")


@pytest.mark.parametrize("content", DEEP.values(), ids=DEEP)
def test_a_deep_file_is_one_line(content, tmp_path):
    path = tmp_path / "deep.toml"
    path.write_bytes(content)
    ended = read(path)
    assert ended.returncode == 2, ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr[:2000]
    assert len(ended.stderr) < 1_000
    assert str(path).encode() in ended.stderr
