"""Which changed quotes does `verify_quote` accept, and which changed values does grounding? Tables on stdout.

    python -m benchmarks.mutations --data DIR [--n 20000] [--seed 1] [--errors N] [--compare]

Lines and clauses are drawn from the criteria, arms and outcomes of the folder's records. Half of them are changed in
one critical token (a number, exponent, comparator, unit, negation, and/or): one that is accepted has escaped. The
others are changed in form alone: one that is refused, or found in another place, is refused wrongly.
"conflict named" is the share for which the check says which tokens differ.

Where the folder has labels, each labelled limit, dose, time and instrument is held against its text, as it is and
changed in one part: labels that are refused, and changed values that pass as literal or parsed.

``--compare`` puts the same quotes to instructor, langextract and llm-ie with their defaults, and prints one table in
Markdown; needs the extra ``compare``, and takes about ten seconds for every thousand.
"""

import argparse
import random
import re
import time
from collections.abc import Iterator, Sequence

from benchmarks.label_files import add_data_option
from extractor import QuoteStatus, verify_quote

from .checkers import Checker, load_checkers
from .figures import Verdict, format_comparison, format_kinds, format_values, tally_verdicts
from .quotes import draw_quotes
from .trials import Trial, make_trials
from .values import is_supported, make_value_trials


def main() -> None:
    """Print the tables."""
    chosen = _read_arguments()
    rng = random.Random(chosen.seed)
    trials = list(make_trials(draw_quotes(chosen.data, rng), chosen.n, rng))
    began = time.perf_counter()
    own = [judge(trial) for trial in trials]
    each = (time.perf_counter() - began) / len(trials)
    print(format_kinds(tally_verdicts(own)), f"\n{each * 1000:.2f} ms a quote\n")
    print(*_show_wrong(own, chosen.errors), sep="\n")
    if (chosen.data / "labels").is_dir():
        values = make_value_trials(chosen.data, rng)
        print(format_values((trial.name, bool(trial.change), is_supported(trial)) for trial in values), end="\n\n")
    if chosen.compare:
        others = {name: _judge_all(checker, trials) for name, checker in load_checkers().items()}
        print(format_comparison({name: tally_verdicts(v) for name, v in ({"extractor": own} | others).items()}))


def judge(trial: Trial) -> Verdict:
    """This project's verdict; a harmless quote must also be found where it was drawn, or where the same words stand."""
    found = verify_quote(trial.quote, trial.drawn.text)
    accepted = found.status in (QuoteStatus.EXACT, QuoteStatus.FOLDED)
    placed = _letters(trial.drawn.text[found.start : found.end]) == _letters(trial.drawn.quote)
    return Verdict(trial, accepted and (placed or trial.harmful), found.status is QuoteStatus.CONFLICT)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text).lower()


def _judge_all(checker: Checker, trials: Sequence[Trial]) -> list[Verdict]:
    return [Verdict(trial, checker(trial.quote, trial.drawn.text)) for trial in trials]


def _show_wrong(verdicts: Sequence[Verdict], limit: int) -> Iterator[str]:
    for verdict in [verdict for verdict in verdicts if verdict.wrong][:limit]:
        yield f"{verdict.trial.kind}: {verdict.trial.quote!r}\n  in {verdict.trial.drawn.quote!r}\n"


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--n", type=int, default=20_000, help="how many changed quotes (default: 20000)")
    parser.add_argument("--seed", type=int, default=1, help="of the draws (default: 1)")
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="show N wrong verdicts")
    parser.add_argument("--compare", action="store_true", help="other libraries' checkers too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
