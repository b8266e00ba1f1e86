"""`python -m tests.changed` finds what a change of a rule touches."""

from tests.changed import ROOT, find_users, list_cases, list_rules, list_tests, main

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


def test_a_change_of_match_runs_the_verdicts():
    words = ROOT / "extractor/match/rules/match_words.toml"
    assert list_tests([words]) == ["tests/match/test_criteria.py"]

    both = list_tests([words, RULES / "mentions.toml"])
    assert both == [
        "tests/match/test_criteria.py",
        "tests/cases",
        "-k",
        "limits: or test_criteria",
    ]


def test_a_name_that_is_neither_a_rule_nor_a_file_is_told(capsys):
    assert main(["scale_befor"]) == 2
    assert capsys.readouterr().out == "neither a rule nor a file: scale_befor\n"
