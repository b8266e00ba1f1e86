"""Registered words in one spelling, whatever the format writes."""

import tomllib
from pathlib import Path

import pytest

from extractor.schemas import RegistryFields
from extractor.schemas.registered_words import list_registered_words, unify_word

FILE = Path(__file__).with_name("registered_words.toml")
TABLES = tomllib.loads(FILE.read_text("utf-8"))
FIELDS = (
    "sex",
    "status",
    "masking",
    "who_masked",
    "arm_type",
    "intervention_type",
    "primary_purpose",
)


@pytest.mark.parametrize(("field", "word", "spellings"), TABLES["words"])
def test_a_word_has_one_spelling(field, word, spellings):
    read = {
        spelling: getattr(RegistryFields.model_validate({field: spelling}), field)
        for spelling in spellings
    }
    assert read == dict.fromkeys(spellings, word)


@pytest.mark.parametrize(("written", "phases"), TABLES["phases"])
def test_phases_are_read_from_every_wording(written, phases):
    assert RegistryFields(phases=tuple(written)).phases == tuple(phases)


@pytest.mark.parametrize(("written", "degree", "who"), TABLES["masking"])
def test_masking_and_who_is_masked_are_told_apart(written, degree, who):
    fields = RegistryFields(masking=written)
    assert (fields.masking, fields.who_masked) == (degree, tuple(who))


def test_who_is_masked_stands_where_the_format_has_a_field_for_it():
    fields = RegistryFields(
        masking="DOUBLE (PARTICIPANT)", who_masked=("Investigator",)
    )
    assert (fields.masking, fields.who_masked) == ("DOUBLE", ("INVESTIGATOR",))


@pytest.mark.parametrize(("written", "day"), TABLES["dates"])
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


@pytest.mark.parametrize(("field", "written", "word"), TABLES["types"])
def test_types_of_arms_and_interventions_have_one_spelling(field, written, word):
    assert unify_word(field, written) == word


@pytest.mark.parametrize("field", FIELDS)
def test_a_word_of_api_v2_is_itself(field):
    words = list_registered_words(field)
    assert [unify_word(field, word) for word in words] == list(words)
