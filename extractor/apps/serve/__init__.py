"""Provide extraction over HTTP to many callers, each with a key and a spending limit.

``extractor serve`` authenticates callers (``keys``), enforces their spending limits (``money``)
and runs jobs that can continue after the process is killed (``jobs``). Callers cannot see each
other's jobs. Every error is returned as problem details as defined in RFC 9457. Bodies, uploads
and queues are limited in size.

::

    request --> app: id, headers, event --> routes, which require a key
        POST /v1/extractions --> service.extract: one record, answered immediately
        POST /v1/jobs        --> jobs: ROOT/jobs/<caller>/<job>, at most --jobs concurrently

One event loop answers requests, calls the model and writes results; worker processes read and
extract records. All state (callers, their spending, and jobs) is stored in ``ROOT/service.sqlite``
(``store``). A job is stored as a run folder next to its upload, so it is resumed after a restart,
and no answer is paid for twice.

Where to make a change:

- an option of the service: ``settings``; a parameter or body of a request: ``requests``
- an operation: ``routes``; it is public unless it has a parameter of type ``CallerOfRequest`` or
  ``JobOfRequest``. List it in ``docs/reference/service.md`` and in ``OPERATIONS`` in
  ``tests/serve/test_openapi.py``. A problem type: ``assets/problems.toml`` and ``problems``
- a caller's attributes, the requests that a caller may send per minute, or a table: ``store`` and
  ``keys``; cost accounting: ``money``
- a job's attributes, or the conditions under which it fails or pauses: ``job``; the queue, expiry
  and deletion: ``jobs``
- a metric: ``metrics``
- the page for trying out a text: ``playground``
"""
