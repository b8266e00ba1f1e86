"""No reader raises, whatever the text: pieces of registry text at random, and records changed at random places."""

from io import BytesIO
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractor import read_records, split_outcomes, verify_quote
from extractor.errors import RecordError
from extractor.options import Effort, ExtractionOptions
from extractor.pipeline import advance, extract_by_rules
from extractor.schemas import TrialRecord
from extractor.stages.read import read_stream

from .depth import choose
from .mutated import build_record, build_text, mutate_record, mutate_text

RECORDS = Path(__file__).parent / "records"
RANDOM = st.integers(0, 2**32).map(Random)
quickly = settings(max_examples=choose(20, 2000), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check_record(record: TrialRecord) -> None:
    """All that is made of a record without an answer of a model; its quotes are the record's characters."""
    extraction = extract_by_rules(record, ExtractionOptions())
    assert extraction.model_dump_json()
    eligibility = extraction.eligibility
    for item in (eligibility, *eligibility.criteria, *extraction.dosing, *extraction.endpoints):
        for evidence in item.evidence:
            raw = record.raw_text(evidence.section)
            assert raw is not None
            assert raw[evidence.start : evidence.end] == evidence.quote
    advance(record, ExtractionOptions(effort=Effort.HIGH))  # what would be asked


@given(RANDOM)
@quickly
def test_records_of_any_pieces_are_extracted(random):
    check_record(build_record(random))


@given(RANDOM, st.sampled_from(list(read_records(RECORDS))))
@quickly
def test_records_with_any_changes_are_extracted(random, record):
    check_record(mutate_record(record, random))


@given(RANDOM, st.text())
@quickly
def test_outcomes_of_any_text_are_split(random, text):
    split_outcomes(mutate_text(build_text(random) + text, random))


@given(RANDOM)
@quickly
def test_quotes_of_any_text_are_verified(random):
    text = build_text(random)
    verify_quote(mutate_text(text[: random.randint(0, len(text))], random), text)
    verify_quote(text, build_text(random))


@given(RANDOM, st.sampled_from(sorted(RECORDS.iterdir())))
@quickly
def test_files_with_any_changes_are_read_or_refused(random, path):
    content = mutate_text(path.read_text("utf-8"), random).encode()
    try:
        records = list(read_stream(path.name, BytesIO(content)))
    except RecordError:
        return
    for record in records[:2]:
        check_record(record)


@pytest.mark.parametrize("capital", ["İ", "HİV", "ANTİ-TNF", "İİİ İ"])
@pytest.mark.parametrize("words", ["known allergy to {} or penicillin", "overall survival of {} at 2 years", "{}"])
def test_a_capital_that_is_two_characters_in_lower_case_moves_no_place(capital, words):
    """A reader that counts the words of a text in lower case must find them in the text itself."""
    record = build_record(Random(1))
    texts = {"eligibility": f"Exclusion Criteria:\n* {words.format(capital)}", "title": words.format(capital)}
    changed = [s.model_copy(update={"text": texts.get(s.name, s.text)}) for s in record.sections]
    check_record(record.model_copy(update={"sections": tuple(changed)}))
