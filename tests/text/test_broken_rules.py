"""A broken file of rules says its name, the rule and the mistake."""

import tomllib
from pathlib import Path

import pytest

from extractor.errors import ExtractorError
from extractor.language import book

CASES = tomllib.loads(Path(__file__).with_name("broken_rules.toml").read_text("utf-8"))


def compile_rule(name):
    # without the cache, which holds the book of the package
    return book.load_book.__wrapped__().rules[name].expression


@pytest.mark.parametrize("case", CASES["case"].values(), ids=CASES["case"])
def test_a_broken_file_says_where_and_what(case, tmp_path, monkeypatch):
    folder = tmp_path / "package" / "rules"
    (folder / "terms").mkdir(parents=True)
    (folder / "worn.toml").write_text(case.get("text", ""))
    (folder / "terms" / "words.toml").write_text(case.get("terms", ""))
    monkeypatch.setattr(book, "_PACKAGE", folder.parent)
    monkeypatch.setattr(book, "list_rule_folders", lambda: (folder,))

    with pytest.raises(ExtractorError) as raised:
        compile_rule("worn")
    assert str(raised.value).startswith("package/rules/")
    assert case["says"] in str(raised.value)
