"""A long reply takes no more time than its length allows, whatever it repeats."""

import pytest

from extractor.model.answer_text import ReplyText, TextKind, find_answer
from tests.growth import LARGEST_EXPONENT, fit_growth

PIECES = (
    *(
        '</think>{"items":[{"n":1}]}',
        '<think>{"items":[{"n":1}]}',
        '</think>{"n":1}',
        "<think>",
        "</think>",
    ),
    *(
        '{"items":[/*',
        "{ /*",
        "/*",
        "{//",
        "{",
        '{"',
        "{'",
        '[{"n":',
        '{"items":',
        '{"n":1}\n',
        '{"items":[{"n":1}]} ',
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
def test_a_reply_that_repeats_a_piece_is_read_in_linear_time(piece):
    assert (
        fit_growth(
            lambda text: find_answer([ReplyText(TextKind.SAID, "content", text)]), piece
        )
        <= LARGEST_EXPONENT
    )
