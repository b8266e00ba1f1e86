"""Measure what the rules read against what people of another project marked in eligibility texts.

    python -m benchmarks.human FILE [--half 0|1] [--show]

Each line of FILE is a text with its marks. With ``comparisons`` it is like
``human/lct_comparisons.jsonl.gz`` of the data beside the checkout: the Leaf Clinical Trials corpus
(Dobbins, Mullen, Uzuner, Yetisgen, Scientific Data 2022; CC BY 4.0), whose bounds are compared. With
``marks`` it is like ``human/chia_marks.jsonl.gz``: Chia (Kury, Butler, Yuan, Fu, Sun, Liu, Sim, Carini,
Weng, Scientific Data 2020; CC BY 4.0), whose values and times are compared, and what each belongs to.
``--half`` reads the texts of one half, by a hash of their trials; ``--show`` prints what is not
right.
"""

from benchmarks.data import fold_of, parse_options, read_lines
from benchmarks.human import bounds, owners


def main() -> None:
    """Print the shares, and on request what is not right."""
    chosen = parse_options(__doc__, "file", half=int, show=False)
    rows = [
        row
        for row in read_lines(chosen.file)
        if chosen.half is None
        or fold_of(row["id"].partition("_")[0]) % 2 == chosen.half
    ]
    kind = owners if rows and "marks" in rows[0] else bounds
    kind.report(rows, show=chosen.show)


if __name__ == "__main__":
    main()
