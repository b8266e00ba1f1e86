"""Shows the examples of docstrings as code; Markdown takes ``>>>`` for a quotation. mkdocstrings loads this module."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_LITERAL = re.compile(r"^::\n", re.MULTILINE)


class FenceDoctests(griffe.Extension):
    """Puts each run of doctest lines into a fenced block, and drops the mark ``::`` before an indented block."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            plain = _LITERAL.sub("", obj.docstring.value)
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", plain)
