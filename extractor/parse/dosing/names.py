"""Names of agents as interventions are named: the shortest full name, no dose, form or schedule in it."""

import re
from collections.abc import Iterable

from extractor.parse.requirements import Guarded
from extractor.parse.vocabulary import load_vocabulary

from .amounts import find_amounts

__all__ = [
    "is_alias",
    "is_given",
    "is_vague",
    "list_glosses",
    "name_key",
    "omit_salt",
    "reach_salt",
    "split_names",
    "trim_name",
]

_NAMES = load_vocabulary("agents")
_ROUTES = load_vocabulary("routes")
_JOINTS = re.compile(
    r"(?<!\s)\s*(?:\+|;|\bplus\b(?=\s+\w)|\bin combination with\b|\bcombined with\b|\bfollowed by\b)\s*", re.IGNORECASE
)
_SOFT_JOINTS = re.compile(r"(?<!\s)\s*(?:,|/|\band\b|\bor\b|\bwith\b|&)\s*", re.IGNORECASE)
_LEADING = re.compile(
    r"(?:(?:part|cohort|arm|group|phase|stage|period)\s[^:+,]{0,40}:\s*|"
    r"(?:immunotherapy|treatment|therapy|vaccination|supplementation)\s(?:with|using)\s|(?:drug|biological|intervention|arm|treatment|group|cohort|name|experimental|active|control|part|"
    r"phase)\s?[\w]{0,2}\s?:\s*"
    r"|(?:oral|inhaled|nebuli[sz]ed|intravenous|iv|subcutaneous|single dose|a single dose|high[- ]dose|"
    r"low[- ]dose|medium[- ]dose|"
    r"standard[- ]dose|HD|LD|consolidation|injection|administration|the|blinded|open[- ]label|intranasal|topical|"
    r"sublingual)\s(?:of\s)?)+",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"(?<![\s,:(-])[\s,:(-]+(?:for\s)?(?:(?:cells?\s)?suspension|(?<!aline\s)(?:cells?\s)?solution|injections?|inj\.?|tablets?|"
    r"capsules?|infusions?|oral solution|monotherapy|treatment|arm|group|"
    r"oral|oral product|product|iv|i\.v\.|sc|po|intravenous|subcutaneous|intravenously|solution for .*|"
    r"dose [a-z\d].*|"
    r"cohorts?\b.*|q\d?[wd]|qd|bid|once|twice|daily|weekly|every .*|\(?single\)?|high|low|dose|doses?|dosing|"
    r"\d[\d.]*\s?%|goal\b.*|adjuvant|for\s\d+\s.*|(?<=(?:mab|nib|ate|ine|til|ide|one|ell)\s)therapy|mg|"
    r"nasal spray(?: therapy)?|drops|(?:administered|given|applied|delivered|taken)\s.*|"
    r"(?:transdermal\s)?patch(?:es)?(?:\swith\s.*)?|administration|intervention|injectable.*|only|alone|"
    r"at \d.*|with (?:low|high)\s.*|"
    r"(?<=(?:xtract|rotein|powder| flour)\s)(?:oral |sublingual |subcutaneous )?immunotherapy)[\s)]*$",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"(?<!\s)\s*[\[(]([^\[\]()]*)[\])]")
_NOT_GIVEN = Guarded(
    r"\b(?:(?:blood|urine|stool|saliva|sputum|tissue|sample|specimen)s?\s(?:draws?|drawing|samplings?|"
    r"collections?|tests?)|biops(?:y|ies)|aspirat\w+|"
    r"questionnaires?|surveys?|analys[ie]s|assays?|pcr|polymerase|cytometry|sequencing|monitoring|follow-up|"
    r"assessments?|evaluation|"
    r"sensiti[sz]ation|tests?|testing|registration|imaging|scan|spirometry|interview|education\w*|training|"
    r"diary|quality[- ]of[- ]life|(?:patients?|subjects|participants|children|adults|infants|volunteers|controls|women|"
    r"individuals|allergic|tolerant)(?=\W*$))\b"
)
_SALT = (
    r"(?:(?:hydro)?chloride|sul(?:f|ph)ate|sodium|disodium|calcium|phosphate|acetate|citrate|\w*tosylate|mesylate|"
    r"maleate|tartrate|besylate|succinate|fumarate|propionate|furoate|hydrobromide|hydrate|dihydrate|monohydrate)\b"
)
_SALTS = re.compile(rf"(?<=\w)\s{_SALT}(?!\s\w)", re.IGNORECASE)
_NEXT_SALT = re.compile(rf"\s{_SALT}", re.IGNORECASE)
_VAGUE = re.compile(
    r"\b(?:immuno\s?therapy|challenge|treatment|test(?:ing)?|chemotherapy|protocol|regimen|induction|standard|care|"
    r"consumption|supplement(?:ation)?|administration|intervention|placebo|desensiti[sz]ation|maintenance|control)\b",
    re.IGNORECASE,
)
_TARGET = re.compile(r"\s(?:targeting|directed against)\s")
_PUNCTUATION = re.compile(r",\s|\s-\s|:\s")
_CODE = re.compile(r"\s*[A-Z]{2,}[\w-]*\d[\w-]*\s*")
_LONGEST = 400
"""No name is longer."""
_EDGES = " \t\n-*:,.(®™"
_MARKS = re.compile(r"[®™©]|\((?:r|tm)\)", re.IGNORECASE)
_EMPTY_WORDS = """
    a and or of the arm group cohort part phase b c i ii iii 1 2 3 4 other usual standard single low medium high
    control comparator comparison finding treatment care drug dose study active experimental intervention
    combination chemotherapy expansion escalation placebo-controlled
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())


def is_vague(name: str) -> bool:
    """Whether a name says what is done and not with what: "oral immunotherapy".

    >>> is_vague("Peanut oral immunotherapy"), is_vague("peanut flour")
    (True, False)
    """
    return _VAGUE.search(name) is not None


def is_given(text: str) -> bool:
    """Whether an intervention of that name is given to people, and is no test, sampling or survey.

    >>> is_given("Budesonide 1 mg"), is_given("Blood sampling")
    (True, False)
    """
    return not _NOT_GIVEN.search(text)


def list_glosses(text: str) -> list[str]:
    """Other names that stand in brackets: "mycophenolate (MMF)".

    >>> list_glosses("mycophenolate (MMF)")
    ['MMF']
    """
    return [gloss for found in _BRACKETS.finditer(text) if is_alias(gloss := found[1].strip())]


def is_alias(text: str) -> bool:
    """Whether ``text`` can stand for an agent elsewhere: a name, no dose, route or number."""
    named = 2 < len(text) < 60 and not text.isdigit() and name_key(text) not in _EMPTY
    return named and not find_amounts(text) and not _is_route(text)


def split_names(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The names in ``text[start:end]``; weak joints ("and", ",") part them only where each part is a known agent.

    >>> text = "rituximab + cyclophosphamide and doxorubicin"
    >>> [text[first:last] for first, last in split_names(text, 0, len(text))]
    ['rituximab', 'cyclophosphamide', 'doxorubicin']
    """
    result: list[tuple[int, int]] = []
    for first, last in _cut(text, start, end, _JOINTS):
        finer = _cut(text, first, last, _SOFT_JOINTS)
        known = len(finer) > 1 and all(_NAMES.first(text[a:b]) or _CODE.fullmatch(text, a, b) for a, b in finer)
        result += finer if known and "lacebo" not in text[first:last] else [(first, last)]
    return result


def _cut(text: str, start: int, end: int, joint: re.Pattern[str]) -> list[tuple[int, int]]:
    pieces, position, depth, counted = [], start, 0, start
    for found in joint.finditer(text, start, end):
        depth += text.count("(", counted, found.start()) - text.count(")", counted, found.start())
        counted = found.start()
        if depth <= 0:
            pieces.append((position, found.start()))
            position = found.end()
    pieces.append((position, end))
    return [(a, b) for a, b in pieces if text[a:b].strip()]


def trim_name(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The bounds of the bare name in ``text[start:end]``, or None if nothing names an agent there.

    >>> text = "Oral budesonide (Bud) 1 mg tablets"
    >>> text[slice(*trim_name(text, 0, len(text)))]
    'budesonide'
    """
    start, end = _without_doses(text, start, min(end, start + _LONGEST))
    if lead := _LEADING.match(text, start, end):
        start = lead.end()
    for cut in (_TARGET.search(text, start, end), _BRACKETS.search(text, start + 1, end)):
        end = min(end, cut.start()) if cut else end
    while trail := _TRAILING.search(text[start:end]):
        end = start + trail.start()
    if (cut := _PUNCTUATION.search(text[start:end])) and cut.start() > 2:
        end = start + cut.start()
    while end > start and text[end - 1] in _EDGES:
        end -= 1
    empty = set(name_key(text[start:end]).split()) <= _EMPTY
    return None if end - start < 2 or empty or _is_route(text[start:end]) else (start, end)


def _without_doses(text: str, start: int, end: int) -> tuple[int, int]:
    start = offset = _skip_edges(text, start, end)
    for mark in find_amounts(text[start:end]):
        if offset + mark.start > start + 1:
            return start, offset + mark.start
        start = _skip_edges(text, offset + mark.end, end)
    return start, end


def _skip_edges(text: str, start: int, end: int) -> int:
    while start < end and text[start] in _EDGES:
        start += 1
    return start


def _is_route(text: str) -> bool:
    return any(found.end - found.start >= len(text) - 1 for found in _ROUTES.find(text + "."))


def omit_salt(name: str, texts: Iterable[str]) -> int:
    """How many characters of a name to keep: without its salt if any of the texts names the agent without it.

    >>> omit_salt("vincristine sulfate", ["Vincristine 1.4 mg/m2"]), omit_salt("vincristine sulfate", [])
    (11, 19)
    """
    salt = _SALTS.search(name)
    if salt is None or salt.end() < len(name):
        return len(name)
    bare = re.compile(rf"\b{re.escape(name[: salt.start()])}\b(?!\s{_SALT})", re.IGNORECASE)
    return salt.start() if any(map(bare.search, texts)) else len(name)


def reach_salt(text: str, end: int) -> int:
    """The end of the salt that is named behind an agent's name, or ``end``.

    >>> reach_salt("fludarabine phosphate IV", 11)
    21
    """
    found = _NEXT_SALT.match(text, end)
    return found.end() if found else end


def name_key(name: str) -> str:
    """The form in which names are compared: lower case, no hyphens, salts or trade marks.

    >>> name_key("Doxorubicin hydrochloride") == name_key("doxorubicin"), name_key("CAR-T  cells")
    (True, 'car t cells')
    """
    folded = name.lower()
    if folded.isalnum():
        return folded
    return " ".join(_SALTS.sub("", _MARKS.sub(" ", folded)).replace("-", " ").split())
