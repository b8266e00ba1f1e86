"""Names that the examples of docstrings use without importing them."""

import pytest

from extractor.language.book import read_text
from extractor.language.passage import read_passage, read_section


@pytest.fixture(autouse=True)
def _name_readers(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update(
        read_text=read_text, read_passage=read_passage, read_section=read_section
    )
