"""Apps can be taken out of the package."""

import subprocess
import sys

import pytest

from benchmarks.cutting import _PACKAGE, find_removed, name_module

MODULES = {name_module(path): path for path in _PACKAGE.rglob("*.py")}
COMMANDS = {f"extractor.apps.cli.{name}" for name in ("run", "perform", "batch")}


def test_the_core_imports_no_app():
    gone = find_removed(MODULES, ["extractor.apps"])
    core = {name for name in gone if not name.startswith("extractor.apps")}
    assert core == {"extractor.__main__", "extractor.results"}


@pytest.mark.parametrize(
    "app",
    ["diff", "fetch", "gold", "lists", "match", "mcp", "report", "review", "serve"],
)
def test_records_are_run_without_an_app_that_other_people_use(app):
    gone = find_removed(MODULES, [f"extractor.apps.{app}"])
    assert gone.isdisjoint({*COMMANDS, "extractor.results", "extractor.api"})


@pytest.mark.slow
def test_the_core_reads_a_record_without_apps():
    command = [sys.executable, "-m", "benchmarks.cutting", "--tests", "outline"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "each is imported, and a record is read" in done.stdout
