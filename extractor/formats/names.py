"""Tell the name of a file from a text. A text is never asked of the file system, which refuses
long names.
"""

import os
import re
from pathlib import Path

_LONGEST_NAME = 255
_LONGEST_PATH = 4096
"""Bytes of a name, and of a path, on all usual file systems."""
_LONGEST_SHOWN = 60
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S*", re.IGNORECASE)


def may_be_path(text: str) -> bool:
    """Return whether a file of that name can exist.

    >>> may_be_path("studies/NCT1.json"), may_be_path("ü" * 200), may_be_path("a" + chr(0))
    (True, False, False)
    """
    try:
        path = os.fsencode(text)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return (
        b"\0" not in path
        and len(path) <= _LONGEST_PATH
        and max(map(len, path.split(b"/"))) <= _LONGEST_NAME
    )


def exists(text: str) -> bool:
    """Return whether there is a file or a folder of that name. One that may not be looked at
    counts as there.
    """
    try:
        return may_be_path(text) and Path(text).exists()
    except OSError:  # reading it says why
        return True


def is_file(text: str) -> bool:
    """Return whether there is a file of that name."""
    try:
        return may_be_path(text) and Path(text).is_file()
    except OSError:
        return False


def is_text(given: str) -> bool:
    r"""Return whether an input is a text, where the name of a file or an address belongs.

    >>> (
    ...     is_text("none.json"),
    ...     is_text("s3://bucket/" + "a" * 300),
    ...     is_text("Inclusion criteria:\n- Adults"),
    ... )
    (False, False, True)
    """
    if _ADDRESS.fullmatch(given):
        return False
    if not may_be_path(given):
        return True
    return len(given.splitlines()) > 1 and not exists(given)


def shorten(text: str) -> str:
    r"""Return the beginning of a text on one line, for a message.

    >>> shorten("Inclusion criteria:\n- Adults"), len(shorten("long " * 50))
    ('Inclusion criteria: - Adults', 63)
    """
    line = " ".join(text[: 4 * _LONGEST_SHOWN].split())
    is_long = len(line) > _LONGEST_SHOWN or len(text) > 4 * _LONGEST_SHOWN
    printable = line.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return f"{printable[:_LONGEST_SHOWN]}..." if is_long else printable
