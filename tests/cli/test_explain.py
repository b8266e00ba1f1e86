"""``extractor parse --explain`` names the rules that found a value's words."""

from tests.commands import extractor


def test_a_value_is_explained_by_rules_and_their_words():
    done = extractor("parse", "--explain", "tests/records/study.xml")
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    at = next(i for i, line in enumerate(lines) if "criterion.constraints" in line and line.endswith("Age >= 18 years"))
    assert "      comparison: >=" in lines[at + 1 : at + 5]
