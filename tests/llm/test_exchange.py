"""Files of requests; ``tests/cli/test_batch.py`` has those of answers."""

from contextlib import suppress

import pytest

from extractor.errors import ArgumentError
from extractor.model.client import Model, Route
from extractor.model.exchange import Exchange
from extractor.model.spec import ClientSettings, ModelSpec

from .colours import ask, ask_about, render

SERVER = "http://nowhere.test/v1#some-model"


def test_a_provider_without_batches_gets_no_file(tmp_path):
    requests = tmp_path / "requests.jsonl"
    spec = ModelSpec.parse("anthropic/claude-haiku-4-5")
    files = Exchange(requests=requests).open(spec, ClientSettings())
    with pytest.raises(ArgumentError, match="no batch API"), files:
        pass
    assert not requests.exists()


@pytest.mark.parametrize("fails", [True, False])
async def test_no_file_appears_before_the_run_succeeds(tmp_path, fails):
    requests = tmp_path / "requests.jsonl"
    requests.write_text("earlier", "utf-8")
    spec = ModelSpec.parse(SERVER)
    exchange = Exchange(requests=requests)
    with suppress(RuntimeError), exchange.open(spec, ClientSettings()) as files:
        model = Model(spec, route=Route(answer=files.answer))
        for number in (1, 2, 1):
            await ask(model, ask_about(number), render)
        assert requests.read_text("utf-8") == "earlier"
        if fails:
            raise RuntimeError
    assert [path.name for path in requests.parent.iterdir()] == [requests.name]
    assert exchange.written == 2
    assert len(requests.read_text("utf-8").splitlines()) == (1 if fails else 2)
