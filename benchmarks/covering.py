"""A pytest plugin that records which tests run which lines of the package, and runs selected tests."""

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path

import coverage
import pytest

RECORD = "COVERING_RECORD"
CHOSEN = "COVERING_TESTS"
"""Environment variables: the folder for the records, and the file that lists the tests to run."""
_MOST_TESTS = 200
_recorders: list[coverage.Coverage] = []
"""The recorder of this process, if lines are recorded."""
_seconds: dict[str, float] = {}
"""The time of each test that passed."""


def pytest_configure() -> None:
    """Start recording the lines of the package that are run."""
    if RECORD in os.environ:
        path = Path(os.environ[RECORD], f"{os.getpid()}.lines")
        recorder = coverage.Coverage(path, source=["extractor"], config_file=False)
        recorder.start()
        _recorders.append(recorder)


def pytest_unconfigure() -> None:
    """Store the lines, and the tests that passed."""
    for recorder in _recorders:
        recorder.stop()
        if not _seconds:  # the process that only distributes the tests
            continue
        recorder.save()
        path = Path(os.environ[RECORD], f"{os.getpid()}.json")
        path.write_text(json.dumps(_seconds), "utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the selected tests, in the order of the file."""
    if CHOSEN in os.environ:
        by_name = {item.nodeid: item for item in items}
        chosen = Path(os.environ[CHOSEN]).read_text("utf-8").splitlines()
        items[:] = [by_name[name] for name in chosen if name in by_name]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Record the lines that a test runs under the test's name, and its time if it passes."""
    failed = item.session.testsfailed
    begun = time.monotonic()
    for recorder in _recorders:
        recorder.switch_context(item.nodeid)
    result = yield
    for recorder in _recorders:
        recorder.switch_context("")
    if item.session.testsfailed == failed:
        _seconds[item.nodeid] = time.monotonic() - begun
    return result


class Covering:
    """Which tests run which lines, read from the files of all processes in a test run."""

    def __init__(self, folder: Path) -> None:
        self._seconds: dict[str, float] = {}
        for path in folder.glob("*.json"):
            self._seconds |= json.loads(path.read_text("utf-8"))
        self._tests: dict[str, dict[int, set[str]]] = defaultdict(dict)
        self._breadth = Counter[str]()
        for path in sorted(folder.glob("*.lines")):
            data = coverage.CoverageData(path)
            data.read()
            for name in data.measured_files():
                for line, tests in data.contexts_by_lineno(name).items():
                    self._tests[name].setdefault(line, set()).update(tests)
                    self._breadth.update(tests)

    def choose_tests(
        self, path: Path, lines: Iterable[int], seconds: float
    ) -> list[str]:
        """Return tests that run at least one of the given lines of a module, or any line if
        ``lines`` is empty. Together, they take about ``seconds``: half of the time for the tests
        that run the fewest lines, and half for the tests that run the most lines, which compare
        whole outputs.
        """
        by_line = self._tests[str(path)]
        covering = set().union(*(by_line.get(line, ()) for line in lines or by_line))
        passed = covering & self._seconds.keys()
        tests = sorted(passed, key=lambda test: (self._breadth[test], test))
        narrow = self._take(tests, seconds / 2)
        broad = self._take(reversed(tests[len(narrow) :]), seconds / 2)
        return narrow + broad

    def _take(self, tests: Iterable[str], seconds: float) -> list[str]:
        """Return the first tests that together take about ``seconds``."""
        chosen: list[str] = []
        for test in tests:
            if seconds < 0 or len(chosen) == _MOST_TESTS:
                break
            chosen.append(test)
            seconds -= self._seconds[test]
        return chosen
