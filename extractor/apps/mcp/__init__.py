"""A local server of the Model Context Protocol: an agent extracts a text or a trial, and checks its
own claims.

``extract_text`` and ``extract_record`` answer with the values, their words and places;
``verify_quote`` with whether a text has some words; ``list_fields`` with what is extracted. Each
call is limited in time and size, and all calls since the server started share one spending limit.
Files are read below one folder, the only addresses are the registry's and the model's, and nothing
is written.

- ``desk`` has a method for each tool, which reads records and extracts them in a worker process,
  within the limits. Add a method there and register it in ``open_server``.
- ``reading`` runs in that process. ``answers`` has what the tools return; add a field there.
"""
