"""How values and texts are displayed on every page, and which characters are highlighted."""

import pytest

from extractor import Extractor, schemas
from extractor.apps.pages.view import view
from extractor.apps.pages.words import say_value
from extractor.apps.report.record import RunRecord, show_record
from extractor.evidence.drafts import Span
from extractor.formats.records import make_record
from extractor.run.finished import TextState
from extractor.schemas import (
    Criterion,
    CriterionGroup,
    Eligibility,
    Section,
    Source,
    TrialRecord,
)
from tests.tables import read_cases

CASES = read_cases(__file__)
INDENTED = CASES["texts"][0][1]


@pytest.mark.parametrize(("kind", "value", "quotes", "words"), CASES["values"])
def test_a_value_reads_the_same_as_a_model_and_as_json(kind, value, quotes, words):
    assert say_value(value, quotes) == words
    if kind:
        assert say_value(getattr(schemas, kind).model_validate(value), quotes) == words


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
    words = ("\\>= 1.0 x 10\\^9/L", "no fever", "9/L", ", no", "\\")
    starts = [raw.index(one) for one in words]
    marks = [
        Span("eligibility", start, start + len(one))
        for start, one in zip(starts, words, strict=True)
    ]
    marks.append(Span("title", 0, 1))  # which is not shown
    shown = view(record, (), marks, sections={"eligibility"})
    (section,) = shown["sections"]
    assert section["raw"] == raw
    found = [cut(section, start, end) for _, start, end, *_ in shown["spans"]]
    assert found == [">= 1.0 x 10^9/L", "no fever", "9/L", ", no"]
    assert shown["marks"] == [0, 1, 2, 3, None, None]


@pytest.mark.parametrize(("kind", "text"), CASES["texts"])
def test_a_given_text_is_shown_whole_and_each_quote_is_marked(kind, text):
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
            marked: dict[tuple[str, int, int], dict[tuple[int, int], str]] = {}
            for number in value["spans"]:
                _, start, end, *place, name = shown["spans"][number]
                key = (name, *place)
                part = {(start, end): cut(section, start, end)}
                marked[key] = marked.get(key, {}) | part
            for key, parts in marked.items():
                words = "".join(parts.values())
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
