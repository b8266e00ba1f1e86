"""A section is read into tokens once, however many readers ask."""

from collections import Counter

import extractor.text.book
from extractor.parse import parse_record
from extractor.schemas import Section, Source, TrialRecord

TEXTS = {
    "title": "Examplumab in asthma",
    "brief_summary": "Adults aged 18 to 65 years with asthma may take part.",
    "conditions": "Asthma|Rhinitis",
    "eligibility": "Inclusion Criteria:\n\n* Age 18 years or older\n\nExclusion Criteria:\n\n* Pregnant women",
    "primary_outcomes": "Change in FEV1 from baseline, 12 weeks|Overall survival, time from start to death, 2 years",
}


def test_no_section_is_read_into_tokens_twice(monkeypatch):
    sections = tuple(Section(name=name, text=text) for name, text in TEXTS.items())
    record = TrialRecord(record_id="x", source=Source(path="x", format="flat"), sections=sections)
    read: Counter[str] = Counter()
    lex = extractor.text.book.lex
    monkeypatch.setattr(extractor.text.book, "lex", lambda text: read.update([text]) or lex(text))
    parse_record(record)
    assert {name: read[text] for name, text in TEXTS.items()} == dict.fromkeys(TEXTS, 1)
