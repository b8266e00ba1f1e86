"""Extraction over HTTP for many callers.

::

    caller --HTTP--> envelope (request id, headers, event) --> routes, behind a caller's key and
        rate POST /v1/extractions --> Service.extract: one record, answered at once POST /v1/jobs
        --> ROOT/jobs/<caller>/<job> --> JobRunner: a task per running job

Everything runs in one event loop, with executors whose processes do the computing. The loop itself
asks the model within the service's money, and writes results. A job is the folder of a run beside
its upload, so it continues after any end of the service.
"""
