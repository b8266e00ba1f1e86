"""The labels of a structured abstract in running text: "... METHODS: Adults took ..."."""

import re

_WORD = (
    r"(?:background|context|importance|introduction|rationale|hypothes[ie]s|objectives?|aims?|purpose|goals?"
    r"|methods?|methodology|materials|design|setting|sites?|patients?|participants?|subjects?|population|sample"
    r"|interventions?|treatments?|exposures?|procedures?|outcomes?|measures?|measurements?|endpoints?|analys[ie]s"
    r"|data|results?|findings?|conclusions?|interpretation|discussion|limitations?|implications?|relevance"
    r"|significance|funding|registration|evidence|question|summary)"
)
_CORE = re.compile(
    r"methods?|results?|findings?|conclusions?|interpretation|objectives?|background|aims?",
    re.IGNORECASE,
)
"""Words of labels that nearly every structured abstract has."""
_FEWEST = 2
_LONGEST_ABSTRACT = 10_000
_UPPER = rf"(?=[^:\n]{{0,80}}?\b(?i:{_WORD})\b)[A-Z][A-Z ,/&()'-]{{3,80}}"
_BETWEEN = (
    r"(?:, and |, | and | & |/| )(?:main |primary |secondary |trial |study |of )?"
)
_JOINED = rf"(?i:{_WORD}(?:{_BETWEEN}{_WORD}){{0,4}})"
_TITLED = (
    rf"(?=[A-Z])(?:(?:Main|Primary|Secondary|Trial|Study|Clinical|Key) )?{_JOINED}"
)
_REST_OF_RANK = r"(?: (?:end ?-?points?|outcomes?)(?: measures?)?)?"
_RANK = (
    r"(?:key |co-?)?(?:primary|secondary|tertiary|exploratory|safety|other)"
    rf"{_REST_OF_RANK}"
)
_MARK = r"(?:\([a-z0-9]\)[ \t])?"
_DASH = r"[ \t][-–—][ \t](?!(?:and|or)\b)"
"""A dash in place of a colon, unlike that of "primary - and secondary - care"."""
_RANKED_LINE = re.compile(
    r"^[ \t]*(?:\w{1,12}[ \t])?(?:end ?-?points?|outcomes?)(?: measures?)?"
    rf"(?:[ \t]*:|[ \t][-–—])(?=[ \t]{_MARK}{_RANK}(?::[ \t]|{_DASH}))[^\n]+",
    re.IGNORECASE | re.MULTILINE,
)
"""A line that lists endpoints by rank: "Endpoints: Primary: pain. Secondary: sleep."."""
_RANK_LABEL = re.compile(
    rf"(?<=[:.;,)\w])[ \t](?<!\([a-z0-9]\)[ \t])(?={_MARK}{_RANK}:[ \t])"
    # "drug safety - week 12" is no label
    rf"|(?<=[:.;,)])[ \t](?<!\([a-z0-9]\)[ \t])(?={_MARK}{_RANK}{_DASH})"
    rf"|(?<=[ \t])[-–—][ \t](?=(?:primary|secondary){_REST_OF_RANK}(?::[ \t]|{_DASH}))",
    re.IGNORECASE,
)
"""What separates a rank of such a line from the words before it, as in "Endpoints - primary:"."""
_FIELD_LINE = re.compile(
    r"^[ \t]*(?:\d{1,2}[.)]|[-*•]|(?:[a-z]{1,15}[ \t]){0,3}"
    r"(?:interventions?|treatments?|criteri(?:a|on)|exclusions?|inclusions?|arms?|participants)"
    r"[ \t]*:)[^\n]+",
    re.IGNORECASE | re.MULTILINE,
)
"""An item of a list, or a line with the label of a section that is not about outcomes."""
_STATED_BEHIND = re.compile(
    r"(?<=[.;])[ \t](?=(?:(?:the|our) )?(?:(?:co-?|key )?(?:primary|secondary)|main)"
    r" (?:efficacy |study )?(?:outcome|end ?-?point)s?(?: measures?)?(?:\(s\))?"
    r"(?::|[ \t](?:was|were|is|are|will be)\b))",
    re.IGNORECASE,
)
"""The space before words that state endpoints behind a sentence: ". Primary outcome: pain"."""
_LABEL = re.compile(
    rf"(?:(?<=[.;!?)\]\"”%])[ \t]|^[ \t]*)(?P<label>{_UPPER}|{_TITLED}):(?=\s)",
    re.MULTILINE,
)
"""A label at the beginning of a line, or behind a sentence."""


def find_labels(text: str) -> list[re.Match[str]]:
    """Return the labels in a text, if it is a structured abstract. If labels are in capitals, only
    such words are labels.

    >>> text = "METHODS: Adults. Results: none. RESULTS: It helped."
    >>> [found["label"] for found in find_labels(text)]
    ['METHODS', 'RESULTS']
    """
    found = list(_LABEL.finditer(text))
    upper = [label for label in found if label["label"].isupper()]
    for labels in (upper, found):
        core = {label["label"].lower() for label in labels if _CORE.search(label[0])}
        if len(core) >= _FEWEST:
            return labels
    return []


def split_abstract(text: str) -> list[tuple[str, str]]:
    """Return the parts of an abstract as (label, text) pairs: a single part without a label if it
    has none.

    >>> split_abstract("METHODS: Adults took A. RESULTS: It helped.")
    [('METHODS', 'Adults took A.'), ('RESULTS', 'It helped.')]
    """
    labels = find_labels(text)
    starts = [label.start() for label in labels]
    # each part ends where the next label stands; the first one has no label
    first_end, *ends = [*starts, len(text)]
    parts = [("", text[:first_end].strip())]
    for label, end in zip(labels, ends, strict=True):
        parts.append((label["label"], text[label.end() + 1 : end].strip()))
    return [part for part in parts if any(part)]


def break_at_labels(text: str) -> str:
    r"""Return a text of the same length in which each label of an abstract begins a line, as does
    each rank of a line that lists endpoints by rank, and what states endpoints at the end of a line
    about something else. A longer text, which is no abstract, is unchanged.

    >>> break_at_labels("METHODS: Adults took A. RESULTS: It helped.")
    'METHODS: Adults took A.\nRESULTS: It helped.'
    """
    if len(text) > _LONGEST_ABSTRACT:
        return text
    characters = list(text)
    for label in find_labels(text):
        if label.start("label") > label.start():
            characters[label.start("label") - 1] = "\n"
    # the second pattern is searched for in the lines that the first one matches
    lines = "".join(characters)
    for whole, part in ((_RANKED_LINE, _RANK_LABEL), (_FIELD_LINE, _STATED_BEHIND)):
        for line in whole.finditer(lines):
            for found in part.finditer(text, *line.span()):
                for at in range(*found.span()):
                    characters[at] = "\n"
    return "".join(characters)
