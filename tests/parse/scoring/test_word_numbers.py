import pytest

from extractor.parse.scoring import NumberedBags, load_classifier, word_numbers

BAGS = [{"words": ["known", "asthma"], "start": ["known"]}, {"words": []}, {"words": ["asthma", "or", "stroke"]}]


def read(numbered, source):
    places, starts = numbered.find(source)
    return [word_numbers.NUMBERING.words[place] for place in places.tolist()], starts.tolist()


def test_each_text_begins_with_no_word():
    assert read(NumberedBags(BAGS), "words") == (["", "known", "asthma", "", "", "asthma", "or", "stroke"], [0, 3, 4])


def test_a_source_that_a_text_lacks_is_empty():
    assert read(NumberedBags(BAGS), "start") == (["", "known", "", ""], [0, 2, 3])


@pytest.mark.parametrize("kept", [0, 3])
def test_what_was_forgotten_is_learned_again(monkeypatch, kept):
    classifier = load_classifier("criteria")
    before = classifier.weigh(BAGS).chances
    monkeypatch.setattr(word_numbers, "_WORDS_KEPT", kept)
    classifier.weigh([{"words": ["quite", "other", "words"]}])
    assert classifier.weigh(BAGS).chances.tolist() == before.tolist()
    assert len(word_numbers.NUMBERING.words) <= kept + 5
