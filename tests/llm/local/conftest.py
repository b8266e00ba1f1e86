import random
from collections.abc import Iterator
from importlib import import_module

import pytest

from .hub_server import CHUNK_BYTES, HubState, run_hub

NEEDS_LOCAL = "needs the extra `local`: pip install -e '.[local,dev]', as the README's test command does"


@pytest.fixture
def content() -> bytes:
    """A little more than three chunks of incompressible bytes."""
    return b"GGUF" + random.Random(7).randbytes(3 * CHUNK_BYTES + 17)


@pytest.fixture
def hub(content: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubState]:
    """A hub with ``content``, which huggingface_hub uses instead of the real one."""
    constants = pytest.importorskip("huggingface_hub.constants", reason=NEEDS_LOCAL)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", CHUNK_BYTES)
    with run_hub(content) as state:
        monkeypatch.setattr(constants, "ENDPOINT", state.url)
        template = f"{state.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield state
        import_module("huggingface_hub").close_session()
