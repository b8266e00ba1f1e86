"""No reader raises, whatever the text: pieces of registry text at random, and records changed at
random places.
"""

import re
import tomllib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor import read_records, split_outcomes, verify_quote
from extractor.errors import RecordError, RecordTooSlow
from extractor.formats import read_stream
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules, plan
from extractor.schemas import TrialRecord

from .depth import choose
from .trust import make_section

RECORDS = Path(__file__).parent / "records"
quickly = settings(
    max_examples=choose(20, 2000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

_PIECES = tomllib.loads(Path(__file__).with_name("any_text.toml").read_text("utf-8"))
NUMBERS = (
    *_PIECES["numbers"],
    *("9" * length for length in (30, 400, 5000)),
    "1" + ",000" * 120,
    "0." + "0" * 400 + "1",
)
WORDS = (*_PIECES["words"], *NUMBERS)
_FIELDS = ("minimum_age", "maximum_age", "sex", "enrollment", "study_type", "masking")


def texts(most: int = 40) -> st.SearchStrategy[str]:
    """Registry text of up to ``most`` pieces."""
    pieces = st.lists(st.sampled_from(WORDS), max_size=most)
    return st.builds(str.join, st.sampled_from(("", " ", "\n")), pieces)


@st.composite
def changed(draw, text: str) -> str:
    """The text with pieces deleted, repeated, moved, cut off, renumbered, in other letters, or
    between others.
    """
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((1, 3, 10, 100))))
        before = text[:start]
        taken = text[start:end]
        after = text[end:]
        piece = draw(st.sampled_from(WORDS))
        number = draw(st.sampled_from(NUMBERS))
        recase = draw(st.sampled_from((str.upper, str.lower, str.title, str.swapcase)))
        middle = draw(st.integers(0, len(after)))
        changes = [
            before + after,
            before,
            after,
            before + after[:middle] + taken + after[middle:],
            before + taken * 30 + after,
            before + recase(taken) + after,
            recase(text),
            before + re.sub(r"\d+", number, after, count=1),
            re.sub(r"\d+", number, text),
        ]
        added = [before + piece + taken + piece + after, before + piece + taken + after]
        changes += added * 3
        text = draw(st.sampled_from(changes))
    return text


@st.composite
def changed_records(draw) -> TrialRecord:
    """A record of the tests with changes in some of its sections, parts and fields, and some
    sections gone.
    """
    record = draw(st.sampled_from(list(read_records(RECORDS))))
    sections = [
        make_section(
            section.name,
            {
                part.name: draw(changed(section.part(part.name) or ""))
                for part in section.parts
            }
            or draw(changed(section.text)),
        )
        if draw(st.booleans())
        else section
        for section in record.sections
        if draw(st.integers(0, 9))
    ]
    registry = record.registry.model_copy(
        update=draw(st.dictionaries(st.sampled_from(_FIELDS), texts(2)))
    )
    return record.model_copy(update={"sections": tuple(sections), "registry": registry})


MOST_CHARACTERS = 300_000
"""A changed record of at most this length is read within the time for a record."""


def check_record(record: TrialRecord) -> None:
    """Make all that is made of a record without an answer of a model. Its quotes are the
    record's characters.
    """
    try:
        extraction = extract_by_rules(record, ExtractionOptions())
    except RecordTooSlow:
        # changes that each repeat a text 30 times may make a record of a megabyte
        assert sum(len(section.text) for section in record.sections) > MOST_CHARACTERS
        return
    assert extraction.model_dump_json()
    for _, item in extraction.list_items():
        for evidence in item.evidence:
            raw = record.raw_text(evidence.section)
            assert raw is not None
            assert raw[evidence.start : evidence.end] == evidence.quote
    plan(record, ExtractionOptions(effort="full"))  # what would be asked


@pytest.mark.slow
@given(changed_records())
@settings(quickly, max_examples=choose(40, 4000))
def test_records_with_any_changes_are_extracted(record):
    check_record(record)


@given(texts().flatmap(changed), st.text())
@quickly
def test_outcomes_of_any_text_are_split(text, more):
    whole = text + more

    for outcome in split_outcomes(whole):
        assert outcome.measure in whole
        assert (outcome.description or "") in whole
        assert (outcome.time_frame or "") in whole


@given(st.data())
@quickly
def test_quotes_of_any_text_are_verified(data):
    text = data.draw(texts())
    length = data.draw(st.integers(0, len(text)))
    quote = data.draw(changed(text[:length]))
    other = data.draw(texts())

    check_span(verify_quote(quote, text), text)
    check_span(verify_quote(text, other), other)


def check_span(check, text):
    """What was found stands in the text."""
    if check.start is None:
        assert check.end is None
    else:
        assert 0 <= check.start < check.end <= len(text)


@given(st.data())
@quickly
def test_files_with_any_changes_are_read_or_refused(data):
    path = data.draw(st.sampled_from(sorted(RECORDS.iterdir())))
    content = data.draw(changed(path.read_text("utf-8"))).encode()
    try:
        records = list(read_stream(path.name, BytesIO(content)))
    except RecordError:
        return
    for record in records[:2]:
        check_record(record)
