"""Eligibility annotations in brat's standoff format become gold of this project.

::

    .txt + .ann --standoff--> entities, relations --criteria--> criteria --people--> TrialExtraction
                                        mapping.toml says what each name means

What the mapping or the grammars cannot carry over is reported and left empty, never guessed.
"""

from .problems import BratProblem
from .trials import import_brat
from .writing import ImportCounts, write_brat_import

__all__ = ["BratProblem", "ImportCounts", "import_brat", "write_brat_import"]
