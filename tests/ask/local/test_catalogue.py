import re
from dataclasses import replace
from pathlib import Path

import pytest

from extractor.ask.local import (
    LocalModel,
    Weights,
    default_model,
    find_model,
    list_models,
    load_catalogue,
    locate_model,
)
from extractor.ask.local.adapter import locate_adapter
from extractor.errors import ModelUnavailable

TUNED = [model for model in load_catalogue().values() if model.adapter]


@pytest.mark.parametrize("model", load_catalogue().values(), ids=lambda model: model.name)
def test_each_model_is_pinned(model: LocalModel) -> None:
    assert re.fullmatch("[0-9a-f]{64}", model.sha256)
    assert model.bytes > 0
    assert model.licence == "Apache-2.0"
    assert model.sources
    revisions = [source.revision for source in model.sources if hasattr(source, "revision")]
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for revision in revisions)


@pytest.mark.parametrize("model", TUNED, ids=lambda model: model.name)
def test_each_adapter_is_here_and_is_the_pinned_one(model: LocalModel) -> None:
    assert model.adapter
    content = locate_adapter(model.adapter).read_bytes()
    assert content[:4] == b"GGUF"
    assert len(content) == model.adapter.bytes


@pytest.mark.parametrize("model", TUNED, ids=lambda model: model.name)
def test_tuned_model_has_the_weights_of_a_base_that_is_not_tuned(model: LocalModel) -> None:
    assert model.adapter
    base = load_catalogue()[model.adapter.base]
    assert base.adapter is None
    assert model == replace(base, name=model.name, about=model.about, licence=model.licence, adapter=model.adapter)


def test_empty_name_is_the_default() -> None:
    assert find_model() == default_model()


def test_path_of_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF")
    assert find_model(str(path)) == path
    assert locate_model(str(path)) == Weights(path)


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"absent\.gguf: there is no such file"):
        find_model(str(tmp_path / "absent.gguf"))


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"'gpt-x'; known are qwen2\.5-coder-1\.5b, smollm2-135m, registry-135m"):
        find_model("gpt-x")


@pytest.mark.parametrize("name", ["smollm2-135m", "registry-135m"])
def test_model_that_was_not_pulled_says_how_to_pull_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelUnavailable, match=f"extractor model pull {name}"):
        locate_model(name, cache_dir=tmp_path)


def test_list_shows_nothing_as_pulled_in_an_empty_cache(tmp_path: Path) -> None:
    rows = list_models(tmp_path)
    assert [row.model.name for row in rows if row.is_default] == ["qwen2.5-coder-1.5b"]
    assert [row.path for row in rows] == [None] * len(load_catalogue())
