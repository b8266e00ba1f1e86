"""Compare the text with the registered design and ages."""

from collections.abc import Iterator
from itertools import chain

from extractor.assembly.findings import cite, cite_field, warn
from extractor.concepts.criteria.unheaded import list_sentences
from extractor.concepts.people.registered_ages import (
    AGES,
    differs,
    read_registered_ages,
)
from extractor.evidence.drafts import Span, place_of, span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.passage import Passage
from extractor.schemas import Eligibility, Finding, FindingKind, TrialExtraction

_TITLES = ("title", "official_title")
_TEXTS = (*_TITLES, "brief_summary", "detailed_description")
_CLAIMS = (
    (FindingKind.ALLOCATION_DIFFERS, "says_randomised", ("NA", "NON_RANDOMIZED")),
    (FindingKind.ALLOCATION_DIFFERS, "says_not_randomised", ("RANDOMIZED",)),
    (FindingKind.MASKING_DIFFERS, "says_blind", ("NONE",)),
    (FindingKind.MASKING_DIFFERS, "says_open", ("DOUBLE", "TRIPLE", "QUADRUPLE")),
)
"""(kind of finding, rule that finds a claim in the text, contradicting registered values)"""


def check_design(parsed: ParsedRecord, _: TrialExtraction) -> Iterator[Finding]:
    """Yield a finding for each claim about the design ("randomised", "double-blind") that the
    registered design contradicts. The finding cites the first claim about the whole trial.
    """
    for kind, name, contradicting in _CLAIMS:
        field = kind.value.partition("_")[0]  # "allocation" of "allocation_differs"
        registered = parsed.record.registry.text(field)
        if registered not in contradicting:
            continue
        claim = next(_find_claims(parsed, name), None)
        if claim:
            yield warn(
                kind,
                "",
                f"the text says {claim.text}, but the registered {field} is {registered}",
                cite(parsed, span_of(claim)),
                cite_field(parsed, f"registry.{field}"),
            )


def _find_claims(parsed: ParsedRecord, name: str) -> Iterator[Passage]:
    """Yield those matches of a rule that describe the whole trial: matches in a title, or in a
    sentence about this trial. Sentences about a part of the trial, about another trial, or about
    two designs (such as a blinded part and an open-label part) are skipped.
    """
    sections = filter(None, map(parsed.sections.get, _TEXTS))
    for line in chain.from_iterable(section.lines() for section in sections):
        for sentence in list_sentences(line):
            claim = sentence.search(name)
            if claim is None:
                continue
            if sentence.search("design_otherwise"):
                continue
            words = sentence.text.lower()
            # as in "a blinded part and an open-label part"
            if "blind" in words and "open" in words.replace("-", " ").split():
                continue
            if words.count("randomi") > 1:
                continue
            before = sentence.part(sentence.first, claim.first)
            if sentence.section.name in _TITLES or before.search("design_of_itself"):
                yield sentence.part(claim.first, claim.end)


def check_ages(parsed: ParsedRecord, extraction: TrialExtraction) -> Iterator[Finding]:
    """Yield a finding for each age in the criteria that differs from the registered age by more
    than a year, or by more than a month for infants.

    If only one end is registered, the other counts as unlimited, so an age stated for it is
    reported as missing in the registry.

    An age criterion is skipped if it may apply to only some participants because it is in a group,
    below an introductory line, or part of a limit for a subset of people.
    """
    eligibility = extraction.eligibility
    registered = read_registered_ages(parsed.record.registry)
    common = list(_list_common(eligibility))
    for name in AGES:
        age = getattr(eligibility, name)
        # only the first quote is checked; a gold age has none
        pieces = eligibility.evidence_for(name)[:1]
        if age is None:
            continue
        if not differs(age, registered[name]):
            continue
        for piece in pieces:
            if not any(quote.contains(place_of(piece)) for quote in common):
                continue
            registry_field = f"registry.{name}"
            written = parsed.record.registry.text(name)
            is_empty = written is None
            yield warn(
                FindingKind.AGE_DIFFERS,
                f"eligibility.{name}",
                f"the {name.replace('_', ' ')} is {age}s in the text, but "
                f"{'missing' if is_empty else written} in the registry",
                piece.cite(),
                None if is_empty else cite_field(parsed, registry_field),
                sections=(registry_field,) if is_empty else (),
            )


def _list_common(eligibility: Eligibility) -> Iterator[Span]:
    """Yield the spans of the criteria that certainly apply to all participants."""
    for criterion in eligibility.criteria:
        is_conditional = any(limit.condition for limit in criterion.constraints)
        if criterion.group:
            continue
        if criterion.lead_in:
            continue
        if is_conditional:
            continue
        yield from map(place_of, criterion.evidence_for("quote"))
