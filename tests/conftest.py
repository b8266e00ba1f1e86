"""Every test runs from the checkout's root, without a model, a key, or the user's cache in the environment."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    for name in ("EXTRACTOR_MODEL", "EXTRACTOR_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache"))
