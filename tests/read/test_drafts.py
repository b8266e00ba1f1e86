"""A record that its reader fails at stands as a problem in its place, and the others are read."""

import pytest

from extractor.read.drafts import Unreadable, build_draft


@pytest.mark.parametrize("error", [KeyError, StopIteration, RecursionError, MemoryError, SystemExit])
def test_whatever_one_record_raises_is_its_problem(error):
    def build(_):
        raise error("a word of the record")

    found = build_draft(build, {}, "line 3")
    assert isinstance(found, Unreadable)
    assert (found.problem, found.place) == (f"an unexpected {error.__name__}", "line 3")
