"""Tuned models: the adapter in this package is the pinned one, the base is fetched once, and both are served."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from extractor.ask.local import (
    Adapter,
    LocalModel,
    LocalServer,
    ServerSettings,
    Weights,
    list_models,
    load_catalogue,
    locate_model,
    pull_model,
    serve_model,
)
from extractor.ask.local.store import weights_path
from extractor.ask.opening import ModelChoice, open_model
from extractor.ask.spec import ModelSpec
from extractor.errors import ModelUnavailable

from .gguf_files import write_adapter, write_base
from .hub_server import HubState, tiny_model

SMALL = ServerSettings(context=256, threads=1)


@pytest.fixture
def adapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the package's adapters, empty."""
    monkeypatch.setattr("extractor.ask.local.adapter.files", lambda _: tmp_path)
    (tmp_path / "adapters").mkdir()
    return tmp_path / "adapters"


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put models into the catalogue, beside its own."""

    def add(*models: LocalModel) -> None:
        known = {**load_catalogue(), **{model.name: model for model in models}}
        for module in ("catalogue", "store"):
            monkeypatch.setattr(f"extractor.ask.local.{module}.load_catalogue", lambda: known)

    return add


def tune(base: LocalModel, content: bytes) -> LocalModel:
    adapter = Adapter(base.name, "tuned.lora.gguf", len(content), hashlib.sha256(content).hexdigest())
    return replace(base, name="tuned", adapter=adapter)


def test_tuned_model_and_its_base_are_pulled_once(
    hub: HubState, content: bytes, adapters: Path, catalogue: Callable[..., None], tmp_path: Path
) -> None:
    base = tiny_model(content)
    tuned = tune(base, b"GGUF adapter")
    catalogue(base, tuned)
    (adapters / "tuned.lora.gguf").write_bytes(b"GGUF adapter")

    path = pull_model("tuned", cache_dir=tmp_path)
    assert path == weights_path(base, tmp_path)
    assert path.read_bytes() == content
    assert pull_model("tiny", cache_dir=tmp_path) == path
    assert hub.count("GET") == 1
    assert locate_model("tiny", cache_dir=tmp_path) == Weights(path)
    assert locate_model("tuned", cache_dir=tmp_path) == Weights(path, adapters / "tuned.lora.gguf", "tuned")


@pytest.mark.parametrize(
    ("shipped", "told"),
    [
        (None, r"tuned\.lora\.gguf: No such file"),
        (
            b"GGUF adapteR",
            r"tuned\.lora\.gguf: has 12 bytes and SHA-256 [0-9a-f]{64}, not 12 and [0-9a-f]{64}: refused",
        ),
        (b"version https://git-lfs", r"tuned\.lora\.gguf: has 23 bytes .*, not 12 and"),
    ],
    ids=["missing", "other bytes", "other length"],
)
def test_adapter_that_is_not_the_pinned_one_is_refused_before_anything_is_fetched(
    hub: HubState,
    content: bytes,
    adapters: Path,
    catalogue: Callable[..., None],
    tmp_path: Path,
    shipped: bytes | None,
    told: str,
) -> None:
    catalogue(tiny_model(content), tune(tiny_model(content), b"GGUF adapter"))
    if shipped:
        (adapters / "tuned.lora.gguf").write_bytes(shipped)
    with pytest.raises(ModelUnavailable, match=f"{told}.*install that anew"):
        pull_model("tuned", cache_dir=tmp_path)
    assert hub.requests == []

    pull_model("tiny", cache_dir=tmp_path)
    with pytest.raises(ModelUnavailable, match=told):
        locate_model("tuned", cache_dir=tmp_path)
    rows = {row.model.name: row for row in list_models(tmp_path)}
    assert rows["tuned"].path == rows["tiny"].path is not None
    assert (rows["tuned"].lacks_adapter, rows["tiny"].lacks_adapter) == (True, False)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base") / "base.gguf")


def say(server: LocalServer) -> list[float]:
    """How sure the model is of each token that it goes on with: other tokens, other numbers."""
    body = {"model": server.model, "prompt": "Once", "max_tokens": 8, "temperature": 0, "logprobs": 1}
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx2.Client(trust_env=False) as client:
        reply = client.post(f"{server.base_url}/completions", json=body, headers=headers, timeout=60).json()
    assert reply["model"] == server.model
    return [token["logprob"] for token in reply["choices"][0]["logprobs"]["content"]]


def serve_and_say(weights: Path | Weights) -> list[float]:
    with serve_model(weights, SMALL) as server:
        return say(server)


def test_adapter_changes_each_answer_and_one_of_zeros_none(base: Path, tmp_path: Path) -> None:
    plain = pytest.approx(serve_and_say(base), abs=1e-3)  # a prompt out of the cache is rounded otherwise
    assert serve_and_say(base) == plain
    assert serve_and_say(Weights(base, write_adapter(tmp_path / "zeros.lora.gguf", 0.0), "zeros")) == plain
    with serve_model(Weights(base, write_adapter(tmp_path / "tuned.lora.gguf", 1.0), "tuned"), SMALL) as server:
        assert server.model == "tuned"
        tuned = say(server)
        assert tuned != plain
        assert say(server) == pytest.approx(tuned, abs=1e-3)


def test_adapter_of_another_model_is_refused_with_the_reason(base: Path, tmp_path: Path) -> None:
    misfit = Weights(base, write_adapter(tmp_path / "misfit.lora.gguf", 1.0, width=48), "misfit")
    with pytest.raises(ModelUnavailable, match=r"misfit\.lora\.gguf: .*incorrect shape"), serve_model(misfit, SMALL):
        pytest.fail("it started")


@pytest.mark.parametrize("content", [None, b"PK\x03\x04"], ids=["absent", "no GGUF"])
def test_adapter_that_is_no_gguf_file_is_named(base: Path, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "odd.lora.gguf"
    if content:
        path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"odd\.lora\.gguf: "), serve_model(Weights(base, path, "odd"), SMALL):
        pytest.fail("it started")


async def test_local_name_opens_the_tuned_model(
    base: Path, adapters: Path, catalogue: Callable[..., None], tmp_path: Path
) -> None:
    tiny = tiny_model(base.read_bytes())
    adapter = write_adapter(adapters / "tuned.lora.gguf", 1.0)
    catalogue(tiny, tune(tiny, adapter.read_bytes()))
    path = weights_path(tiny, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(base.read_bytes())
    shown: dict[str, list[dict[str, object]]] = {}
    for name in ("tuned", "tiny"):
        choice = ModelChoice(ModelSpec.parse(f"local:{name}"), cache_dir=tmp_path)
        async with open_model(choice) as model:
            assert model
            assert model.spec.api_key
            assert model.spec.base_url
            headers = {"Authorization": f"Bearer {model.spec.api_key.get_secret_value()}"}
            async with httpx2.AsyncClient(trust_env=False) as client:
                url = model.spec.base_url.removesuffix("/v1") + "/lora-adapters"
                shown[model.name] = (await client.get(url, headers=headers)).json()
    (applied,) = shown["tuned"]
    assert (applied["path"], applied["scale"]) == (str(adapter), 1.0)
    assert shown["tiny"] == []
