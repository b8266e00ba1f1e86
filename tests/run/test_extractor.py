"""How an extractor opens its model: concurrency, usage, and invalid settings."""

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from extractor import Extractor, read_records
from extractor.llm import opening


class ModelWithSettings:
    """A fake model that only stores its settings."""

    def __init__(self, spec, settings, **_):
        self.settings = settings

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


@contextmanager
def served(*_):
    yield SimpleNamespace(base_url="http://127.0.0.1:1/v1", model="stub", token="secret")


@pytest.mark.parametrize(
    ("model", "wanted", "at_once"),
    [("http://127.0.0.1:1/v1#stub", 20, 20), ("http://127.0.0.1:1/v1#stub", 1, 1), ("local", 20, 1), ("local", 1, 1)],
)
async def test_a_local_server_limits_the_concurrency(monkeypatch, model, wanted, at_once):
    monkeypatch.setattr(opening, "Model", ModelWithSettings)
    monkeypatch.setattr(opening, "locate_model", lambda *_, **__: Path("model.gguf"))
    monkeypatch.setattr(opening, "serve_model", served)
    async with Extractor(model).open(wanted) as extract:
        assert extract.model.settings.concurrency == at_once


async def test_a_record_is_extracted_where_an_event_loop_runs():
    assert Extractor().extract(next(read_records("seeds/records"))).endpoints


async def test_usage_counts_the_calls_to_the_model():
    async with Extractor(replay="seeds/answers").open() as extract:
        extraction = await extract(next(read_records("seeds/records")))
        assert extract.usage.output_tokens == extraction.usage.output_tokens > 0


@pytest.mark.parametrize(
    ("wrong", "reported"), [({"tasks": ()}, "no task"), ({"replay": "no-such-folder"}, "no-such-folder")]
)
def test_invalid_settings_are_refused_at_once(wrong, reported):
    with pytest.raises(ValueError, match=reported):
        Extractor(**wrong)
