"""`python -m tests.changed` finds what a change of a rule touches."""

from tests.changed import ROOT, find_users, list_cases, list_rules

RULES = ROOT / "extractor/concepts/limits/rules"


def test_what_a_change_touches_is_found():
    mentions = [*list_rules(RULES / "mentions.toml", only_changed=False)]
    assert "scale_before" in mentions
    assert [
        *list_rules(
            ROOT / "extractor/language/rules/terms/comparators.toml", only_changed=True
        )
    ] == ["comparators"]

    users = find_users(["moment_unit"])
    assert users > {"moment_unit"}
    assert users == find_users(users)

    assert list_cases([RULES / "mentions.toml"]) == {"limits.toml"}
    assert list_cases([ROOT / "extractor/concepts/limits/ownership.py"]) == {
        "limits.toml"
    }
    assert list_cases([ROOT / "tests/cases/doses.toml"]) == {"doses.toml"}
