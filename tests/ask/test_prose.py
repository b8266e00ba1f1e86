"""Criteria and endpoints that a model lists from running text: each is grounded, proven or
rejected, through the outermost door.
"""

import pytest
from pydantic import BaseModel

from extractor import Extractor, TrialRecord
from extractor.schemas import Section, Source
from tests.llm.stub import completion, items, serve
from tests.trust import read_lines

ABSTRACT = """A lotion for itch: a randomised trial.

BACKGROUND: Itch at night is common.

METHODS: Adults aged 18 to 70 years with eczema were randomly assigned to drugamide 5 mg orally \
once daily or placebo. A stroke in the last 6 months ruled people out. The primary outcome was the \
change in itch score at week 12. Nights without waking counted as a secondary outcome, as did use \
of rescue cream by week 24.

RESULTS: Of 204 patients, 12 left. Sleep was better at week 12.
"""
ADULTS = "Adults aged 18 to 70 years with eczema"
STROKE = "A stroke in the last 6 months"
ITCH = {"quote": "the change in itch score", "rank": "primary"}
NIGHTS = {"quote": "Nights without waking", "rank": "secondary"}


def listing(*given):
    """A stand-in for a model that gives these items for the first passage that holds their quote,
    or else for the last one.
    """

    def answer(request):
        lines = [
            line
            for line in read_lines(request)
            if {"criteria", "endpoints"} & {*line.asked}
        ]
        found = []
        for item in given:
            words = str(item.get("quote", ""))
            holding = [line for line in lines if words in line.text]
            found.append({"n": (holding or lines)[0].number, **item})
        return completion(items(*found))

    return answer


def extract(*given, text=ABSTRACT, **options):
    with serve(listing(*given)) as stub:
        extraction = Extractor(f"{stub.url}#stub", **options).extract_text(text)
    for _, item in extraction.list_items():
        for piece in item.evidence:
            assert piece.quote
    return extraction


def list_endpoints(extraction):
    return [
        (each.rank.value, each.measure, each.time_frame)
        for each in extraction.endpoints
    ]


def find_messages(extraction, kind):
    return [each.message for each in extraction.findings if each.kind == kind]


def most_sure(item):
    return max(piece.confidence for piece in item.evidence)


def test_a_passage_of_prose_asks_for_lists_and_a_listed_record_does_not():
    seen = []

    def answer(request):
        seen.append({" ".join(line.asked) for line in read_lines(request)})
        return completion(items())

    listed = f"{ABSTRACT}\nInclusion Criteria:\n- Eczema\n\nPrimary outcomes:\n- Itch, day 3\n"
    with serve(answer) as stub:
        extractor = Extractor(f"{stub.url}#stub")
        extractor.extract_text(ABSTRACT)
        extractor.extract_text(listed)

    assert "criteria endpoints regimens people" in seen[0]
    assert not any("criteria" in asked.split() for asked in seen[1])


def test_what_a_model_lists_has_its_place_its_values_and_its_time():
    extraction = extract(
        {
            "quote": ADULTS,
            "list": "in",
            "cat": "diagnosis",
            "limits": ["aged: 18-70 years"],
        },
        {
            "quote": STROKE,
            "list": "ex",
            "cat": "comorbidity",
            "windows": ["in the last 6 months | <= 6 month | stroke"],
        },
        {
            **ITCH,
            "time_frame": "at week 12",
            "concept": "symptoms",
            "times": ["12 week"],
        },
        {**NIGHTS, "concept": "event"},
        {
            "quote": "use of rescue cream",
            "rank": "secondary",
            "time_frame": "by week 24",
            "concept": "medication",
            "times": ["24 week"],
            "span": "up_to",
        },
    )

    criteria = extraction.eligibility.criteria
    assert [(each.kind.value, each.quote) for each in criteria] == [
        ("inclusion", ADULTS),
        ("exclusion", STROKE),
    ]
    [stroke] = [each for each in criteria if each.quote == STROKE]
    assert [window.value for window in stroke.time_windows] == [6]
    assert list_endpoints(extraction) == [
        ("primary", "change in itch score", "at week 12"),
        ("secondary", "Nights without waking", None),
        ("secondary", "use of rescue cream", "by week 24"),
    ]
    rescue = extraction.endpoints[-1]
    assert [(point.value, point.unit) for point in rescue.time_points] == [(24, "week")]
    # the rules read none of these sentences
    for item in (stroke, rescue):
        assert most_sure(item) < 0.85
    assert not find_messages(extraction, "quote_not_found")


def test_only_what_the_rules_read_alike_is_sure():
    item = {**ITCH, "time_frame": "at week 12"}
    agreed = extract(item, NIGHTS).endpoints
    assert agreed[0].measure == "change in itch score"
    assert [most_sure(each) >= 0.85 for each in agreed[:2]] == [True, False]


@pytest.mark.parametrize(
    ("lie", "field"),
    [
        ({"quote": "smokers", "list": "ex", "cat": "lifestyle"}, "quote"),
        ({"quote": "A stroke in the last 9 months", "list": "ex"}, "quote"),
        (
            {
                "quote": "death within 30 days",
                "rank": "primary",
                "concept": "mortality",
            },
            "quote",
        ),
        ({"rank": "primary", "concept": "OS"}, "an item"),
        ({**ITCH, "time_frame": "at week 99"}, "time_frame"),
        ({"quote": ABSTRACT[40:1000], "list": "in"}, "quote"),
        ({"quote": "the", "list": "in"}, "quote"),
        ({"quote": "primary outcome", "rank": "primary"}, "quote"),
        ({"quote": ["itch"], "rank": "primary"}, "quote"),
        ({**ITCH, "rank": "tertiary"}, "rank"),
        ({**ITCH, "time_frame": 12}, "time_frame"),
    ],
)
def test_a_quote_that_the_text_lacks_is_rejected(lie, field):
    by_rules = Extractor().extract_text(ABSTRACT)
    extraction = extract(lie)

    rejected = [
        f"{each.field}: {each.message}"
        for each in extraction.findings
        if each.kind in ("quote_not_found", "quote_conflict", "value_not_in_quote")
    ]
    assert len(rejected) == 1
    assert field in rejected[0]
    assert rejected[0].endswith("it was rejected")
    assert list_endpoints(extraction) == list_endpoints(by_rules)
    quotes = [each.quote for each in by_rules.eligibility.criteria]
    assert [each.quote for each in extraction.eligibility.criteria] == quotes


@pytest.mark.parametrize(
    ("given", "rank"),
    [
        # the text calls it secondary
        ([{**NIGHTS, "rank": "primary"}], "primary"),
        # no words call it anything
        ([{"quote": "Itch at night", "rank": "secondary"}], "secondary"),
        # two answers: that of the text counts
        ([{**NIGHTS, "rank": "primary"}, NIGHTS], "secondary"),
        ([ITCH, {**ITCH, "rank": "secondary"}], "primary"),
    ],
)
def test_a_rank_that_the_text_does_not_give_is_doubted(given, rank):
    extraction = extract(*given)
    words = given[0]["quote"].removeprefix("the ")
    [endpoint] = [each for each in extraction.endpoints if each.measure == words]
    assert endpoint.rank == rank
    assert most_sure(endpoint) <= 0.5
    assert any(
        "primary" in each or "secondary" in each for each in _list_doubts(extraction)
    )


def _list_doubts(extraction):
    kinds = ("answer_unconfirmed", "value_not_in_quote")
    return [message for kind in kinds for message in find_messages(extraction, kind)]


def test_a_list_that_contradicts_the_sentence_is_doubted():
    extraction = extract({"quote": ADULTS, "list": "ex"})
    [criterion] = extraction.eligibility.criteria
    assert criterion.confidence < 0.85
    assert find_messages(extraction, "structure_doubtful") == [
        "the model names another list than the sentence"
    ]


def test_what_the_rules_read_and_a_model_leaves_out_is_kept_and_told():
    extraction = extract({"quote": ADULTS, "list": "in"})
    assert ("primary", "change in itch score", "at week 12") in list_endpoints(
        extraction
    )
    assert any(
        "skipped it" in each for each in find_messages(extraction, "line_unanswered")
    )


class Cause(BaseModel, json_schema_extra={"of": "criterion"}):
    """What a criterion is about."""

    name: str


class Rater(BaseModel, json_schema_extra={"of": "endpoint"}):
    """What an endpoint counts."""

    name: str


@pytest.mark.parametrize(
    ("stated", "quote", "kept"),
    [
        ("People with gout", "gout", ["gout"]),
        (
            "People aged 40 years with gout",
            "gout",
            ["People aged 40 years with gout", "gout"],
        ),
        ("A stroke", "gout", ["A stroke", "gout"]),
    ],
)
def test_a_quote_takes_the_place_of_words_that_say_no_more(stated, quote, kept):
    text = (
        f"METHODS: {stated} were excluded. Any gout is bad.\n\nRESULTS: 9 of 30 left."
    )
    extraction = extract({"quote": quote, "list": "ex"}, text=text)
    assert [each.quote for each in extraction.eligibility.criteria] == kept


def test_fields_of_a_user_travel_with_the_items_of_a_list():
    extraction = extract(
        {"quote": STROKE, "list": "ex", "cause": {"quote": "stroke", "name": "stroke"}},
        {**NIGHTS, "rater": {"quote": "Nights", "name": "Nights"}},
        {**ITCH, "rater": {"quote": "Days", "name": "Days"}},
        fields=[Cause, Rater],
    )
    found = {
        name: [(item.values["name"], item.of) for item in items]
        for name, items in extraction.custom.items()
    }
    [[stroke, of_criterion]] = found["cause"]
    [[nights, of_endpoint]] = found["rater"]
    assert (stroke, nights) == ("stroke", "Nights")
    assert of_criterion.startswith("eligibility.criteria[")
    assert of_endpoint.startswith("endpoints[")


def test_the_same_words_twice_are_two_places():
    text = ABSTRACT.replace("use of rescue cream", "itch score")
    extraction = extract(
        {"quote": "the change in itch score", "rank": "primary"},
        {"quote": "itch score", "rank": "secondary"},
        text=text,
    )
    places = {
        (piece.start, piece.end)
        for each in extraction.endpoints
        for piece in each.evidence
        if piece.field == "measure"
    }
    assert len(places) == 2


def test_what_an_abstract_repeats_is_one_item():
    whole = "The primary outcome was the change in itch score at week 12. People with gout were excluded."
    record = TrialRecord(
        record_id="T1",
        source=Source(path="t", format="jats_xml"),
        sections=(
            Section(name="brief_summary", text=whole),
            Section(
                name="detailed_description", text=f"{whole} Itch was rated at home."
            ),
        ),
    )
    gout = {"quote": "People with gout", "list": "ex"}

    def answer(request):
        lines = [line for line in read_lines(request) if "endpoints" in line.asked]
        given = [{"n": line.number, **item} for line in lines for item in (ITCH, gout)]
        return completion(items(*given))

    with serve(answer) as stub:
        extraction = Extractor(f"{stub.url}#stub").extract(record)
    assert [each[:2] for each in list_endpoints(extraction)] == [
        ("primary", "change in itch score")
    ]
    assert [each.quote for each in extraction.eligibility.criteria] == [
        "People with gout"
    ]


def test_a_registered_record_lists_nothing_from_its_summary():
    record = TrialRecord(
        record_id="T1",
        source=Source(path="t", format="ctgov_json"),
        sections=(Section(name="brief_summary", text=ABSTRACT),),
    )
    asked = []

    def answer(request):
        asked.extend(read_lines(request))
        return completion(items())

    with serve(answer) as stub:
        Extractor(f"{stub.url}#stub").extract(record)
    assert not any({"criteria", "endpoints"} & {*line.asked} for line in asked)
