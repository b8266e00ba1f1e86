"""What to fetch: NCT numbers, or a query in the parameters of the API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from extractor.errors import ArgumentError

_NCT_NUMBER = re.compile(r"NCT\d{8}", re.ASCII)
_BETWEEN_NUMBERS = re.compile(r"[\s,;|]+")
_PAGING = frozenset({"format", "pageSize", "pageToken", "countTotal"})
"""Parameters that paging sets itself."""
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


def parse_nct_numbers(text: str, source: str = "the command") -> tuple[str, ...]:
    r"""Return the NCT numbers in a text, in upper case, each once, in order.

    White space, commas, semicolons or ``|`` separate them; ``#`` starts a comment. ``source`` names
    the text in errors. Raises ``ArgumentError`` for anything else, with its line.

    >>> parse_nct_numbers("NCT04736823  # the pilot\nnct00000102, NCT04736823")
    ('NCT04736823', 'NCT00000102')
    """
    numbers: dict[str, None] = {}
    # Some editors begin a text in UTF-8 with this mark.
    lines = text.removeprefix("\ufeff").splitlines()
    for line_number, line in enumerate(lines, 1):
        before_comment, _, _ = line.partition("#")
        for word in _BETWEEN_NUMBERS.split(before_comment.upper()):
            if not word:
                continue
            if not _NCT_NUMBER.fullmatch(word):
                raise ArgumentError(
                    f"{source}, line {line_number}: {word[:_LONGEST_SHOWN]!r} is not an NCT "
                    "number; an NCT number is NCT and eight digits, such as NCT04736823"
                )
            numbers[word] = None
    return tuple(numbers)


@dataclass(frozen=True, kw_only=True)
class RegistryQuery:
    """A search in the registry. Each field narrows it further.

    Args:
        condition: A disease, searched as on the registry's website.
        intervention: A treatment, searched in the same way.
        term: Any other words.
        statuses: The API's words, such as ``RECRUITING`` or ``not yet recruiting``; one of several
            must hold.
        phases: Such as ``PHASE2``, ``2``, ``early 1`` or ``NA``; one of several must hold.
        updated_since: The earliest day of the last update.
        more: Other parameters of the API by name, such as ``query.spons``.

    Raises:
        ArgumentError: A phase is unknown, ``more`` has a name that another field or the paging
            sets, or the query is empty.

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
    statuses: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    updated_since: date | None = None
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ArgumentError(
                "nothing to fetch; name NCT numbers, a condition, an intervention or another "
                "parameter"
            )

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the API's request, without those of paging. Empty fields have none.

        Phases and the day of the update are conditions of one expression in the registry's syntax,
        because the API has no parameters for them. An expression of the user's own is one more
        condition. Raises ``ArgumentError`` for an unknown phase, and if ``more`` names a parameter
        that is set already.
        """
        statuses = []
        for status in self.statuses:
            # "not yet recruiting" is NOT_YET_RECRUITING
            word = re.sub(r"[\s-]+", "_", status.strip())
            statuses.append(word.upper())
        conditions = []
        if self.phases:
            phases = " OR ".join(map(_read_phase, self.phases))
            conditions.append(f"AREA[Phase]({phases})")
        if self.updated_since:
            day = self.updated_since.isoformat()
            conditions.append(f"AREA[LastUpdatePostDate]RANGE[{day},MAX]")
        more = dict(self.more)
        # AREA[StudyType]INTERVENTIONAL of the user's own, beside the phases
        if conditions and "filter.advanced" in more:
            own_expression = more.pop("filter.advanced")
            conditions.insert(0, f"({own_expression})")
        own = {
            "query.cond": self.condition,
            "query.intr": self.intervention,
            "query.term": self.term,
            "filter.overallStatus": ",".join(statuses),
            "filter.advanced": " AND ".join(conditions),
        }
        parameters = {name: text for name, text in own.items() if text}
        for name, text in more.items():
            if name in _PAGING or name in parameters:
                raise ArgumentError(
                    f"the parameter {name} cannot be given; the paging or an option of its own "
                    "sets it"
                )
            parameters[name] = text
        return parameters


def _read_phase(text: str) -> str:
    """Return the API's word for a phase, such as PHASE2 for "2" or "phase 2". Raises
    ``ArgumentError`` for an unknown one.
    """
    word = re.sub(r"PHASE|[\s_/-]", "", text.upper())
    if word not in _PHASES:
        raise ArgumentError(
            f"{text[:_LONGEST_SHOWN]!r} is not a phase; give EARLY_PHASE1, PHASE1 to PHASE4, or NA"
        )
    return _PHASES[word]
