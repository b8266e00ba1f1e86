"""Values of a user's own fields are compared with those of the same criterion, dose or outcome,
and of the record.
"""

from extractor import TrialExtraction, diff_trials

AGE = "Age of at least 18 years"
MARKER = "PD-L1 of at least 50 % by 22C3"


def make(*quotes, **custom):
    criteria = [
        {"kind": "inclusion", "section": "eligibility", "quote": quote}
        for quote in quotes
    ]
    listed = {
        name: [
            {
                "of": None if at is None else f"eligibility.criteria[{at}]",
                "values": {"value": value},
            }
            for at, value in values
        ]
        for name, values in custom.items()
    }
    return TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {"criteria": criteria}, "custom": listed}
    )


def list_changes(old, new):
    changes = diff_trials(old, new).changes
    return [
        (
            change.item,
            change.kind.value,
            change.severity.value,
            change.field,
            change.message,
        )
        for change in changes
    ]


def test_a_value_is_compared_with_that_of_the_same_item():
    old = make(AGE, MARKER, assay=[(1, "22C3")], blinding=[(None, "open")])
    moved = make(MARKER, AGE, assay=[(0, "22C3")], blinding=[(None, "open")])
    assert list_changes(old, moved) == []
    elsewhere = make(AGE, MARKER, assay=[(0, "22C3")], blinding=[(None, "double")])
    assert list_changes(old, elsewhere) == [
        ("custom", "added", "major", "assay", "assay: 22C3 added"),
        ("custom", "removed", "major", "assay", "assay: 22C3 removed"),
        ("custom", "changed", "major", "blinding", "blinding: open -> double"),
    ]


def test_a_value_goes_with_its_item():
    old = make(AGE, MARKER, assay=[(1, "22C3"), (1, "SP263")])
    new = make(AGE)
    assert [change[:2] for change in list_changes(old, new)] == [
        ("criterion", "removed")
    ]
    fewer = diff_trials(old, make(AGE, MARKER, assay=[(1, "SP263")])).changes
    assert [
        (change.kind.value, change.old.path, change.old.value, change.new)
        for change in fewer
    ] == [("removed", "custom.assay[0]", "22C3", None)]
