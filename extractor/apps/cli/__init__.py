"""The ``extractor`` command: parses arguments and returns an exit code.

Commands: ``run``, ``batch``, ``fetch``, ``parse``, ``report``, ``review``, ``export``, ``list``,
``match``, ``evaluate``, ``gold``, ``diff``, ``serve``, ``mcp``, ``schema`` and ``doctor``. Each
command is a thin wrapper around the package: it reads options, calls one function and prints the
result.

Users and scheduled jobs can rely on the following:

- Results go to standard output or to files; progress, summaries and errors go to standard error.
- An expected error is printed on one line, with its location and a remedy. The exit code is 0
  (done), 1 (some records failed), 2 (wrong usage), 3 (budget reached), 75 (temporary; try again
  later) or 130 (interrupted).
- A run ends with at most a dozen lines of summary and one next step.
- Output never contains a key or a record's control characters.
- If an option has an environment variable, the command line takes precedence over it.
- ``extractor --help`` does not import any command module.

To add a command, write a module with a function of the same name, and add a line to ``COMMANDS`` in
``app.py``. If the command is a group, name the group ``app``. Options that affect an extraction
are declared in ``extractor.options``, and all other options in ``options.py``.
``extractor.run.run`` sets up and performs a run; ``job.py`` builds and performs a command's run.
``console.py`` defines the exit codes, ``texts`` contains the templates of summaries and of
``parse``, and ``rule_places.toml`` lists the rule files that ``parse --explain`` prints.
"""

from extractor.apps.cli.app import main

__all__ = ["main"]
