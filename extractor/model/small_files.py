"""Read a small text file that the user names, such as one of prices: a device or a hung pipe is
no such file.
"""

import os
import stat
from pathlib import Path
from select import select
from time import monotonic

MOST_BYTES = 1_000_000
"""The longest file of fields or prices that is read. A long one has a hundredth of it."""
_LONGEST_WAIT_S = 30.0
"""How long a pipe may be silent."""
_PAUSE_S = 0.05
_PART = 1 << 16
_READ_PIPES: dict[tuple[int, int], bytes] = {}
"""What was read from pipes, by device and inode: their text comes once, and the program may ask
for it again.
"""


class NotSmallFile(Exception):
    """A path is no small text file. The message says what it is."""


def read_small_text(path: Path) -> str:
    """Return the text of a regular file or of a pipe, without a mark of byte order and with line
    breaks of Unix. The text of a pipe is kept, because it comes once.

    Raises ``NotSmallFile`` for a folder, a device, a pipe that stays silent, a file that is too
    long and one that is not UTF-8, ``OSError`` if it cannot be opened.
    """
    # A pipe that nobody writes to would hold up an ordinary opening. Windows has other flags.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    opened = os.open(path, flags)
    try:
        status = os.fstat(opened)
        mode = status.st_mode
        if stat.S_ISREG(mode):
            content = _read_file(opened)
        elif stat.S_ISFIFO(mode):
            pipe = (status.st_dev, status.st_ino)
            if pipe not in _READ_PIPES:
                _READ_PIPES[pipe] = _read_pipe(opened)
            content = _READ_PIPES[pipe]
        elif stat.S_ISDIR(mode):
            raise NotSmallFile("a folder")
        else:
            raise NotSmallFile("a device, not a file")
    finally:
        os.close(opened)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise NotSmallFile(f"not UTF-8 (byte {error.start})") from error


def _read_file(opened: int) -> bytes:
    """Read an opened file to its end. Raises ``NotSmallFile`` as soon as it is too long."""
    content = b""
    while part := os.read(opened, _PART):
        content += part
        _refuse_long(content)
    return content


def _read_pipe(opened: int) -> bytes:
    """Read a pipe to its end. Its writer may come a little later.

    Raises ``NotSmallFile`` if it is too long, or if nothing comes for 30 seconds.
    """
    content = b""
    until = monotonic() + _LONGEST_WAIT_S
    while monotonic() < until:
        ready, _, _ = select([opened], [], [], _PAUSE_S)
        if not ready:
            continue
        part = _read_ready(opened)
        if part is None:
            continue
        if part:
            content += part
            _refuse_long(content)
            until = monotonic() + _LONGEST_WAIT_S
        elif content:
            return content
        else:
            # no writer has opened it yet
            select([], [], [], _PAUSE_S)
    raise NotSmallFile(
        f"a pipe into which nothing was written for {_LONGEST_WAIT_S:g} seconds"
    )


def _read_ready(opened: int) -> bytes | None:
    """Read what a pipe has now: b"" at its end or without a writer, None if it has nothing yet."""
    try:
        return os.read(opened, _PART)
    except BlockingIOError:
        return None


def _refuse_long(content: bytes) -> None:
    """Raise ``NotSmallFile`` for a content that is longer than any small file."""
    if len(content) > MOST_BYTES:
        raise NotSmallFile(f"longer than {MOST_BYTES:,} bytes")
