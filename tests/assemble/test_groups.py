"""Groups of criteria, from the text and from a model's answers."""

from collections import defaultdict
from dataclasses import replace

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


def test_a_group_has_its_line_and_the_words_of_its_rule_as_evidence():
    eligibility = extract(TREE).eligibility
    proofs = {piece.field: piece.quote for piece in eligibility.evidence}
    assert proofs["groups[0].lead_in"] == "High risk, at least two of:"
    assert proofs["groups[0].rule"] == "at least two of:"
    assert proofs["groups[1].lead_in"] == proofs["groups[1].rule"] == "One of:"
    for piece in eligibility.evidence:
        assert TREE[piece.start : piece.end] == piece.quote


def model(value, *spans):
    return Reading(value, spans=spans, origin=Origin.MODEL, weighed=0.9)


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

    items = ["Stroke", "Gout", "Asthma"]
    groups = [
        ["g1", "at least 2 of", "Risk, shown as follows:", "", items],
        ["g2", "all of", "Gout", "g1", ["Consent"]],
    ]
    assert show(extraction) == (groups, [])
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
