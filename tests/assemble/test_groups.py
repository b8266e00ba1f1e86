"""Groups of criteria, as the text and a model's answers make them."""

from collections import defaultdict
from dataclasses import replace

import pytest

from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.doubtful import drop_doubtful
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Reading
from extractor.schemas import CriterionGroup, Origin, TrialExtraction
from tests.trust import trial

TREE = """Inclusion Criteria:

* Consent
* High risk, at least two of:

  * Age over 60
  * Diabetes
  * One of:

    * Stroke
    * Infarction
"""


def parse(text):
    return parse_record(trial(eligibility=text))


def show(extraction):
    """Each group with its rule, line and parent, and the criteria in it; None has those of no
    group.
    """
    eligibility = extraction.eligibility
    items = defaultdict(list)
    for criterion in eligibility.criteria:
        items[criterion.group].append(criterion.quote)
    groups = {
        group.id: (str(group), group.lead_in, group.parent, items[group.id])
        for group in eligibility.groups
    }
    return groups, items[None]


def extract(text):
    return assemble_extraction(parse(text), ModelResult())


@pytest.mark.parametrize(
    ("text", "groups", "alone"),
    [
        (
            TREE,
            {
                "g1": ("at least 2 of", "High risk, at least two "
                                        "of:", None, ["Age over 60", "Diabetes"]),
                "g2": ("any of", "One of:", "g1", ["Stroke", "Infarction"]),
            },
            ["Consent"],
        ),
        # The whole lists are no groups, and headings make none.
        ("Inclusion Criteria:\n\nPatients must meet all of these:\n\n* Asthma\n* "
         "Consent", {}, ["Asthma", "Consent"]),
        # A criterion that introduces others is no item of their group.
        (
            "Inclusion Criteria:\n\n* Age 18-60 with any of the following:\n\n  * Asthma\n  * "
            "Eczema\n* Consent",
            {"g1": ("any of", "Age 18-60 with any of the following:", None, ["Asthma", "Eczema"])},
            ["Age 18-60 with any of the following:", "Consent"],
        ),
        # A line over a single criterion says nothing of how it belongs together with others.
        ("Inclusion Criteria:\n\n* Risk, defined as:\n\n  * Age over 60\n* "
         "Consent", {}, ["Age over 60", "Consent"]),
        # The same line in both lists introduces two groups.
        (
            "Inclusion Criteria:\n\nHealthy controls:\n\n* Sleep well\n* Eat well\n\nExclusion "
            "Criteria:\n\n"
            "Healthy controls:\n\n* Smoking\n* Snoring",
            {
                "g1": ("all of", "Healthy controls:", None, ["Sleep well", "Eat well"]),
                "g2": ("any of", "Healthy controls:", None, ["Smoking", "Snoring"]),
            },
            [],
        ),
    ],
)  # fmt: skip
def test_lines_make_groups(text, groups, alone):
    assert show(extract(text)) == (groups, alone)


@pytest.mark.parametrize(
    ("text", "rule", "items"),
    [
        ("* Consent\n* Asthma, or\n* Eczema", "any of", ["Asthma, or", "Eczema"]),
        ("* Asthma\n\nOR\n\n* Eczema\n* Consent", "any of", ["Asthma", "Eczema"]),
        ("* Asthma\n* OR\n* Eczema", "any of", ["Asthma", "Eczema"]),
        ("* Asthma\n* or eczema\n* Consent", "any of", ["Asthma", "or eczema"]),
        ("1. Asthma and/or\n2. Eczema", "any of", ["Asthma and/or", "Eczema"]),
        ("* Part A: adults\n* Part B: children\n* Consent", "any of", ["Part A: adults", "Part B: children"]),
        ("* Men over 55 years\n* Women over 65 years", "any of", ["Men over 55 "
                                                                  "years", "Women over 65 years"]),
        ("* For old patients: A\n* For new patients: B", "any of", ["For old patients: "
                                                                    "A", "For new patients: B"]),
    ],
)  # fmt: skip
def test_alternatives_without_a_line_are_a_group(text, rule, items):
    groups, _ = show(extract(f"Inclusion Criteria:\n\n{text}"))
    assert groups == {"g1": (rule, None, None, items)}


@pytest.mark.parametrize(
    "text",
    [
        "Inclusion Criteria:\n\n* Asthma and\n* Eczema",
        "Inclusion Criteria:\n\n* Grade 0 or 1.\n* Consent",
        "Inclusion Criteria:\n\n* Asthma\n* < or = 6 hours of sleep",
        "Inclusion Criteria:\n\n* Men must use condoms\n* Women must use a pill",
        "Inclusion Criteria:\n\n* Part A: adults\n* Part A: consent",
        "Exclusion Criteria:\n\n* Asthma, or\n* Eczema",
        "Exclusion Criteria:\n\n* Part A: adults\n* Part B: children",
        "Exclusion Criteria:\n\n* Asthma;\n* Gout; and\n* Eczema",
        "Inclusion Criteria:\n\n* Asthma or\n\nExclusion Criteria:\n\n* Eczema",
    ],
)
def test_criteria_that_hold_as_their_list_says_are_no_group(text):
    assert extract(text).eligibility.groups == ()


def test_exclusions_joined_by_a_strong_and_are_wanted_together():
    assert show(extract("Exclusion Criteria:\n\n* Gout\n* Asthma\n\nAND\n\n* Eczema"))[
        0
    ] == {"g1": ("all of", None, None, ["Asthma", "Eczema"])}


def test_groups_of_people_are_alternatives_with_criteria_of_their_own():
    text = (
        "Inclusion Criteria:\n\n* Healthy men:\n\n  * Tall\n  * Old\n* Healthy women:\n\n  * "
        "Small\n  * Young\n"
    )
    assert show(extract(text))[0] == {
        "g1": ("any of", None, None, []),
        "g2": ("all of", "Healthy men:", "g1", ["Tall", "Old"]),
        "g3": ("all of", "Healthy women:", "g1", ["Small", "Young"]),
    }


def test_a_group_has_its_line_and_the_words_of_its_rule_as_evidence():
    eligibility = extract(TREE).eligibility
    proofs = {piece.field: piece.quote for piece in eligibility.evidence}

    assert proofs["groups[0].lead_in"] == "High risk, at least two of:"
    assert proofs["groups[0].rule"] == "at least two of:"
    assert proofs["groups[1].lead_in"] == proofs["groups[1].rule"] == "One of:"
    assert all(
        TREE[piece.start : piece.end] == piece.quote for piece in eligibility.evidence
    )


def answer(parsed, **said):
    """Answers of a model about lines that begin so, by field."""
    drafts = []
    for draft in parsed.criteria:
        begun = next(
            (
                readings
                for start, readings in said.items()
                if draft.chunk.text.startswith(start)
            ),
            {},
        )
        drafts += [replace(draft, model=begun)] if begun else []
    return assemble_extraction(parsed, ModelResult(tuple(drafts)))


def model(value, *spans):
    return Reading(value, 0.9, spans, origin=Origin.MODEL)


def test_a_model_says_how_many_must_hold_and_under_which_line_they_stand():
    parsed = parse(
        "Inclusion Criteria:\n\n* Risk, shown as follows:\n\n  * Stroke\n  * Gout\n* Asthma\n* "
        "Consent"
    )
    line, *items = (criterion.span for criterion in parsed.criteria)
    rule = CriterionGroup(id="", rule="at_least", n=2)
    extraction = answer(
        parsed,
        Risk={"rule": model(rule, line)},
        Asthma={"lead_in": model("Risk, shown as follows:", line)},
        Consent={"lead_in": model("Gout", items[1])},
    )

    groups, alone = show(extraction)

    assert groups == {
        "g1": (
            "at least 2 of",
            "Risk, shown as follows:",
            None,
            ["Stroke", "Gout", "Asthma", "Consent"],
        )
    }
    assert alone == []
    assert {
        piece.origin for piece in extraction.eligibility.evidence_for("groups[0].rule")
    } == {Origin.MODEL}


def test_a_group_that_is_dropped_for_doubt_leaves_its_members_to_the_one_around():
    extraction = extract(TREE)
    evidence = tuple(
        piece.model_copy(
            update={"confidence": 0.1 if piece.field == "groups[0].rule" else 0.9}
        )
        for piece in extraction.eligibility.evidence
    )
    doubtful = extraction.eligibility.model_copy(update={"evidence": evidence})

    left = drop_doubtful(extraction.model_copy(update={"eligibility": doubtful}), 0.5)

    assert show(left)[0] == {
        "g2": ("any of", "One of:", None, ["Stroke", "Infarction"])
    }
    assert [piece.field for piece in left.eligibility.evidence_for("groups")] == [
        "groups[0].lead_in",
        "groups[0].rule",
    ]
    assert TrialExtraction.model_validate(left.model_dump()) == left
