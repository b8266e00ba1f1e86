"""Terminal output, which never contains control characters from records or file names."""

import os
import subprocess
import sys

import pytest

from tests.commands import invoke
from tests.hostile.suite import load_suite

pytestmark = pytest.mark.slow

STUDIES = "tests/records/studies.jsonl"
OBEYED = ["\x1b", "\x9b", "\x07"]
HOSTILE = {
    f"tests/hostile/records/{hostile.file}"
    for hostile in load_suite()
    if hostile.attack in {"terminal", "bidi", "zero_width"}
}


@pytest.mark.parametrize("command", ["parse", "run"])
def test_commands_print_no_control_characters(command):
    result = invoke(command, *HOSTILE)
    assert result.exit_code == 0
    assert [sign for sign in OBEYED if sign in result.output] == []


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_on_a_terminal_progress_is_shown():
    terminal, stderr = os.openpty()
    command = [sys.executable, "-m", "extractor", "run", STUDIES, "--effort", "none"]
    with subprocess.Popen(command, stderr=stderr, stdout=subprocess.DEVNULL) as running:
        os.close(stderr)
        shown = "".join(iter(lambda: read_terminal(terminal), ""))
    os.close(terminal)
    assert running.returncode == 0
    assert " records" in shown
    assert "records extracted" in shown
    assert "\x1b[" in shown


def read_terminal(terminal):
    """Read the terminal's output, "" once the last process that had it open has ended."""
    try:
        return os.read(terminal, 100_000).decode(errors="replace")
    except OSError:
        return ""
