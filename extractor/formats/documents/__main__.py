"""The child process that reads a document from standard input and writes JSON to standard output.

The document may be hostile, so the process first sets limits for itself.
"""

import json
import sys
from contextlib import suppress
from dataclasses import asdict

from extractor.formats.documents.content import DocumentProblem
from extractor.formats.documents.limits import (
    MAX_MEMORY_BYTES,
    MAX_REPLY_BYTES,
    MAX_SECONDS,
)

_UNREADABLE = "open it in a viewer, and print it to a new PDF or save it as .docx"


def _limit_process() -> None:
    """Limit memory, CPU time and reply size, where the operating system supports this."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    limits = (
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MAX_SECONDS),
        (resource.RLIMIT_FSIZE, MAX_REPLY_BYTES),
        (resource.RLIMIT_CORE, 0),
    )
    for limit, most in limits:
        with suppress(ValueError, OSError):  # a lower limit is already set
            resource.setrlimit(limit, (most, most))


def main(kind: str) -> None:
    """Read a document ("pdf" or "docx"), and write its content or the problem."""
    _limit_process()
    try:
        file_bytes = sys.stdin.buffer.read()
        if kind == "pdf":
            from extractor.formats.documents.pdf import read_pdf_content as read  # noqa: PLC0415 - only the library needed
        else:
            from extractor.formats.documents.word import read_word_content as read  # noqa: PLC0415
        reply = asdict(read(file_bytes))
    except DocumentProblem as error:
        reply = {"problem": error.problem, "remedy": error.remedy}
    except Exception as error:  # noqa: BLE001 - libraries may raise anything for a broken file
        problem = f"the document is damaged or too large ({type(error).__name__})"
        reply = {"problem": problem, "remedy": _UNREADABLE}
    sys.stdout.buffer.write(json.dumps(reply).encode())


if __name__ == "__main__":
    main(sys.argv[1])
