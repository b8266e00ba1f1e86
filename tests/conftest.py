"""Every test runs from the checkout's root, without a model, a key, or the user's cache in the
environment.
"""

import atexit
import gc
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from .browser import launch
from .commands import FORKS, extract

ROOT = Path(__file__).parents[1]

# work that only the process behind tests.commands has a use for
collect_ignore = ["loaded.py"]
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.register_profile("steady", deadline=None)  # a busy machine is no failure
settings.load_profile("steady")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What collecting makes stays to the end: the garbage collector need not look at it again
    and again.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        # some libraries complain at the end of what was not freed
        atexit.register(gc.unfreeze)


# without pytest-xdist (-p no:xdist) nothing calls it
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """A process for each core. With slow tests one more: many of these wait for a process, a
    server or a browser of their own.
    """
    cores = os.cpu_count() or 1
    if config.option.markexpr == "not slow":
        return cores
    return cores + 1


_LONGEST = ("test_readme.py", "test_linear_time.py", "test_accuracy.py")


def pytest_collection_modifyitems(items):
    """Begin with the longest tests: if they came last, the other processes would wait for them."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)


_ENVIRONMENT = "EXTRACTOR_MODEL EXTRACTOR_MODEL_TOKEN EXTRACTOR_TOKEN OPENAI_API_KEY OPENAI_BASE_URL"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    monkeypatch.chdir(ROOT)
    for name in _ENVIRONMENT.split():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def forked_workers(monkeypatch):
    """Worker processes are forked from one that has loaded the package: a start costs a tenth of
    the CPU time.
    """
    # started by the executor, it and all its forks would never see Ctrl-C
    forkserver.ensure_running()
    monkeypatch.setattr("extractor.run.executor.get_context", lambda _: FORKS)


@pytest.fixture(scope="session")
def seed_run(tmp_path_factory):
    """A run of the seeds by the rules, to be looked at and not changed."""
    return extract(ROOT / "seeds" / "records", tmp_path_factory.mktemp("seeds") / "run")


@pytest.fixture(scope="session")
def make_once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Fill a folder in the first process of pytest that needs it; the others wait for it and use
    it too.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder = shared / name
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                folder.mkdir()
                try:
                    fill(folder)
                except BaseException:
                    shutil.rmtree(folder)
                    raise
        return folder

    return make


@pytest.fixture(scope="session")
def site(make_once) -> Path:
    """The package as a wheel installs it, in a folder of its own."""

    def install(folder: Path) -> None:
        build = ["-m", "build", "--wheel", "--no-isolation", "--outdir"]
        command = [sys.executable, *build, folder, ROOT]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        wheel.unlink()

    return make_once("site", install)


@pytest.fixture(scope="module")
def made_before_browser():
    """What a module makes before its browser starts, by overriding this: beside it there is no
    other event loop.
    """


@pytest.fixture(scope="module")
def chromium(made_before_browser):
    """A browser for one module's tests."""
    with launch() as launched:
        yield launched


_IN_MEMORY = Path("/dev/shm")


def _has_room(folder: Path) -> bool:
    return folder.is_dir() and shutil.disk_usage(folder).free > 4 << 30


def pytest_configure():
    # Without byte code each process that a test starts would compile the package anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["EXTRACTOR_MAX_LACKING"] = "1"  # the servers of tests answer little
    # Servers of tests speak no TLS: a client need not read all certificates of the system.
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = os.devnull
    # Databases of tests are synchronized often, which costs nothing in memory.
    if _has_room(_IN_MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))
    sys.dont_write_bytecode = False
    # A shell starts its background jobs with Ctrl-C ignored, and commands that a test starts would
    # inherit it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
