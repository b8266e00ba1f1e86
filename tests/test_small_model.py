"""A weak model must not spoil what the rules are sure of."""

from pathlib import Path

from extractor import Extractor, read_records
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.concepts.parse import parse_record
from tests.llm.stub import serve
from tests.trust import answering

ROOT = Path(__file__).parents[1]
MONOTONOUS = answering(
    {
        "": {
            "concept": "OS",
            "domain": "efficacy",
            "span": "at",
            "cat": "other",
            "list": "ex",
        }
    }
)
"""What a weak model does: every outcome is overall survival, efficacy, at named moments; every
criterion excludes.
"""


def test_no_answer_is_sure_that_contradicts_a_value_of_which_the_rules_are_sure():
    with serve(MONOTONOUS) as stub:
        extractor = Extractor(stub.spec)
        for record in read_records(str(ROOT / "seeds" / "records")):
            found = dict(extractor.extract(record).list_items())
            for path, item in assemble_extraction(
                parse_record(record), ModelResult()
            ).list_items():
                for piece in item.evidence:
                    name = piece.field.partition("[")[0]
                    if piece.confidence < 0.975:
                        continue
                    if found[path].value_of(name) != item.value_of(name):
                        answered = found[path].evidence_for(name)
                        sure = [one for one in answered if one.confidence >= 0.85]
                        assert not sure, (path, name)
    assert stub.requests
