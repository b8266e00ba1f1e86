"""Read what was downloaded as a finished batch's answers, of which nothing is believed before its
lines are read.

In place of the answers, servers and proxies send a page, nothing, an error with status 200, or the
first half.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from extractor.model.batch_lines import load_row

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 80
"""Characters of a line that messages show."""


class Download:
    """The files of answers of one batch. ``rows`` reads them; afterwards ``problem`` says what was
    no answer.

    ``problem`` may be known before.

    >>> page = Download([b"<html>Sign in</html>"])
    >>> list(page.rows()), page.problem
    ([], "it is no file of answers, but '<html>Sign in</html>'")
    """

    def __init__(self, files: Iterable[bytes], problem: str = "") -> None:
        self._files = tuple(files)
        self.problem = problem

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield the lines that are answers, as plain data. They may be of any batch, and come in
        any order.
        """
        for file in self._files:
            yield from self._read_file(file)

    def _read_file(self, content: bytes) -> Iterator[Mapping[str, Any]]:
        """Yield the lines of a file that are answers: objects with a ``custom_id``.

        Afterwards ``problem`` says, if nothing was wrong before: that the file has no such line, or
        what its first other line is. Blank lines are no fault.
        """
        lines = content.removeprefix(_BYTE_ORDER_MARK).splitlines()
        has_answers = False
        broken = ""
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            row = load_row(line)
            if isinstance(row, Mapping) and isinstance(row.get("custom_id"), str):
                has_answers = True
                yield row
            elif not broken:
                is_end = row is None and number == len(lines)
                broken = _describe(line, number, is_end=is_end)
        if broken and not has_answers:
            beginning = content[:_SHOWN].decode("utf-8", "replace")
            broken = f"it is no file of answers, but {beginning!r}"
        elif not has_answers:
            broken = "it is empty"
        self.problem = self.problem or broken


def _describe(line: bytes, number: int, *, is_end: bool) -> str:
    """Say what a line is that is no answer: the broken end of a file, or something else, which is
    shown.
    """
    if is_end:
        return f"it ends in the middle of line {number}"
    beginning = line[:_SHOWN].decode("utf-8", "replace")
    return f"line {number} is no answer: {beginning!r}"
