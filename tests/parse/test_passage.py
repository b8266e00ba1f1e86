from extractor.parse.passage import passage_of


def test_a_quote_has_no_white_space_at_its_ends():
    passage = passage_of(r"time to \> first dose")
    assert passage.quote(0, 8) == "time to"
    assert passage.quote(7, 16) == r"\> first"
    assert (passage.span(7, 16).start, passage.span(7, 16).end) == (8, 16)
