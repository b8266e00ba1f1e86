import re
from pathlib import Path

import pytest

from extractor.errors import ModelUnavailable
from extractor.llm.local import (
    LocalModel,
    default_model,
    find_model,
    list_models,
    load_catalogue,
    locate_model,
)


@pytest.mark.parametrize("model", load_catalogue().values(), ids=lambda model: model.name)
def test_each_model_is_pinned(model: LocalModel) -> None:
    assert re.fullmatch("[0-9a-f]{64}", model.sha256)
    assert model.bytes > 0
    assert model.licence == "Apache-2.0"
    assert model.sources
    revisions = [source.revision for source in model.sources if hasattr(source, "revision")]
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for revision in revisions)


def test_empty_name_is_the_default() -> None:
    assert find_model() == default_model()


def test_path_of_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF")
    assert find_model(str(path)) == path
    assert locate_model(str(path)) == path


def test_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"absent\.gguf: there is no such file"):
        find_model(str(tmp_path / "absent.gguf"))


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"'gpt-x'; known are qwen2\.5-coder-1\.5b, smollm2-135m"):
        find_model("gpt-x")


def test_model_that_was_not_pulled_says_how_to_pull_it(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="extractor model pull smollm2-135m"):
        locate_model("smollm2-135m", cache_dir=tmp_path)


def test_list_shows_nothing_as_pulled_in_an_empty_cache(tmp_path: Path) -> None:
    rows = list_models(tmp_path)
    assert [row.model.name for row in rows if row.is_default] == ["qwen2.5-coder-1.5b"]
    assert [row.path for row in rows] == [None] * len(load_catalogue())
