"""The terms that the registry itself keeps for a trial, which an extraction has beside what its
text says.
"""

from collections.abc import Iterator

from extractor.schemas import RegisteredTerm, Section, TermKind, TrialRecord

_KEYWORDS = "keywords"


def list_terms(record: TrialRecord) -> tuple[RegisteredTerm, ...]:
    r"""Return the terms of a record, each once: those of MeSH, other names of interventions, and
    keywords.

    >>> from extractor.schemas import Source
    >>> source = Source(path="a.json", format="ctgov_json")
    >>> keywords = Section(name="keywords", text="inhaler\nairways\ninhaler")
    >>> record = TrialRecord(record_id="A", source=source, sections=(keywords,))
    >>> [(term.kind.value, term.name) for term in list_terms(record)]
    [('keyword', 'inhaler'), ('keyword', 'airways')]
    """
    return tuple(dict.fromkeys(_find_terms(record)))


def _find_terms(record: TrialRecord) -> Iterator[RegisteredTerm]:
    yield from record.registry.terms
    for section in record.sections:
        if section.name.startswith("interventions["):
            yield from _find_other_names(section)
    for line in (record.raw_text(_KEYWORDS) or "").replace("|", "\n").splitlines():
        name = _tidy(line)
        if name:
            yield RegisteredTerm(kind=TermKind.KEYWORD, name=name)


def _find_other_names(section: Section) -> Iterator[RegisteredTerm]:
    for part in section.parts:
        name = _tidy(section.text[part.start : part.end])
        if part.name == "other_names" and name:
            yield RegisteredTerm(kind=TermKind.OTHER_NAME, name=name, section=section.name)


def _tidy(text: str) -> str:
    return " ".join(text.split())
