"""Choose the reader for a document by its first block. Its name is used only if the document seems
to be plain text (``files``).
"""

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

from extractor.formats.flat import is_register_text
from extractor.formats.found import DOWNLOAD, ReadResult, UnreadableSource

Reader = Callable[..., Iterator[ReadResult]]

ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_READERS = {
    "pdf": ("document_records", "read_pdf"),
    "docx": ("document_records", "read_word"),
    "json": ("json_records", "read_json"),
    "later_json": ("json_records", "read_json"),
    "xml": ("xml_records", "read_xml"),
    "table": ("tables", "read_table_records"),
    "aact": ("aact", "read_aact"),
    "eu register": ("eu_register", "read_register_text"),
    "medline": ("papers.medline", "read_medline"),
    "pubmed text": ("papers.medline", "read_pubmed_text"),
}
"""The module and function that read each format; modules are imported on demand."""
_SIGNS = re.compile(
    r"""(?P<pdf>\s*%PDF-)
    | (?P<docx>PK\x03\x04.{0,200}\[Content_Types\])
    | (?P<packed>PK\x03\x04|PK\x05\x06|\x1f\ufffd)
    | (?P<page>\s*(?:<!--(?:(?!-->).)*+-->\s*)*+(?:<!doctype\ html|<html))
    | (?P<xml>\s*<[?!A-Za-z])
    # a full disk may leave a line of NULs among the lines of records
    | (?P<json>[\s\0]*(?:\{\s*(?:["}]|\Z)|\[\s*(?:[{\]]|\Z)))
    | (?P<binary>\{\\rtf|[^\0]*\0)
    | (?P<aact>"?(?:id"?\|"?)?nct_id"?\|)
    | (?P<medline>\s*PMID-[ ]?\d)
    | (?P<empty>\s*\Z)
    | (?P<later_json>.*?\n\{"\w+":[^\n]*(?:\}\s*\n|\Z))""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE | re.ASCII,
)
"""The signs of each format. ``later_json`` is a line that is a JSON object, perhaps cut by the end
of the block, below a first line that is damaged.
"""
_REFUSED = {
    "packed": (
        "packed twice, such as a zip inside a zip",
        "unpack it once and pass the result",
    ),
    "page": ("a web page, which is not supported", f"copy its text, or {DOWNLOAD}"),
    "binary": (
        "binary data, not text",
        f"save it without a password as UTF-8 text, PDF or .docx, or {DOWNLOAD}",
    ),
    "aact": (
        "one table of an AACT export",
        "pass the zip of the export, or a zip of all its tables",
    ),
    "empty": ("the file is empty", "pass a file that contains a record"),
}


def find_reader(kind: str) -> Reader:
    """Return the reader for a format other than plain text."""
    module, name = _READERS[kind]
    return cast("Reader", getattr(import_module(f"extractor.formats.{module}"), name))


def detect_format(head: bytes) -> str:
    r"""Return the format of a document: a key in the table of readers, or "plain".

    ``head`` is the first block of the document, in UTF-8. Raises ``UnreadableSource`` for an empty
    file or an unsupported format.

    >>> (
    ...     detect_format(b' [ {"protocolSection": '),
    ...     detect_format(b"[18F]-Tracer imaging\n"),
    ... )
    ('json', 'plain')
    """
    text = head.decode("utf-8", "replace")
    sign = _SIGNS.match(text)
    if sign:
        kind = str(sign.lastgroup)
        if kind in _REFUSED:
            raise UnreadableSource(*_REFUSED[kind])
        return kind
    if is_register_text(text):
        return "eu register"
    if text.lstrip().startswith("1. "):
        from extractor.formats.papers.medline import is_pubmed_text  # noqa: PLC0415 - as below

        if is_pubmed_text(text):
            return "pubmed text"
    from extractor.formats.tables import is_table  # noqa: PLC0415 - few texts come so far

    if is_table(text):
        return "table"
    return "plain"
