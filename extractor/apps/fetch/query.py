"""Parse the numbers of trials and papers, and convert a search to API parameters."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from extractor.errors import ArgumentError

_NUMBER = re.compile(r"NCT\d{8}|PMID\d{1,9}|PMC\d{1,9}", re.ASCII)
_PMID = re.compile(r"\bPMID[ \t]*:?[ \t]*(?=\d)", re.IGNORECASE)
"""The name before a number of PubMed: "PMID: 12345", "pmid:12345"."""
_PAGING = frozenset({"format", "pageSize", "pageToken", "countTotal"})
"""Parameters that are set by paging."""
_PHASES = {
    "0": "EARLY_PHASE1",
    "EARLY1": "EARLY_PHASE1",
    "1": "PHASE1",
    "2": "PHASE2",
    "3": "PHASE3",
    "4": "PHASE4",
    "NA": "NA",
}
_LONGEST_SHOWN = 40


def parse_numbers(text: str) -> tuple[str, ...]:
    r"""Return the NCT numbers, PubMed numbers and PubMed Central numbers in a text, in upper case,
    in order and without duplicates.

    They may be separated by whitespace, commas, semicolons or ``|``; ``#`` starts a comment.
    Raises ``ArgumentError`` for any other text.

    >>> parse_numbers("NCT04736823  # the pilot\nnct00000102, NCT04736823")
    ('NCT04736823', 'NCT00000102')
    >>> parse_numbers("pmid:12345, PMID: 678; pmc91011")
    ('PMID12345', 'PMID678', 'PMC91011')
    """
    # some editors start UTF-8 files with a byte order mark
    stated = re.sub("#.*", "", text.removeprefix("\ufeff"))
    named = _PMID.sub("PMID", stated)
    numbers = dict.fromkeys(re.split(r"[\s,;|]+", named.upper().strip()))
    numbers.pop("", None)
    for word in numbers:
        if _NUMBER.fullmatch(word):
            continue
        remedy = (
            "an NCT number is NCT followed by eight digits, such as NCT04736823; a paper is "
            "PMC1234567 or pmid:12345678"
        )
        if word.isdecimal():
            remedy = (
                f"write the number of a paper in PubMed as pmid:{word[:_LONGEST_SHOWN]}"
            )
        raise ArgumentError(
            f"the command: {word[:_LONGEST_SHOWN]!r} is not an NCT number; {remedy}"
        )
    return tuple(numbers)


@dataclass(frozen=True, kw_only=True)
class RegistryQuery:
    """A search in the registry. Each field narrows the search.

    Args:
        condition: A disease, searched for as on the registry's website.
        intervention: A treatment, searched for as on the registry's website.
        term: Any other words.
        statuses: Statuses such as ``RECRUITING`` or ``not yet recruiting``; a study must have one
            of them.
        phases: Phases such as ``PHASE2``, ``2``, ``early 1`` or ``NA``; a study must have one of
            them.
        updated_since: The earliest date of the last update.
        more: Other API parameters, such as ``query.spons``, keyed by name.

    Raises:
        ArgumentError: A phase is unknown, ``more`` contains a parameter that is set by other means,
            or the query is empty.

    >>> from datetime import date
    >>> RegistryQuery(
    ...     condition="asthma", phases=("2", "PHASE3"), updated_since=date(2026, 1, 31)
    ... ).parameters
    ... # doctest: +NORMALIZE_WHITESPACE
    {'query.cond': 'asthma',
     'filter.advanced':
         'AREA[Phase](PHASE2 OR PHASE3) AND AREA[LastUpdatePostDate]RANGE[2026-01-31,MAX]'}
    """

    condition: str | None = None
    intervention: str | None = None
    term: str | None = None
    statuses: Sequence[str] = ()
    phases: Sequence[str] = ()
    updated_since: date | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ArgumentError(
                "nothing to fetch; specify NCT numbers, a condition, an intervention or another "
                "parameter"
            )

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the API request, except for those that control paging.

        Phases and the update date are combined into an expression in the registry's syntax,
        because the API has no parameters for them. If the user also provides an expression, the
        two are combined. Raises ``ArgumentError`` if a phase is unknown, or if ``more`` contains a
        parameter that is already set.
        """
        more = dict(self.more)
        conditions = []
        user_expression = more.pop("filter.advanced", None)
        if user_expression:
            conditions.append(f"({user_expression})")
        if self.phases:
            phases = " OR ".join(map(_read_phase, self.phases))
            conditions.append(f"AREA[Phase]({phases})")
        if self.updated_since:
            conditions.append(
                f"AREA[LastUpdatePostDate]RANGE[{self.updated_since:%Y-%m-%d},MAX]"
            )
        # "not yet recruiting" is NOT_YET_RECRUITING
        statuses = [re.sub(r"[\s-]+", "_", status.strip()) for status in self.statuses]
        option_parameters = {
            "query.cond": self.condition,
            "query.intr": self.intervention,
            "query.term": self.term,
            "filter.overallStatus": ",".join(statuses).upper(),
            "filter.advanced": " AND ".join(conditions),
        }
        parameters = {name: text for name, text in option_parameters.items() if text}
        repeated = sorted(more.keys() & (_PAGING | parameters.keys()))
        if repeated:
            raise ArgumentError(
                f"the parameter {repeated[0]} cannot be used; it is set by paging or by a separate "
                "option"
            )
        return parameters | more


def _read_phase(text: str) -> str:
    """Return the API's term for a phase, such as PHASE2 for "2" or "phase 2". Raises
    ``ArgumentError`` for an unknown phase.
    """
    word = re.sub(r"PHASE|[\s_/-]", "", text.upper())
    if word not in _PHASES:
        raise ArgumentError(
            f"{text[:_LONGEST_SHOWN]!r} is not a phase; use EARLY_PHASE1, PHASE1 to PHASE4, or NA"
        )
    return _PHASES[word]
