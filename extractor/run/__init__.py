"""A run: extract many records in order, and write their extractions to a folder.

::

    inputs --(thread)--> loop --> executor: here, workers --> line --> run.sqlite --> files
                          ^ |
                          | v
                   model, its calls and budget: in this process alone

- **One run** (``run``): ``Run`` combines the options, inputs and processes for Python, the command
  line and the service, and determines why the run ended. After a stop, no new records are started,
  but finished results are kept.
- **Order and limits** (``records``): records are read one after another in a thread. Only a limited
  number of records are in progress at once, and only these are held in memory. A failed record does
  not stop the others.
- **Crashes** (``store``): ``run.sqlite`` is authoritative. A record is finished when its row is
  committed, and a call is committed before it is sent. Therefore, ``kill -9`` never loses a
  finished record or a usable answer, and the same command continues the run.
- **Files** (``folder``, ``files``): ``extractions.jsonl`` grows as records finish. At the end, both
  this file and ``failures.jsonl`` are written from the store in input order. Only one process at a
  time writes to a folder.
- **Repeated runs** (``manifest``): ``run.json`` contains the settings that determine results; a run
  with different settings is rejected. ``--fresh`` moves the earlier run to a separate folder.
- **One record** (``steps``): plan, ask the model, finish.
- **Processes** (``executor``, ``worker``): steps are pure functions, which are repeated in another
  process if their process dies. If a record kills its process twice, or takes too long, only this
  record fails.
- **Other modules**: ``forecast`` (``--dry-run``), ``progress``, ``batches``, and ``finished``
  (reading a run's results, and reading its records again).
"""
