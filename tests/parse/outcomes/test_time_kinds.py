import pytest

from extractor.parse.endpoints.times import Guess, choose_kind, describe_kind, guess_kind, read_time_frame
from extractor.schemas import TimeKind
from extractor.text.book import read_text


def guess(text):
    frame = read_time_frame(read_text(text))
    return frame, guess_kind(frame)


@pytest.mark.parametrize(
    ("text", "kind", "rule", "skeleton"),
    [
        ("Up to 2 years", "up_to", "limit", "Up to #"),
        ("Baseline, weeks 4, 8 and 12", "at", "moments", "Baseline , @@"),
        ("Weeks 4-12", "from_to", "range", "@-@"),
        ("Weeks 1-12", "up_to", "from beginning", "0 to @"),
        ("Between 4 and 12 weeks", "from_to", "span", "Between ##"),
        ("Through study completion", "unspecified", "vague", "Through study completion"),
    ],
)
def test_the_rules_give_a_kind_and_say_which_rule_did(text, kind, rule, skeleton):
    assert guess(text)[1] == Guess(TimeKind(kind), rule, tuple(skeleton.lower().split()))


def test_features_tell_where_words_stand():
    features = describe_kind(*guess("at week 4 after surgery"))
    assert {"signs @", "beside first: at", "behind last: after", "before AT", "behind AFTER"} <= set(features)
    assert len(features) == len(set(features))


def test_the_order_of_features_does_not_depend_on_hashes():
    found = describe_kind(*guess("on the day of surgery"))
    assert found == describe_kind(*guess("on the day of surgery"))
    assert found.index("word on") < found.index("word surgery")


def test_no_known_feature_leaves_the_kind_open():
    assert choose_kind(["zorp"])[1] < 0.8


def test_a_plain_limit_is_certain():
    kind, confidence = choose_kind(describe_kind(*guess("Up to 2 years")))
    assert kind is TimeKind.UP_TO
    assert confidence > 0.95
