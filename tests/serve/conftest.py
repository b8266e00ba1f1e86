"""One service, with a model, for all tests that do not stop it."""

import pytest

from tests.failing import path_with_failures
from tests.llm.stub import serve as serve_stub

from .running import PRICES, WORD, say_nothing, serve, serve_here


@pytest.fixture(scope="session")
def prices(tmp_path_factory):
    """The options for a price of the model of all tests."""
    path = tmp_path_factory.mktemp("prices") / "prices.toml"
    path.write_text(PRICES)
    return ("--prices", str(path))


@pytest.fixture(scope="session")
def served(tmp_path_factory, prices):
    folder = tmp_path_factory.mktemp("served")
    options = ("--playground", "--workers", "1", "--effort", "full", *prices)
    options += ("--max-bytes", "300000", "--max-upload-bytes", "3000000")
    with serve_stub(say_nothing) as stub:
        model = ("--model", f"{stub.url}#stub")
        with serve_here(folder / "root", *model, *options) as service:
            yield service
    # No log may contain the text of a record or a key.
    logged = service.log.read_text("utf-8")
    for secret in (WORD, "a word of the record", "Bearer", "xk_", "operator-0"):
        assert secret not in logged


@pytest.fixture(scope="session")
def failing(tmp_path_factory):
    """A service in a process of its own, whose parser fails at records that say so."""
    root = tmp_path_factory.mktemp("failing") / "root"
    with serve_stub(say_nothing) as stub:
        options = ("--workers", "1", "--model", f"{stub.url}#stub")
        with serve(root, *options, PYTHONPATH=path_with_failures()) as service:
            yield service


@pytest.fixture
def anybody(served):
    """A client without a key."""
    with served.client_of(None) as client:
        yield client
