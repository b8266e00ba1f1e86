"""The file of requests appears when a run succeeds; ``tests/cli/test_batch.py`` has the commands."""

from contextlib import suppress

import pytest

from extractor.errors import ArgumentError
from extractor.model.client import Model, Route
from extractor.model.exchange import Exchange
from extractor.model.spec import ClientSettings, ModelSpec

from .colours import ask, ask_about, render

SPEC = ModelSpec.parse("http://nowhere.test/v1#some-model")


@pytest.mark.parametrize("fails", [True, False])
async def test_no_file_appears_before_the_run_succeeds(tmp_path, fails):
    requests = tmp_path / "requests.jsonl"
    requests.write_text("earlier", "utf-8")
    exchange = Exchange(requests=requests)
    with suppress(RuntimeError), exchange.open(SPEC, ClientSettings()) as files:
        model = Model(SPEC, route=Route(answer=files.answer))
        for number in (1, 2, 1):
            assert (await ask(model, ask_about(number), render)).pending
        assert requests.read_text("utf-8") == "earlier"
        if fails:
            raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == [requests.name]
    assert exchange.written == 2
    assert len(requests.read_text("utf-8").splitlines()) == (1 if fails else 2)


def test_a_provider_without_batches_gets_no_file(tmp_path):
    spec = ModelSpec.parse("anthropic/claude-haiku-4-5")
    exchange = Exchange(requests=tmp_path / "requests.jsonl")
    with pytest.raises(ArgumentError, match="no batch API"):
        exchange.open(spec, ClientSettings()).__enter__()
    assert list(tmp_path.iterdir()) == []
