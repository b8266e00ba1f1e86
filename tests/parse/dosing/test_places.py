"""Which of the statements about one way of giving is quoted."""

from extractor.parse.dosing import read_statements
from extractor.parse.dosing.agents import build_lexicon
from extractor.parse.dosing.facts import Statement
from extractor.parse.dosing.merging import merge_statements
from extractor.parse.dosing.passages import list_passages
from extractor.parse.dosing.places import describe_places, list_places
from extractor.text.passage import read_section

from .records import make_record, make_section, read

_ARM = make_section(
    "arms[0]", label="Treatment", type="EXPERIMENTAL", description="Examplumab 300 mg IV on days 1 and 8 for 6 weeks"
)


def _merge(intervention: str) -> Statement:
    sections = (_ARM, make_section("interventions[0]", type="DRUG", name="Examplumab", description=intervention))
    groups, others = list_passages(
        make_record(*sections), {one.name: read_section(one.name, one.text) for one in sections}
    )
    (merged,) = merge_statements(read_statements(groups, others, build_lexicon(groups, others)))
    return merged


def test_the_statement_that_says_more_is_quoted() -> None:
    (regimen,) = read(
        _ARM, make_section("interventions[0]", type="DRUG", name="Examplumab", description="300 mg")
    ).regimens
    assert regimen.quote.section == "arms[0]"


def test_what_has_no_dose_is_not_quoted_for_one() -> None:
    assert [one.section for one in list_places(_merge("Examplumab is given IV"))] == ["arms[0]"]
    assert {one.section for one in list_places(_merge("300 mg"))} == {"arms[0]", "interventions[0]"}


def test_features_tell_what_one_statement_says_and_the_other_does_not() -> None:
    merged = _merge("300 mg")
    candidates = list_places(merged)
    told = describe_places(candidates, merged)
    features = {one.section: names for one, names in zip(candidates, told, strict=True)}
    assert "has days" in features["arms[0]"]
    assert "lacks days" in features["interventions[0]"]
    assert "own passage" in features["interventions[0]"]


def test_facts_of_all_statements_stay_wherever_it_is_quoted() -> None:
    merged = _merge("300 mg by intravenous infusion")
    assert merged.days
    assert merged.length
    assert merged.route
