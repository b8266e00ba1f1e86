"""Worker processes that start at once."""

import pytest

from extractor.run import seat, worker
from tests.commands import FORKS


@pytest.fixture
def forked_workers(monkeypatch):
    """Workers are forked from a process that has loaded the package: a start costs a tenth of the CPU time."""
    for module in (seat, worker):
        monkeypatch.setattr(module, "get_context", lambda _: FORKS)
