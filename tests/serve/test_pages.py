"""The page on the service and the files of ``deploy/`` do what they say, and agree."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from extractor.apps.serve.settings import ServiceOptions

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/serve.md").read_text("utf-8")
UNIT = (ROOT / "deploy/extractor.service").read_text("utf-8")
NGINX = (ROOT / "deploy/nginx.conf").read_text("utf-8")


def find_figure(pattern: str, text: str) -> int:
    """Return the number that a pattern of one group finds."""
    match = re.search(pattern, text)
    assert match, pattern
    return int(match[1].replace(",", ""))


def find_free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("curl"), reason="the page uses curl")
def test_the_rehearsed_refusal_runs_as_written(tmp_path):
    """It needs no network and no key of a provider. Only the port is another."""
    (block,) = [
        block
        for block in re.findall(r"^```text\n(.*?)^```", PAGE, re.M | re.S)
        if "REHEARSAL" in block
    ]
    commands = "\n".join(line[2:] for line in block.splitlines() if line[:2] == "$ ")
    commands = commands.replace("8401", str(find_free_port()))
    (tmp_path / "seeds").symlink_to(ROOT / "seeds")
    # A program rather than a function of the shell, so that the page's `kill` reaches it.
    program = tmp_path / "bin" / "extractor"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m extractor "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "EXTRACTOR_CONFIG": "none",
    }
    done = subprocess.run(
        ["bash", "-c", f"{commands}\nwait"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert '"status": 402' in done.stdout, done.stderr
    assert "the caller's limit of money is reached" in done.stdout


def test_the_memory_of_the_unit_is_enough_for_its_workers():
    base = find_figure(r"(\d+) MiB, and \d+ MiB for each of `--workers`", PAGE)
    each = find_figure(r"\d+ MiB, and (\d+) MiB for each of `--workers`", PAGE)
    workers = find_figure(r"--workers (\d+)", UNIT)
    most = find_figure(r"MemoryMax=(\d+)G", UNIT) * 1024
    assert f"starts {workers} workers" in PAGE
    assert 2 * (base + each * workers) <= most


def test_the_proxy_lets_the_largest_upload_through():
    most = find_figure(r"client_max_body_size (\d+)g;", NGINX) * 1024**3
    assert most > ServiceOptions().max_upload_bytes
