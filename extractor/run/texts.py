"""The texts of documents, kept in a run's folder: evidence has offsets into them."""

import re
from hashlib import sha256
from pathlib import Path

from extractor.schemas import TrialRecord

TEXTS = "texts"
_UNSAFE = re.compile(r"[^\w.-]+|^\.+")
_LONGEST = 80


def name_text(record_id: str) -> str:
    """Return the name of the file with the text of a record. Ids that differ have names that
    differ.

    >>> name_text("protocol"), name_text("../my protocol")
    ('protocol.txt', '__my_protocol-7e206f41.txt')
    """
    safe = _UNSAFE.sub("_", record_id)[:_LONGEST]
    if safe == record_id:
        return f"{safe}.txt"
    return f"{safe}-{sha256(record_id.encode()).hexdigest()[:8]}.txt"


def keep_text(folder: Path, record: TrialRecord) -> None:
    """Write the text of a document into ``texts/``; a record of another format has none.

    The text is written as it is: without another form of its line breaks, which would move the
    offsets.
    """
    if record.document is None:
        return
    texts = folder / TEXTS
    texts.mkdir(exist_ok=True)
    (texts / name_text(record.record_id)).write_bytes(
        record.document.text.encode("utf-8", "replace")
    )
