"""Extract over HTTP for many callers, each with a key and a spending limit.

``extractor serve`` decides who may ask (``keys``), what each may spend (``money``), and runs jobs
that survive a kill (``jobs``). Callers do not see each other. Every error is a problem of RFC 9457.
Bodies, uploads and queues have limits.

::

    request --> app: id, headers, event --> routes, behind a key
        POST /v1/extractions --> service.extract: one record, answered at once
        POST /v1/jobs        --> jobs: ROOT/jobs/<caller>/<job>, at most --jobs at once

One event loop answers, asks the model and writes results; worker processes read and extract
records. All state is in ``ROOT/service.sqlite`` (``store``): callers, what they spent, jobs. A job
is the folder of a run beside its upload, so a restart continues it and pays for no answer twice.

To change it, open:

- an option of the service: ``settings``; a parameter or a body of requests: ``requests``
- an operation: ``routes``; it is open to everybody unless it takes ``CallerOfRequest`` or
  ``JobOfRequest``. It is also listed in ``docs/reference/service.md`` and in ``OPERATIONS`` of
  ``tests/serve/test_openapi.py``. A kind of problem: ``assets/problems.toml`` and ``problems``
- what a caller has, or a table: ``store`` and ``keys``; what counts as money: ``money``
- what a job shows, or when it fails or pauses: ``job``; its queue, age and deletion: ``jobs``
- the page to try a text: ``playground``
"""
