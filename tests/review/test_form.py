"""The form explains every field and word."""

import pytest

from extractor.results.review.forms import FIELDS, describe_form

PLAIN = {"rank", "index"}  # the registry's own
NAMES_ITSELF = {"route", "unit"}  # "intravenous" and "week" need no definition


@pytest.mark.parametrize("kind", FIELDS)
def test_every_field_and_word_is_in_the_form_and_explained(kind):
    fields = describe_form()[kind]
    assert [field["name"] for field in fields] == list(FIELDS[kind])
    assert [field["name"] for field in fields if not field["help"] and field["name"] not in PLAIN] == []
    parts = [one for field in fields for one in (field, *field.get("fields", ()))]
    menus = [one for one in parts if one["widget"] == "choice" and one["name"] not in NAMES_ITSELF | PLAIN]
    assert [option["value"] for menu in menus for option in menu["options"] if not option["meaning"]] == []
