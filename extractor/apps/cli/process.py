"""Prepare the process of a command: its standard streams, its encodings and its memory."""

import codecs
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

from extractor.apps.cli.console import LATER, say

_LEAST_MEMORY = 384 << 20
"""The address space that an extraction needs, in bytes. With less, libraries end the process with
messages of their own.
"""
_EXTRACTING = frozenset({"run", "batch", "parse", "diff", "serve", "mcp"})


def prepare_process(arguments: Sequence[str]) -> None:
    """Prepare the process of the command with these arguments. Ends the process, with a message, if
    it may not use enough memory.
    """
    _open_closed_streams()
    codecs.register_error("json_escape", _escape)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="json_escape")
    # each thread of the library reserves memory, and no product here is large enough to share
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if not _EXTRACTING.isdisjoint(arguments[:1]):
        _refuse_small_memory()


def _open_closed_streams() -> None:
    """Open each closed standard stream, since otherwise the next opened file gets its number, and
    output is written into that file. What reads the input finds nothing; what writes the output
    fails, and is reported; messages are lost.
    """
    # in the order of their numbers: a file that is opened gets the lowest number that is free
    for number, (name, mode) in enumerate(_STREAMS):
        if getattr(sys, name) is not None:
            continue
        # the output is opened for reading, so that writing to it fails
        flags = os.O_RDONLY
        if name == "stderr":
            flags = os.O_WRONLY
        opened = os.open(os.devnull, flags)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - as long as the process


_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def _escape(error: UnicodeError) -> tuple[str, int]:
    r"""Return characters that an encoding lacks as JSON writes them, and where encoding goes on.

    >>> codecs.register_error("json_escape", _escape)
    >>> "≥ 😀".encode("ascii", "json_escape")
    b'\\u2265 \\ud83d\\ude00'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = (units[place : place + 2] for place in range(0, len(units), 2))
    return "".join(f"\\u{pair.hex()}" for pair in pairs), error.end


def _refuse_small_memory() -> None:
    """End the process, with a message, if its address space is limited to less than an extraction
    needs.
    """
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - not on Windows

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY and limit < _LEAST_MEMORY:
            say(
                f"this process may use {limit >> 20} MB of address space, and needs "
                f"{_LEAST_MEMORY >> 20} MB; raise the limit (ulimit -v)"
            )
            raise SystemExit(LATER)
