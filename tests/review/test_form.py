"""The form says of every field and word what it means."""

import pytest

from extractor.review.draft import FIELDS, GROUPS, KINDS
from extractor.review.page import describe_form

PLAIN = {"rank", "index"}  # the registry's own
NAMES_ITSELF = {"route", "unit"}  # "intravenous" and "week" need no definition


def _list_choices():
    for kind, fields in describe_form().items():
        for field in fields:
            for one in (field, *field.get("fields", ())):
                if one["widget"] == "choice" and one["name"] not in NAMES_ITSELF | PLAIN:
                    yield pytest.param(one, id=f"{kind}.{field['name']}.{one['name']}")


@pytest.mark.parametrize("field", list(_list_choices()))
def test_every_word_of_a_menu_is_defined(field):
    assert [option["value"] for option in field["options"] if not option["meaning"]] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_the_schema_is_in_the_form_and_explained(kind):
    fields = describe_form()[kind]
    assert [field["name"] for field in fields] == list(FIELDS[kind])
    assert [field["name"] for field in fields if not field["help"] and field["name"] not in PLAIN] == []
    assert set(FIELDS[kind]) <= set(GROUPS[kind].model.model_fields)


def test_what_may_be_many_or_empty_is_known():
    criterion = {field["name"]: field for field in describe_form()["criterion"]}
    assert (criterion["constraints"]["many"], criterion["constraints"]["widget"]) == (True, "group")
    assert (criterion["lead_in"]["optional"], criterion["quote"]["optional"]) == (True, False)
    assert [part["widget"] for part in criterion["constraints"]["fields"]] == [
        *("text", "choice", "number", "number", "text"),
    ]
