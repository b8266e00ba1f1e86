"""Registered words in one spelling, whatever the format writes."""

import pytest

from extractor.schemas import RegistryFields
from extractor.schemas.registered_words import list_words, unify_word


@pytest.mark.parametrize(
    ("field", "spellings", "word"),
    [
        (
            "sex",
            ["Female", "FEMALE", "female", "F", "Females", "Female: yes\nMale: no"],
            "FEMALE",
        ),
        (
            "sex",
            [
                "Both",
                "All",
                "BOTH",
                "Male, Female",
                "Both, male and female",
                "Female: yes\nMale: yes",
            ],
            "ALL",
        ),
        (
            "healthy_volunteers",
            ["Yes", "true", "t", "Accepts Healthy Volunteers"],
            "true",
        ),
        (
            "healthy_volunteers",
            ["No", "false", "f", "Does not accept healthy volunteers"],
            "false",
        ),
        (
            "enrollment_type",
            ["Anticipated", "ESTIMATED", "Estimate", "Planned"],
            "ESTIMATED",
        ),
        (
            "study_type",
            ["Interventional", "Interventional study", "INTERVENTIONAL"],
            "INTERVENTIONAL",
        ),
        (
            "study_type",
            ["Observational", "Observational [Patient Registry]"],
            "OBSERVATIONAL",
        ),
        ("study_type", ["Expanded Access"], "EXPANDED_ACCESS"),
        (
            "allocation",
            ["Randomised", "Randomized", "Randomised controlled trial"],
            "RANDOMIZED",
        ),
        (
            "allocation",
            ["Non-Randomized", "NON_RANDOMIZED", "Nonrandomised", "Not randomised"],
            "NON_RANDOMIZED",
        ),
        ("allocation", ["N/A", "NA", "Not applicable"], "NA"),
        (
            "assignment",
            ["Crossover Assignment", "Cross-over", "CROSSOVER"],
            "CROSSOVER",
        ),
        ("assignment", ["Single Group Assignment", "SINGLE_GROUP"], "SINGLE_GROUP"),
        ("primary_purpose", ["Educational/Counseling/Training", "ECT"], "ECT"),
        ("primary_purpose", ["Supportive Care", "SUPPORTIVE_CARE"], "SUPPORTIVE_CARE"),
        (
            "status",
            ["Active, not recruiting", "ACTIVE_NOT_RECRUITING"],
            "ACTIVE_NOT_RECRUITING",
        ),
        ("status", ["Unknown status", "UNKNOWN"], "UNKNOWN"),
        ("masking", ["None (Open Label)", "Open Label", "Open", "NONE"], "NONE"),
        ("masking", ["Double", "Double-Blind", "double blinded", "DOUBLE"], "DOUBLE"),
    ],
)
def test_a_word_has_one_spelling(field, spellings, word):
    read = {
        spelling: getattr(RegistryFields.model_validate({field: spelling}), field)
        for spelling in spellings
    }

    assert read == dict.fromkeys(spellings, word)


@pytest.mark.parametrize(
    ("written", "phases"),
    [
        (["Phase 3"], ["PHASE3"]),
        (["PHASE2", "PHASE3"], ["PHASE2", "PHASE3"]),
        (["Phase 2/Phase 3"], ["PHASE2", "PHASE3"]),
        (["PHASE1|PHASE2"], ["PHASE1", "PHASE2"]),
        (["Phase I/II"], ["PHASE1", "PHASE2"]),
        (["1-2"], ["PHASE1", "PHASE2"]),
        (["Phase IIb"], ["PHASE2"]),
        (["Phase 2a / Phase 2b"], ["PHASE2"]),
        (["Early Phase 1"], ["EARLY_PHASE1"]),
        (["EARLY_PHASE1"], ["EARLY_PHASE1"]),
        (["Phase 0"], ["EARLY_PHASE1"]),
        (["N/A"], ["NA"]),
        (["Not Applicable"], ["NA"]),
        (["-"], []),
        (["Phase II and Phase III (Integrated)"], ["PHASE2", "PHASE3"]),
        (["Human pharmacology (Phase I)- First administration to humans"], ["PHASE1"]),
        (
            ["Human pharmacology (Phase I): no\nTherapeutic exploratory (Phase II): no\n"
             "Therapeutic confirmatory - (Phase III): yes\nTherapeutic use (Phase IV): no"],
            ["PHASE3"],
        ),
        (["Post-market"], ["Post-market"]),
    ],
)  # fmt: skip
def test_phases_are_read_from_every_wording(written, phases):
    assert RegistryFields(phases=tuple(written)).phases == tuple(phases)


@pytest.mark.parametrize(
    ("written", "degree", "who"),
    [
        ("Double (Participant, Investigator)", "DOUBLE", ("PARTICIPANT", "INVESTIGATOR")),
        ("Triple (Participant, Care Provider, Outcomes Assessor)", "TRIPLE",
         ("PARTICIPANT", "CARE_PROVIDER", "OUTCOMES_ASSESSOR")),
        ("Double Blind (Subject, Caregiver)", "DOUBLE", ("PARTICIPANT", "CARE_PROVIDER")),
        ("Double Blind (masked roles unspecified)", "DOUBLE", ()),
        ("None (Open Label)", "NONE", ()),
        ("Open (masking not used)", "NONE", ()),
        ("Blinded (masking used)", "Blinded (masking used)", ()),
    ],
)  # fmt: skip
def test_masking_and_who_is_masked_are_told_apart(written, degree, who):
    fields = RegistryFields(masking=written)

    assert (fields.masking, fields.who_masked) == (degree, who)


def test_who_is_masked_stands_where_the_format_has_a_field_for_it():
    fields = RegistryFields(
        masking="DOUBLE (PARTICIPANT)", who_masked=("Investigator",)
    )

    assert fields.masking == "DOUBLE"
    assert fields.who_masked == ("INVESTIGATOR",)


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("March 2019", "2019-03"),
        ("March 5, 2019", "2019-03-05"),
        ("5 March 2019", "2019-03-05"),
        ("05-Mar-2019", "2019-03-05"),
        ("2019-03-05", "2019-03-05"),
        ("2019-03-05T00:00:00.000Z", "2019-03-05"),
        ("2019/03/05", "2019-03-05"),
        ("20190305", "2019-03-05"),
        ("2019", "2019"),
        ("25/03/2019", "2019-03-25"),
        ("03/25/2019", "2019-03-25"),
        ("05.03.2019", "2019-03-05"),
        ("05/03/2019", "05/03/2019"),  # the fifth of March, or the third of May
        ("201903", "201903"),
        ("soon", "soon"),
    ],
)
def test_dates_are_iso_if_they_are_one_date(written, day):
    assert RegistryFields(start_date=written).start_date == day


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("status", "Not Recruiting"),
        ("sex", "Women after menopause"),
        ("allocation", "Minimisation"),
    ],
)
def test_a_word_that_is_not_known_stays_as_written(field, written):
    assert getattr(RegistryFields.model_validate({field: written}), field) == written


@pytest.mark.parametrize(
    ("field", "written", "word"),
    [
        ("arm_type", "Placebo Comparator", "PLACEBO_COMPARATOR"),
        ("arm_type", "No Intervention", "NO_INTERVENTION"),
        ("intervention_type", "Dietary Supplement", "DIETARY_SUPPLEMENT"),
        ("intervention_type", "Biological/Vaccine", "BIOLOGICAL"),
        ("intervention_type", "Procedure/Surgery", "PROCEDURE"),
    ],
)
def test_types_of_arms_and_interventions_have_one_spelling(field, written, word):
    assert unify_word(field, written) == word


def test_a_word_of_api_v2_is_itself():
    fields = (
        "sex",
        "status",
        "masking",
        "who_masked",
        "arm_type",
        "intervention_type",
        "primary_purpose",
    )

    assert all(
        unify_word(field, word) == word
        for field in fields
        for word in list_words(field)
    )
