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
    """Return the text of a regular file or of a pipe, without a mark of byte order.

    Raises ``NotSmallFile`` for a folder, a device, a pipe that stays silent, a file that is too
    long and one that is not UTF-8, ``OSError`` if it cannot be opened.
    """
    # A pipe that nobody writes to would hold up an ordinary opening.
    opened = os.open(
        path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    try:
        found = os.fstat(opened)
        mode = found.st_mode
        if stat.S_ISREG(mode):
            content = _read_file(opened)
        elif stat.S_ISFIFO(mode):
            pipe = (found.st_dev, found.st_ino)
            if pipe not in _READ_PIPES:
                _READ_PIPES[pipe] = _read_pipe(opened)
            content = _READ_PIPES[pipe]
        else:
            raise NotSmallFile(
                "a folder" if stat.S_ISDIR(mode) else "a device, not a file"
            )
    finally:
        os.close(opened)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise NotSmallFile(f"not UTF-8 (byte {error.start})") from error


def _read_file(opened: int) -> bytes:
    content = b""
    while part := os.read(opened, _PART):
        content += part
        _refuse_long(content)
    return content


def _read_pipe(opened: int) -> bytes:
    """Read a pipe to its end. Its writer may come a little later."""
    content = b""
    until = monotonic() + _LONGEST_WAIT_S
    while monotonic() < until:
        is_ready = bool(select([opened], [], [], _PAUSE_S)[0])
        part = _read_ready(opened) if is_ready else None
        if part:
            content += part
            _refuse_long(content)
            until = monotonic() + _LONGEST_WAIT_S
        elif part == b"" and content:
            return content
        elif part == b"":  # no writer has opened it yet
            select([], [], [], _PAUSE_S)
    raise NotSmallFile(
        f"a pipe into which nothing was written for {_LONGEST_WAIT_S:g} seconds"
    )


def _read_ready(opened: int) -> bytes | None:
    try:
        return os.read(opened, _PART)
    except BlockingIOError:
        return None


def _refuse_long(content: bytes) -> None:
    if len(content) > MOST_BYTES:
        raise NotSmallFile(f"longer than {MOST_BYTES:,} bytes")
