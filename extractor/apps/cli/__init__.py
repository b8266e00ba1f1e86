"""The command ``extractor``: arguments in, exit code out.

Commands: ``run``, ``batch``, ``fetch``, ``parse``, ``report``, ``review``, ``export``, ``list``,
``evaluate``, ``gold``, ``diff``, ``serve``, ``mcp``, ``schema`` and ``doctor``. Each one is a thin
function over the package: it reads options, calls one function, and prints the result.

For anyone who types a command or schedules one:

- Results go to standard output or files; progress, summary and errors to standard error.
- An expected error is one line with its place and remedy. The exit code is 0 (done), 1 (some
  records failed), 2 (wrong usage), 3 (budget reached), 75 (temporary; try again later) or 130
  (interrupted).
- A run ends with at most a dozen lines of summary and one next step.
- No output has a key, or a control character of a record.
- An option may come from its environment variable; the command line has precedence.
- ``extractor --help`` loads no command.

To add a command, write a module with a function of its name, and give it a line in ``COMMANDS`` of
``app.py`` (a group is named ``app``). An option of an extraction is declared in
``extractor.options``, one of commands alone in ``options.py``. A run is set up and performed in
``extractor.run.run``; ``job.py`` builds the run from the options. Exit codes are in ``console.py``,
the words of summaries and of ``parse`` in ``texts``, and the rule files that ``parse --explain``
names in ``rule_places.toml``.
"""

from extractor.apps.cli.app import main

__all__ = ["main"]
