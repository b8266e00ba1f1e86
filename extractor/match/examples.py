"""Tell the examples of a line from what stands behind them."""

import re

from extractor.match.words import words_of
from extractor.measures.names import spell_words

_EXAMPLES = re.compile(
    r",? ?(?<!\w)(?:such as|e\.g\.,?|i\.e\.,?|for example,?"
    r"|(?:including|include)(?: but not limited to)?|namely|like)(?!\w)",
    re.IGNORECASE,
)
_LAST = re.compile(
    r",\s*(?P<joint>and/or|or|and)\s+(?P<last>[^,;.]+)[.;\s]*$", re.IGNORECASE
)


def find_examples(text: str) -> re.Match[str] | None:
    """Return the words that introduce examples: "such as"."""
    return _EXAMPLES.search(text)


def put_examples_last(text: str) -> str:
    """Return a sentence with its examples at its end, if something else follows them: what is
    behind a single example, or the only treatment of a list.

    >>> put_examples_last("Seizures, including febrile ones, or antiepileptic drugs")
    'Seizures, or antiepileptic drugs, including febrile ones'
    >>> put_examples_last("Infections such as sepsis, tuberculosis, or pneumonia")
    'Infections such as sepsis, tuberculosis, or pneumonia'
    """
    example = find_examples(text)
    last = _LAST.search(text, example.end()) if example else None
    if not example or not last:
        return text
    head = text[: example.start()]
    examples = text[example.end() : last.start()]
    is_single = "," not in examples
    treatments = words_of("taken", "therapies")
    is_other_kind = not treatments.isdisjoint(
        spell_words(last["last"])
    ) and treatments.isdisjoint(spell_words(f"{head} {examples}"))
    if not (is_single or is_other_kind):
        return text
    return f"{head}, {last['joint']} {last['last']}{example[0]}{examples}"
