"""Every test runs from the checkout's root, without a model, a key, or the user's cache in the environment."""

import atexit
import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from .browser import launch
from .extracted import extract

ROOT = Path(__file__).parents[1]

collect_ignore = ["loaded.py"]  # work that only the process behind tests.commands has a use for
settings.register_profile("thorough", max_examples=1000)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What collecting makes stays to the end: the garbage collector need not look at it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        atexit.register(gc.unfreeze)  # some libraries complain at the end of what was not freed


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    for name in ("EXTRACTOR_MODEL", "EXTRACTOR_TOKEN", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EXTRACTOR_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def seed_run(tmp_path_factory):
    """A run of the seeds by the rules, to be looked at and not changed."""
    return extract(ROOT / "seeds" / "records", tmp_path_factory.mktemp("seeds") / "run")


@pytest.fixture(scope="module")
def made_before_browser():
    """What a module makes before its browser starts, by overriding this: beside it there is no other event loop."""


@pytest.fixture(scope="module")
def chromium(made_before_browser):
    """A browser for one module's tests."""
    with launch() as launched:
        yield launched


def pytest_configure():
    # A shell starts its background jobs with Ctrl-C ignored, and commands that a test starts would inherit it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
