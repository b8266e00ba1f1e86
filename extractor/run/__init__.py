"""A run: many records go in, in order; a folder with their extractions comes out.

::

    inputs --(thread)--> loop --> executor: here, workers --> line --> run.sqlite --> files
                          ^ |
                          | v
                   model, its calls and budget: in this process alone

- **One run** (``run``): ``Run`` has the options, inputs and processes of Python, the command or the
  service, and finds the reason of the end. A stop starts nothing new and keeps what finishes.
- **Order and bounds** (``records``): records are read one after another in a thread, a bounded
  number is in progress, and only these are in memory. A failed record never stops the others.
- **Crashes** (``store``): ``run.sqlite`` alone counts. A record is finished when its row is
  committed; a call is committed before it is sent. So ``kill -9`` at any point loses no finished
  record and no usable answer; the same command continues.
- **Files** (``folder``, ``files``): ``extractions.jsonl`` grows as records finish; at the end, it
  and ``failures.jsonl`` are written from the store in input order. One process at a time writes.
- **Again** (``manifest``): ``run.json`` has what decides results; other settings are refused.
  ``--fresh`` moves the earlier run into a folder of its own.
- **Processes** (``executor``, ``worker``): steps are pure functions, repeated elsewhere if
  a process is lost. A record that kills its process twice, or takes too long, fails alone.
- **Beside it**: ``forecast`` (``--dry-run``), ``progress``, ``batches``, and ``finished`` (a run's
  results, and its records read again).
"""
