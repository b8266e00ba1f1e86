"""One service for all tests that do not stop it."""

import pytest

from tests.llm.stub import serve as serve_stub

from .running import PRICES, WORD, say_nothing, serve


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    prices = folder / "prices.toml"
    prices.write_text(PRICES)
    options = ("--workers", "1", "--max-bytes", "300000", "--max-upload-bytes", "3000000", "--prices", str(prices))
    with serve_stub(say_nothing) as stub, serve(folder / "root", "--model", f"{stub.url}#stub", *options) as service:
        yield service
    # Whatever the tests sent: no log holds a text of a record, or a key.
    told = service.log.read_text("utf-8") + service.log.with_suffix(".err").read_text("utf-8")
    assert WORD not in told
    assert "Bearer" not in told
    assert "xk_" not in told
    assert "operator-0" not in told
