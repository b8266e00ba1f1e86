"""Read a document in a child process with limits, and check its reply."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from typing import IO, BinaryIO

from extractor.errors import MissingExtra
from extractor.formats.documents.children import child_environment
from extractor.formats.documents.content import DocumentContent, DocumentProblem
from extractor.formats.documents.limits import (
    MAX_DOCUMENT_BYTES,
    MAX_REPLY_BYTES,
    MAX_SECONDS,
)

_BLOCK = 1024 * 1024
_LIBRARIES = {"pdf": "pypdfium2", "docx": "docx"}
_NEEDS = {"pdf": "a PDF needs pypdfium2", "docx": "a Word document needs python-docx"}
_KINDS = {"pdf": "PDF", "docx": "Word document"}


def is_word(archive: zipfile.ZipFile) -> bool:
    """Return whether a zip file is a Word document."""
    names = archive.namelist()
    is_office = "[Content_Types].xml" in names
    if not is_office:
        return False
    return any(
        name.startswith("word/document") and name.endswith(".xml") for name in names
    )


def read_document(kind: str, source: BinaryIO | IO[bytes]) -> DocumentContent:
    """Return the content of a document. ``kind`` is "pdf" or "docx".

    Raises ``DocumentProblem`` if it cannot be read or is beyond the limits, ``MissingExtra``
    without its library.
    """
    if find_spec(_LIBRARIES[kind]) is None:
        raise MissingExtra(_NEEDS[kind], "documents")
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as reply:
        _copy(source, given)
        code = _run_child(kind, given, reply)
        reply.seek(0)
        written = reply.read(MAX_REPLY_BYTES + 1)
    return _read_reply(kind, code, written)


def _copy(source: BinaryIO | IO[bytes], target: IO[bytes]) -> None:
    size = 0
    while block := source.read(_BLOCK):
        size += len(block)
        if size > MAX_DOCUMENT_BYTES:
            raise DocumentProblem(
                f"a document of more than {MAX_DOCUMENT_BYTES:,} bytes",
                "save it without pictures, or only the pages with eligibility, treatment and "
                "outcomes",
            )
        target.write(block)
    target.seek(0)


def _run_child(kind: str, given: IO[bytes], reply: IO[bytes]) -> int:
    """Run the child process, and return its exit status. The child is ended if this process is
    interrupted.
    """
    command = [sys.executable, "-m", "extractor.formats.documents", kind]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command,
            stdin=given,
            stdout=reply,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DocumentProblem(
            f"reading the {_KINDS[kind]} took longer than {MAX_SECONDS} seconds",
            "save only the pages with eligibility, treatment and outcomes",
        ) from None
    except OSError as error:
        raise DocumentProblem(
            f"no process can be started to read it ({error.strerror})", "try again"
        ) from None
    return done.returncode


def _environment() -> dict[str, str]:
    """Return the child's variables: those that Python needs, and no key of any provider."""
    kept = (
        "PATH",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "TEMP",
        "TMP",
        "SYSTEMROOT",
        "LD_LIBRARY_PATH",
        "VIRTUAL_ENV",
    )
    return {
        name: os.environ[name] for name in kept if name in os.environ
    } | child_environment()


def _read_reply(kind: str, code: int, written: bytes) -> DocumentContent:
    try:
        content = json.loads(written)
        if "problem" in content:
            raise DocumentProblem(str(content["problem"]), str(content["remedy"]))
        return DocumentContent.from_json(content)
    except (ValueError, TypeError, KeyError, RecursionError):
        how = (
            f"a {_KINDS[kind]} that ended the process which read it (status {code}), for lack "
            "of memory or by a fault"
        )
        raise DocumentProblem(
            how, "print it to a new PDF, or copy its text into a text file"
        ) from None
