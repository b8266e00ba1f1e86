"""Pulling from a hub: progress, resuming, refusal of wrong bytes, and no network afterwards."""

import itertools
import os
import sys
from pathlib import Path

import pytest

from extractor.errors import ModelUnavailable
from extractor.llm.local import HubSource, pull_model
from extractor.llm.local.hub import CHUNK_BYTES
from extractor.llm.local.store import partial_path, verified_path, weights_path

from .hub_server import FILE, REPO, REVISION, HubState, run_hub, tiny_model


def test_pull_brings_the_pinned_file_and_tells_progress(hub: HubState, content: bytes, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = pull_model(tiny_model(content), cache_dir=tmp_path, progress=lambda *counts: told.append(counts))
    assert path.read_bytes() == content
    assert told[0] == (0, len(content))
    assert told[-1] == (len(content), len(content))
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(told))
    assert not partial_path(tiny_model(content), tmp_path).exists()
    assert hub.requests == [("HEAD", None), ("GET", None)]


def test_interrupted_pull_goes_on_from_where_it_stopped(hub: HubState, content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content)

    def interrupt(done: int, _total: int) -> None:
        if done >= 2 * CHUNK_BYTES:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull_model(model, cache_dir=tmp_path, progress=interrupt)
    kept = partial_path(model, tmp_path).stat().st_size
    assert kept == 2 * CHUNK_BYTES
    assert not weights_path(model, tmp_path).exists()

    hub.bytes_served = 0
    told: list[int] = []
    path = pull_model(model, cache_dir=tmp_path, progress=lambda done, _: told.append(done))
    assert path.read_bytes() == content
    assert hub.requests[-1] == ("GET", f"bytes={kept}-")
    assert hub.bytes_served == len(content) - kept
    assert told[0] == kept


def test_broken_connections_are_resumed_within_one_pull(hub: HubState, content: bytes, tmp_path: Path) -> None:
    hub.cut_after = CHUNK_BYTES + 1
    path = pull_model(tiny_model(content), cache_dir=tmp_path)
    assert path.read_bytes() == content
    assert hub.count("GET") == 4
    assert hub.bytes_served < 2 * len(content)


def test_hub_that_stops_sending_is_given_up_and_the_rest_kept(hub: HubState, content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content)
    partial = partial_path(model, tmp_path)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(content[:1000])
    hub.cut_after = 0
    with pytest.raises(ModelUnavailable, match="could not be pulled"):
        pull_model(model, cache_dir=tmp_path)
    assert hub.count("GET") == 4
    assert partial.read_bytes() == content[:1000]


def test_hub_without_ranges_sends_the_whole_file_again(hub: HubState, content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content)
    partial = partial_path(model, tmp_path)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(content[:1000])
    hub.ignores_range = True
    assert pull_model(model, cache_dir=tmp_path).read_bytes() == content


def test_wrong_bytes_are_refused_named_and_removed(hub: HubState, content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content)
    hub.content = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(ModelUnavailable, match=f"not {model.sha256}: refused and removed"):
        pull_model(model, cache_dir=tmp_path)
    assert not partial_path(model, tmp_path).exists()
    assert not weights_path(model, tmp_path).exists()

    hub.content = content
    assert pull_model(model, cache_dir=tmp_path).read_bytes() == content


@pytest.mark.parametrize("announced", ["size", "hash"])
def test_other_file_is_refused_before_a_byte_of_it_is_sent(
    hub: HubState, content: bytes, tmp_path: Path, announced: str
) -> None:
    if announced == "size":
        hub.content = content + b"more"
    else:
        hub.etag = "f" * 64
    with pytest.raises(ModelUnavailable, match="refused"):
        pull_model(tiny_model(content), cache_dir=tmp_path)
    assert hub.count("GET") == 0


def test_pulled_model_needs_no_network(content: bytes, hub: HubState, tmp_path: Path) -> None:
    model = tiny_model(content)
    path = pull_model(model, cache_dir=tmp_path)
    asked = len(hub.requests)
    assert pull_model(model, cache_dir=tmp_path) == path
    assert len(hub.requests) == asked


def test_pulled_model_is_not_hashed_again(
    content: bytes, hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model(content)
    path = pull_model(model, cache_dir=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("extractor.llm.local.store.hash_file", lambda _: pytest.fail("hashed again"))
        assert verified_path(model, tmp_path) == path

    path.write_bytes(b"GGUF" + bytes(len(content) - 4))
    os.utime(path, ns=(1, 1))
    assert verified_path(model, tmp_path) is None


def test_file_copied_by_hand_is_taken(content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content)
    path = weights_path(model, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert pull_model(model, cache_dir=tmp_path) == path


def test_failure_names_what_was_tried_and_what_to_do(hub: HubState, content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content, HubSource(REPO, REVISION, "absent.gguf"), HubSource("other/repo", REVISION, FILE))
    with pytest.raises(ModelUnavailable) as failure:
        pull_model(model, cache_dir=tmp_path)
    message = str(failure.value)
    assert f"- hub {REPO}: {hub.url}/{REPO}/resolve/{REVISION}/absent.gguf" in message
    assert "- hub other/repo: " in message
    assert "extractor model pull tiny" in message
    assert str(weights_path(model, tmp_path)) in message


def test_second_source_is_used_when_the_first_fails(hub: HubState, content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content, HubSource("other/repo", REVISION, FILE), HubSource(REPO, REVISION, FILE))
    assert pull_model(model, cache_dir=tmp_path).read_bytes() == content


def test_token_stays_with_the_hub_when_the_bytes_lie_elsewhere(
    hub: HubState, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    model = tiny_model(content)
    partial = partial_path(model, tmp_path)
    partial.parent.mkdir(parents=True)
    partial.write_bytes(content[:1000])
    with run_hub(content) as store:
        hub.store_url = store.url
        assert pull_model(model, cache_dir=tmp_path).read_bytes() == content
    assert hub.tokens == {"Bearer hf_secret"}
    assert store.tokens == {None}
    assert store.requests == [("GET", "bytes=1000-")]


def test_unreachable_hub_is_an_error_of_ours(
    hub: HubState, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_hub(content) as gone:
        pass
    template = gone.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    with pytest.raises(ModelUnavailable, match="Connection refused"):
        pull_model(tiny_model(content), cache_dir=tmp_path)


def test_missing_extra_says_how_to_install_it(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub.utils", None)
    with pytest.raises(ModelUnavailable, match=r"pip install 'trial-extractor\[local\]'"):
        pull_model(tiny_model(content), cache_dir=tmp_path)


def test_full_disk_is_told_beforehand(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("extractor.llm.local.pull.shutil.disk_usage", lambda _: usage)
    with pytest.raises(ModelUnavailable, match="needs 3 MB"):
        pull_model(tiny_model(content), cache_dir=tmp_path)


def test_two_pulls_at_once_do_not_mix(hub: HubState, content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content)
    told: list[str] = []

    def pull_too(done: int, _total: int) -> None:
        if done == CHUNK_BYTES:
            with pytest.raises(ModelUnavailable, match="another process is pulling"):
                pull_model(model, cache_dir=tmp_path)
            told.append("refused")

    assert pull_model(model, cache_dir=tmp_path, progress=pull_too).read_bytes() == content
    assert told == ["refused"]
