"""Read a document in a child process with limits, and check its reply."""

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from typing import IO

from pydantic import TypeAdapter

from extractor.errors import MissingExtra
from extractor.formats.documents.content import DocumentContent
from extractor.formats.documents.limits import (
    MAX_DOCUMENT_BYTES,
    MAX_REPLY_BYTES,
    MAX_SECONDS,
)
from extractor.formats.found import UnreadableSource
from extractor.resources import parse_json

_LIBRARIES = {"pdf": "pypdfium2", "docx": "docx"}
_NEEDS = {"pdf": "a PDF needs pypdfium2", "docx": "a Word document needs python-docx"}
_LESS = "save only the pages that describe eligibility, treatment and outcomes"
_INHERITED = (
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
"""The environment variables that the child inherits: only the variables that Python needs, and no
provider keys.
"""


def read_document(kind: str, source: IO[bytes]) -> DocumentContent:
    """Return the content of a document. ``kind`` is "pdf" or "docx".

    Raises ``UnreadableSource`` if the document cannot be read, exceeds the limits, or requires a
    library that is not installed.
    """
    if find_spec(_LIBRARIES[kind]) is None:
        problem, _, remedy = str(MissingExtra(_NEEDS[kind], "documents")).partition(
            "; "
        )
        raise UnreadableSource(problem, remedy)
    file_bytes = source.read(MAX_DOCUMENT_BYTES + 1)
    if len(file_bytes) > MAX_DOCUMENT_BYTES:
        raise UnreadableSource(
            f"a document of more than {MAX_DOCUMENT_BYTES:,} bytes", _LESS
        )
    with tempfile.TemporaryFile() as reply:
        code = _run_child(kind, file_bytes, reply)
        reply.seek(0)
        written = reply.read(MAX_REPLY_BYTES + 1)
    try:
        content = parse_json(written)
        if "problem" in content:
            raise UnreadableSource(str(content["problem"]), str(content["remedy"]))
        return TypeAdapter(DocumentContent).validate_python(content)
    except (ValueError, TypeError, KeyError):
        raise UnreadableSource(
            f"the process that read the document ended (status {code}) because of a lack of memory "
            "or a crash",
            "print it to a new PDF, or copy its text into a text file",
        ) from None


def _run_child(kind: str, file_bytes: bytes, reply: IO[bytes]) -> int:
    """Run the child process and return its exit status. Raises ``UnreadableSource`` if the child
    takes too long. If this process is interrupted, the child is terminated.
    """
    try:
        child = subprocess.run(  # noqa: S603 - a fixed command
            [sys.executable, "-m", "extractor.formats.documents", kind],
            input=file_bytes,
            stdout=reply,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableSource(
            f"reading the document took longer than {MAX_SECONDS} seconds", _LESS
        ) from None
    return child.returncode


def _environment() -> dict[str, str]:
    """Return the environment variables of the child. With these variables, the child imports the
    same modules as this process; otherwise, Python would search the current directory first.
    """
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    paths = os.pathsep.join(map(os.path.abspath, sys.path))
    return inherited | {"PYTHONPATH": paths, "PYTHONSAFEPATH": "1"}
