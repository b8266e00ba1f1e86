"""How values and texts are displayed on every page, and which characters are highlighted."""

import pytest

from extractor import Extractor
from extractor.apps.pages.view import view
from extractor.apps.pages.words import say
from extractor.apps.report.record import RunRecord, show_record
from extractor.evidence.drafts import Span
from extractor.formats.records import make_record
from extractor.run.finished import TextState
from extractor.schemas import (
    Amount,
    Constraint,
    Criterion,
    CriterionGroup,
    Eligibility,
    Instrument,
    Period,
    Section,
    Source,
    TimeWindow,
    TrialRecord,
)

LIMIT = Constraint(quantity="ANC", comparator=">=", value=1.5e9, unit="/L")
WINDOW = TimeWindow(quote="10-20 days before", comparator="between", value=10, value_high=20, unit="day", of="steroids",
                    anchor="before biopsy")  # fmt: skip
INDENTED = """A Trial of Fictumab
   Inclusion criteria:

   1. Adults, 18 to 65 years
      a) with ECOG 0-1
\t- Surgery within 4 weeks  before   enrolment

Intervention: Fictumab 300 mg every 4 weeks
Primary endpoint: Survival at week 52
"""
TEXTS = {
    "indents, tabs and labels": INDENTED,
    "line ends of Windows": INDENTED.replace("\n", "\r\n"),
    "blank lines": "\n\n  \nInclusion criteria\n\n\n- HbA1c of at least 7.5 %\n\n\n- BMI < 35 kg/m2\n\n\n\n",
    "a table": "| Inclusion criteria | Exclusion criteria |\n|---|---|\n| Age > 18 | Pregnancy |\n| ECOG 0-1 | HIV |\n",
    "Markdown": "# A Trial\n\n## Eligibility\n\n**Inclusion criteria**\n\n* Age \\>= 18 years\n* Weight 50\\-90 kg\n",
    "HTML": "Inclusion criteria:<br>- Age &gt; 18 years<br>- <b>ECOG</b> 0-1",
    "characters beyond UTF-16": "Inclusion criteria:\n😀 - Age > 18 years 😀\n- ECOG 0-1\n",
    "a flattened record": "A Trial of Fictumab\nA summary.\nAsthma|COPD\nDRUG: Fictumab 5 mg|OTHER: Visit\n"
    "Pain, on a scale, 4 weeks|Sleep, 8 weeks\nCost, , 1 year\nA description of the trial.\n",
}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "quotes", "words"),
    [
        (Constraint(quantity="ECOG", comparator="between", value=0, value_high=2), ["ECOG 0-2"], "ECOG 0 to 2"),
        (LIMIT, ["ANC \\>= 1.5 x 10\\^9/L"], "ANC ≥ 1.5 x 10^9 (1,500,000,000) /L"),
        (Constraint(quantity="platelets", comparator=">", value=75000), ["over 75000"], "platelets > 75,000"),
        (Constraint(quantity="ALT", comparator="<=", value=5, unit="x ULN", condition="with metastases"), [],
         "ALT ≤ 5 x ULN, with metastases"),
        (Amount(low=1, high=2, unit="mg"), ["1-2 mg"], "1 to 2 mg"),
        (Amount(low=5, high=5, unit="mg", arms=("Low \\> 1", "Both")), [], "5 mg (Low > 1, Both)"),
        ({"low": 5, "unit": "mg"}, [], "from 5 mg"),
        (Period(value=1, unit="week"), [], "1 week"),
        (WINDOW, [], "steroids: 10 to 20 days before biopsy"),
        (TimeWindow(quote="5 half-lives", comparator=">=", value=2, unit="half_life"), [], "≥ 2 half-lives"),
        (CriterionGroup(id="g1", rule="at_least", n=2, n_high=4, lead_in="Some of:"), [], "2 to 4 of “Some of:”"),
        ({"quote": "after relapse", "comparator": None, "value": None, "unit": None}, [], "after relapse"),
        (Instrument(name="CTCAE", version="5.0"), [], "CTCAE 5.0"),
        ({"kind": "time_to_event", "lasts": {"value": 2, "unit": "week"}, "named": None}, [], "time to event, 2 weeks"),
        ((), [], "not stated"),
        # what a reviewer's request may contain, although no form writes it
        ({"quantity": "x", "comparator": ">", "value": {"a": 1}, "unit": ["b"]}, [], "x > 1 b"),
    ],
)  # fmt: skip
def test_a_value_reads_the_same_everywhere(value, quotes, words):
    assert say(value, quotes) == words
    if isinstance(value, Constraint):
        assert say(value.model_dump(mode="json"), quotes) == words


@pytest.mark.parametrize(
    ("group", "parents", "chain"),
    [
        ("g2", {"g1": None, "g2": "g1"}, [0, 1]),
        (None, {"g1": None}, []),
        ("g9", {"g1": None}, []),  # which a reviewer may have removed
        ("g2", {"g1": "g2", "g2": "g1"}, [0, 1]),
    ],
)
def test_a_criterion_names_its_groups_from_the_outermost(group, parents, chain):
    groups = tuple(
        CriterionGroup(id=name, rule="any", parent=parent)
        for name, parent in parents.items()
    )
    item = Criterion(
        kind="inclusion", section="eligibility", quote="Fever", group=group
    )
    named = [
        ("eligibility", Eligibility(groups=groups)),
        ("eligibility.criteria[0]", item),
    ]
    shown = view(None, named)["items"][1]["groups"]
    assert shown == [f"eligibility.groups[{number}]" for number in chain]


def cut(section, start, end):
    """The characters of a page's section, which counts in UTF-16 units."""
    units = section["text"].encode("utf-16-le")
    return units[2 * start : 2 * end].decode("utf-16-le")


def test_marks_keep_their_characters_where_the_text_has_escapes_and_wide_characters():
    raw = "\N{GRINNING FACE} ANC \\>= 1.0 x 10\\^9/L, no fever"
    source = Source(path="a", format="flat")
    text = Section(name="eligibility", text=raw)
    title = Section(name="title", text="A")
    record = TrialRecord(record_id="A", source=source, sections=(text, title))
    words = ("\\>= 1.0 x 10\\^9/L", "no fever", "9/L", ", no")
    starts = [raw.index(one) for one in words]
    marks = [
        Span("eligibility", start, start + len(one))
        for start, one in zip(starts, words, strict=True)
    ]
    shown = view(record, (), marks, sections={"eligibility"})
    (section,) = shown["sections"]
    assert section["raw"] == raw
    found = [cut(section, start, end) for _, start, end, *_ in shown["spans"]]
    assert found == [">= 1.0 x 10^9/L", "no fever", "9/L", ", no"]
    assert shown["marks"] == [0, 1, 2, 3]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_given_text_is_shown_whole_and_each_quote_is_marked(text):
    record = make_record(text)
    extraction = Extractor().extract(record)
    shown = show_record(RunRecord(extraction, record, TextState.SAME), as_given=True)
    (section,) = shown["sections"]
    assert section["text"] == text
    assert len(section["parts"]) == len(record.sections)
    quotes = {
        (proof.section, proof.start, proof.end): proof.quote
        for _, item in extraction.list_items()
        for proof in item.evidence
    }
    assert quotes
    for item in shown["items"]:
        for value in item["values"]:
            marked: dict[tuple[str, int, int], str] = {}
            for number in value["spans"]:
                _, start, end, *place, name = shown["spans"][number]
                key = (name, *place)
                marked[key] = marked.get(key, "") + cut(section, start, end)
            for key, words in marked.items():
                # in place of tags, the reader of the text has blanks
                if "<" not in words:
                    assert words.split() == quotes[key].split()


def test_parts_begin_where_their_words_do_and_only_given_texts_are_shown_whole():
    record = make_record(INDENTED)
    (section,) = view(record, as_given=True)["sections"]
    assert [
        (title, INDENTED[start:].splitlines()[0]) for start, title in section["parts"]
    ] == [
        ("Title", "A Trial of Fictumab"),
        ("Eligibility", "Inclusion criteria:"),
        ("Intervention 1", "Fictumab 300 mg every 4 weeks"),
        ("Primary outcome 1", "Survival at week 52"),
    ]
    # the given text is not written to JSON
    written = type(record).model_validate_json(record.model_dump_json())
    for shown in (view(record), view(written, as_given=True)):
        names = [section["name"] for section in shown["sections"]]
        assert names == [section.name for section in record.sections]
    titled = make_record("Inclusion criteria:\n- Adults", title="A Trial")
    texts = [part["text"] for part in view(titled, as_given=True)["sections"]]
    assert texts == ["A Trial", "Inclusion criteria:\n- Adults"]
