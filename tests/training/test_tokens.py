"""Dialogues as batches: every token of every answer is learned once, and nothing else."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from training.dialogues import Dialogue

from .tiny_llama import NEEDS_TRAIN

pytest.importorskip("torch", reason=NEEDS_TRAIN)

from training.tokens import IGNORED, LONGEST, Batch, Tokens, batch_tokens, tokenize

SIZE = 400


def letters(text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
    """A tokenizer whose tokens are letters, and a start of text where that is not refused."""
    return {"input_ids": [*([0] * add_special_tokens), *map(ord, text)]}


def test_a_dialogue_stands_in_the_marks_of_the_chat_and_its_answer_ends_with_one() -> None:
    tokens = tokenize(letters, Dialogue("Read.", "[1|cat] Adults", '{"items":[]}'))
    text = "".join(map(chr, tokens.ids))
    assert text == (
        "<|im_start|>system\nRead.<|im_end|>\n<|im_start|>user\n[1|cat] Adults<|im_end|>\n"
        '<|im_start|>assistant\n{"items":[]}<|im_end|>'
    )
    assert text[tokens.answer :] == '{"items":[]}<|im_end|>'


def make_dialogues(count: int = 60) -> list[Tokens]:
    """Of all lengths; no two begin alike."""
    draw = Random(2)
    made = []
    for number in range(count):
        length = draw.randint(12, 200)
        made.append(Tokens((1000 + number, *(draw.randint(1, 99) for _ in range(length))), draw.randint(3, length)))
    return made


def list_learned(batch: Batch) -> list[tuple[int, int, int]]:
    """The first token of a row, a place in it, and the token behind that is learned."""
    length = batch.ids.shape[1]
    pairs = zip(batch.places.tolist(), batch.wanted.tolist(), strict=True)
    return [
        (int(batch.ids[place // length, 0]), place % length, wanted) for place, wanted in pairs if wanted != IGNORED
    ]


def test_every_token_of_an_answer_is_learned_once_and_none_of_a_prompt() -> None:
    dialogues = make_dialogues()
    learned = Counter(one for batch in batch_tokens(dialogues, Random(1), SIZE) for one in list_learned(batch))
    assert learned == Counter(
        (one.ids[0], place - 1, one.ids[place]) for one in dialogues for place in range(one.answer, len(one.ids))
    )


def test_what_is_learned_stands_behind_its_place() -> None:
    for batch in batch_tokens(make_dialogues(), Random(1), SIZE):
        flat = batch.ids.flatten()
        for place, wanted in zip(batch.places.tolist(), batch.wanted.tolist(), strict=True):
            assert (wanted == IGNORED and place == 0) or int(flat[place + 1]) == wanted


def test_batches_have_few_shapes_and_are_filled_up_on_the_right() -> None:
    batches = batch_tokens(make_dialogues(), Random(1), SIZE)
    rows_of: dict[int, set[int]] = {}
    for batch in batches:
        rows, length = batch.ids.shape
        rows_of.setdefault(length, set()).add(rows)
        assert rows == max(1, SIZE // length)
        assert len(batch.places) == len(batch.wanted)
        assert len(batch.places) % 128 == 0
    assert len(rows_of) > 3
    assert all(len(rows) == 1 for rows in rows_of.values())


def test_rows_hold_their_dialogue_and_then_nothing() -> None:
    known = {one.ids[0]: one.ids for one in make_dialogues()}
    seen = []
    for batch in batch_tokens(make_dialogues(), Random(1), SIZE):
        for row in batch.ids.tolist():
            ids = known.get(row[0], ())
            assert tuple(row) == (*ids, *[0] * (len(row) - len(ids)))
            seen += [row[0]] if ids else []
    assert sorted(seen) == sorted(known)


def test_a_dialogue_longer_than_a_batch_has_one_to_itself() -> None:
    long = Tokens(tuple(range(1, LONGEST + 1)), LONGEST - 2)
    (batch,) = batch_tokens([long], Random(1), SIZE)
    assert batch.ids.shape == (1, LONGEST)


def test_the_order_of_batches_is_drawn() -> None:
    def order(seed: int) -> list[Any]:
        return [batch.ids.tolist() for batch in batch_tokens(make_dialogues(), Random(seed), SIZE)]

    assert order(1) == order(1)
    assert order(1) != order(2)
    lengths = [len(ids[0]) for ids in order(1)]
    assert lengths not in (sorted(lengths), sorted(lengths, reverse=True))
