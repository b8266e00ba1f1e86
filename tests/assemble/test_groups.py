"""Groups of criteria, from the text and from a model's answers."""

import tomllib
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.assembly.doubtful import drop_doubtful
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Reading
from extractor.schemas import CriterionGroup, Origin, TrialExtraction
from tests.trust import trial

TABLES = tomllib.loads(Path(__file__).with_name("groups.toml").read_text("utf-8"))
TREE = TABLES["lines"][0]["text"]


def parse(text):
    return parse_record(trial(eligibility=text))


def extract(text):
    return assemble_extraction(parse(text), ModelResult())


def show(extraction):
    """Each group with its rule, line, parent and criteria, and the criteria of no group."""
    eligibility = extraction.eligibility
    items = defaultdict(list)
    for criterion in eligibility.criteria:
        items[criterion.group].append(criterion.quote)
    groups = [
        [one.id, str(one), one.lead_in or "", one.parent or "", items[one.id]]
        for one in eligibility.groups
    ]
    return groups, items[None]


@pytest.mark.parametrize("case", TABLES["lines"])
def test_lines_make_groups(case):
    assert show(extract(case["text"])) == (case["groups"], case["alone"])


@pytest.mark.parametrize(("text", "rule", "items"), TABLES["alternatives"])
def test_alternatives_without_a_line_are_a_group(text, rule, items):
    groups, _ = show(extract(f"Inclusion Criteria:\n\n{text}"))
    assert groups == [["g1", rule, "", "", items]]


@pytest.mark.parametrize("text", TABLES["none"])
def test_criteria_that_hold_as_their_list_says_are_no_group(text):
    assert extract(text).eligibility.groups == ()


def test_exclusions_joined_by_a_strong_and_are_wanted_together():
    text = "Exclusion Criteria:\n\n* Gout\n* Asthma\n\nAND\n\n* Eczema"
    groups, _ = show(extract(text))
    assert groups == [["g1", "all of", "", "", ["Asthma", "Eczema"]]]


def test_groups_of_people_are_alternatives_with_criteria_of_their_own():
    text = (
        "Inclusion Criteria:\n\n* Healthy men:\n\n  * Tall\n  * Old\n* Healthy women:\n\n  * "
        "Small\n  * Young\n"
    )
    groups, _ = show(extract(text))
    assert groups == [
        ["g1", "any of", "", "", []],
        ["g2", "all of", "Healthy men:", "g1", ["Tall", "Old"]],
        ["g3", "all of", "Healthy women:", "g1", ["Small", "Young"]],
    ]


def test_a_group_has_its_line_and_the_words_of_its_rule_as_evidence():
    eligibility = extract(TREE).eligibility
    proofs = {piece.field: piece.quote for piece in eligibility.evidence}
    assert proofs["groups[0].lead_in"] == "High risk, at least two of:"
    assert proofs["groups[0].rule"] == "at least two of:"
    assert proofs["groups[1].lead_in"] == proofs["groups[1].rule"] == "One of:"
    for piece in eligibility.evidence:
        assert TREE[piece.start : piece.end] == piece.quote


def model(value, *spans):
    return Reading(value, 0.9, spans, origin=Origin.MODEL)


def test_a_model_says_how_many_must_hold_and_under_which_line_they_stand():
    parsed = parse(
        "Inclusion Criteria:\n\n* Risk, shown as follows:\n\n  * Stroke\n  * Gout\n* Asthma\n* "
        "Consent"
    )
    line, _, gout, asthma, consent = parsed.criteria
    rule = CriterionGroup(id="", rule="at_least", n=2)
    answers = (
        (line, {"rule": model(rule, line.span)}),
        (asthma, {"lead_in": model("Risk, shown as follows:", line.span)}),
        (consent, {"lead_in": model("Gout", gout.span)}),
    )
    drafts = tuple(replace(draft, model=readings) for draft, readings in answers)

    extraction = assemble_extraction(parsed, ModelResult(drafts))

    items = ["Stroke", "Gout", "Asthma", "Consent"]
    group = ["g1", "at least 2 of", "Risk, shown as follows:", "", items]
    assert show(extraction) == ([group], [])
    (proof,) = extraction.eligibility.evidence_for("groups[0].rule")
    assert proof.origin is Origin.MODEL


def test_a_group_that_is_dropped_for_doubt_leaves_its_members_to_the_one_around():
    extraction = extract(TREE)
    evidence = []
    for piece in extraction.eligibility.evidence:
        sure = 0.1 if piece.field == "groups[0].rule" else 0.9
        evidence.append(piece.model_copy(update={"confidence": sure}))
    doubtful = extraction.eligibility.model_copy(update={"evidence": tuple(evidence)})

    left = drop_doubtful(extraction.model_copy(update={"eligibility": doubtful}), 0.5)

    groups, _ = show(left)
    assert groups == [["g2", "any of", "One of:", "", ["Stroke", "Infarction"]]]
    proofs = left.eligibility.evidence_for("groups")
    assert [one.field for one in proofs] == ["groups[0].lead_in", "groups[0].rule"]
    assert TrialExtraction.model_validate(left.model_dump()) == left
