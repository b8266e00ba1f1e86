"""How values read on every page, and that what a person types is read back."""

import pytest

from extractor.apps.pages.view import view
from extractor.apps.pages.words import say
from extractor.evidence.drafts import Span
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


@pytest.mark.parametrize(
    ("value", "quotes", "said"),
    [
        (Constraint(quantity="ECOG", comparator="between", value=0, value_high=2), ["ECOG 0-2"], "ECOG 0 to 2"),
        (Constraint(quantity="ANC", comparator=">=", value=1.5e9, unit="/L"), ["ANC \\>= 1.5 x 10\\^9/L"],
         "ANC ≥ 1.5 x 10^9 (1,500,000,000) /L"),
        (Constraint(quantity="platelets", comparator=">", value=75000), ["platelets over "
                                                                         "75000"], "platelets > 75,000"),
        (Constraint(quantity="ALT", comparator="<=", value=5, unit="x ULN", condition="with metastases"), [],
         "ALT ≤ 5 x ULN, with metastases"),
        (Amount(low=1, high=2, unit="mg"), ["1-2 mg"], "1 to 2 mg"),
        (Amount(low=5, high=5, unit="mg", arms=("Low \\> 1", "Both")), [], "5 mg (Low > 1, Both)"),
        (Amount(low=40, high=None, unit="mg"), [], "from 40 mg"),
        ({"low": 5, "unit": "mg"}, [], "from 5 mg"),
        (Period(value=1, unit="week"), [], "1 week"),
        (TimeWindow(quote="within 4 weeks", comparator="<=", value=4, unit="week"), ["within 4 weeks"], "≤ 4 weeks"),
        (TimeWindow(quote="10-20 days before", comparator="between", value=10, value_high=20, unit="day",
                    of="steroids", anchor="before biopsy"), [], "steroids: 10 to 20 days before "
                                                                "biopsy"),
        (TimeWindow(quote="5 half-lives", comparator=">=", value=1, unit="half_life"), [], "≥ 1 half-life"),
        (CriterionGroup(id="g1", rule="all"), [], "all of these"),
        (CriterionGroup(id="g1", rule="at_least", n=2, n_high=4, lead_in="Some of:"), [], "2 to 4 of “Some of:”"),
        ({"id": "g1", "rule": "at_least"}, [], "at least of these"),
        ({"id": "g1", "lead_in": None, "rule": None}, [], "group of these"),
        ({"quote": "after relapse", "comparator": None, "value": None, "unit": None}, [], "after relapse"),
        (Instrument(name="CTCAE", version="5.0"), [], "CTCAE 5.0"),
        ({"kind": "time_to_event", "lasts": {"value": 2, "unit": "week"}, "named": None}, [], "time to event, 2 weeks"),
        ((), [], "not stated"),
        # What a reviewer's request may hold, although no form writes it.
        ({"quantity": "x", "comparator": ">", "value": {"a": 1}, "value_high": None, "unit": ["b"]}, [], "x > 1 b"),
    ],
)  # fmt: skip
def test_a_value_reads_the_same_everywhere(value, quotes, said):
    assert say(value, quotes) == said
    if isinstance(value, Constraint):
        assert say(value.model_dump(mode="json"), quotes) == said


@pytest.mark.parametrize(
    ("path", "name", "words"),
    [("eligibility.criteria[1]", "exclusion criterion 2", "ANC ≥ 1.5 x 10^9 (1,500,000,000) /L"),
     ("eligibility.criteria[+7]", "added exclusion "
                                  "criterion", "ANC ≥ 1.5 x 10^9 (1,500,000,000) /L")],
)  # fmt: skip
def test_an_item_without_evidence_has_its_name_and_its_numbers_as_its_quote_writes_them(
    path, name, words
):
    limit = Constraint(quantity="ANC", comparator=">=", value=1.5e9, unit="/L")
    quote = "ANC \\>= 1.5 x 10\\^9/L"

    item = Criterion(
        kind="exclusion", section="eligibility", quote=quote, constraints=(limit,)
    )

    (shown,) = view(None, [(path, item)])["items"]
    assert shown["name"] == name
    assert words in [value["said"] for value in shown["values"]]


def test_marks_keep_their_characters_where_the_text_has_escapes_and_wide_characters():
    raw = "\N{GRINNING FACE} ANC \\>= 1.0 x 10\\^9/L, no fever"
    sections = (
        Section(name="eligibility", text=raw),
        Section(name="title", text="A trial"),
    )
    record = TrialRecord(
        record_id="A", source=Source(path="a", format="flat"), sections=sections
    )
    wanted = ("\\>= 1.0 x 10\\^9/L", "no fever", "9/L", ", no")
    marks = [
        Span("eligibility", raw.index(words), raw.index(words) + len(words))
        for words in wanted
    ]
    shown = view(record, (), marks, sections={"eligibility"})
    (section,) = shown["sections"]
    assert section["raw"] == raw
    text = section["text"].encode("utf-16-le")
    words = [
        text[2 * start : 2 * end].decode("utf-16-le")
        for _, start, end, *_ in shown["spans"]
    ]
    assert words == [">= 1.0 x 10^9/L", "no fever", "9/L", ", no"]
    assert shown["marks"] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("group", "parents", "chain"),
    [
        ("g2", {"g1": None, "g2": "g1"}, ["g1", "g2"]),
        (None, {"g1": None}, []),
        ("g9", {"g1": None}, []),  # what a reviewer may have removed
        ("g2", {"g1": "g2", "g2": "g1"}, ["g1", "g2"]),
    ],
)
def test_a_criterion_names_its_groups_from_the_outermost(group, parents, chain):
    groups = tuple(
        CriterionGroup(id=name, rule="any", parent=parent)
        for name, parent in parents.items()
    )

    criterion = Criterion(
        kind="inclusion", section="eligibility", quote="Fever", group=group
    )

    items = [
        ("eligibility", Eligibility(groups=groups)),
        ("eligibility.criteria[0]", criterion),
    ]
    assert view(None, items)["items"][1]["groups"] == [
        f"eligibility.groups[{int(name[1]) - 1}]" for name in chain
    ]
