"""The product as a service over HTTP, for many callers.

::

    caller --HTTP--> Guard (every answer's headers, problem, figures) --> app, behind a caller's key and limits
        POST /v1/extractions --> Extractions: processes that extract a body each, by the rules or with the model
        POST /v1/jobs        --> JobFolders ROOT/<caller>/<job> --> JobRunner: a process for each job under way

Texts are read and extracted in processes of their own, so that none of them can slow down or end the service. A job is
a run's folder, with its upload beside it: whatever ends the service, the job goes on when it starts again.
"""
