"""Run commands in separate processes, and measure their processor seconds."""

import subprocess
import sys

import psutil


def run_command(*arguments: object) -> list[str]:
    """Return the command ``extractor run`` with these arguments, for this interpreter."""
    return [sys.executable, "-m", "extractor", "run", *map(str, arguments), "--quiet"]


def cpu_seconds(command: list[str]) -> float:
    """Measure the exact user and system time of a command and the children that it waited for."""
    before = psutil.Process().cpu_times()
    subprocess.run(command, check=True, capture_output=True)
    after = psutil.Process().cpu_times()
    return float(sum(after[2:4]) - sum(before[2:4]))
