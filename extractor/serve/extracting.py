"""The life of a process that extracts single records, one body after another, by the rules."""

from io import BytesIO
from itertools import islice
from queue import SimpleQueue
from typing import Any

from extractor.errors import RecordError
from extractor.pipeline import extract_by_rules
from extractor.read import read_stream
from extractor.schemas import TrialRecord

from .messages import Answer, Ready, Trouble, Wish
from .process import ChildLine

__all__ = ["extract_by_rules_alone", "read_single"]


def extract_by_rules_alone(line: ChildLine, most_text: int) -> None:
    """Answer wishes, whose records may have so many characters, until the service is gone."""
    wishes: SimpleQueue[Any] = SimpleQueue()
    line.listen(wishes.put)
    line.send(Ready())
    while True:
        wish = wishes.get()
        if isinstance(wish, Wish):
            line.send(Answer(wish.number, _answer(wish, most_text)))


def _answer(wish: Wish, most_text: int) -> bytes | Trouble:
    try:
        record = read_single(wish.name, wish.body, most_text)
        return extract_by_rules(record, wish.options).model_dump_json().encode()
    except BaseException as error:  # noqa: BLE001 - whatever befell one wish, the others go on
        return Trouble.of(error)


def read_single(name: str, body: bytes, most_text: int) -> TrialRecord:
    r"""The record in a body, which must hold no other. Raises ``RecordError``, also for more text than that, which a
    body may unpack to.

    >>> read_single("b.txt", b"A Trial\nA summary.\nAsthma\nDRUG: A\nSurvival\n", 1000).record_id
    'b'
    """
    found = list(islice(read_stream(name, BytesIO(body)), 2))
    if len(found) > 1:
        raise RecordError(name, "there is more than one record in it", "send several records to POST /v1/jobs")
    (record,) = found
    if sum(len(section.text) for section in record.sections) > most_text:
        raise RecordError(name, f"the record has more than {most_text:,} characters", "send it to POST /v1/jobs")
    return record
