"""The SDKs find the stand-ins by the variables that their providers name, and no proxy stands
between.
"""

import warnings
from contextlib import ExitStack

import pytest

from .standin import serving


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    proxies = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    for name in (*proxies, "GEMINI_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.setenv(name, "sk-test-1")
    # google-genai 3.4 makes a class of aiohttp's sessions of its own.
    warnings.filterwarnings(
        "ignore", "Inheritance class AiohttpClientSession", DeprecationWarning
    )


@pytest.fixture
def stand(monkeypatch):
    """Run a stand-in that answers well after the outcomes of its script; the SDKs find it."""
    with ExitStack() as stack:

        def start(kind, *script, **settings):
            standin = kind(list(script), **settings)
            stack.enter_context(serving(standin))
            monkeypatch.setenv("OPENAI_BASE_URL", f"{standin.url}/v1")
            monkeypatch.setenv("ANTHROPIC_BASE_URL", standin.url)
            monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", standin.url)
            return standin

        yield start
