-- The tables of a run's file, run.sqlite. A semicolon ends each statement and stands nowhere else.

CREATE TABLE chains (  -- a call with its re-asks, only the replies of a valid one count as answers
    id INTEGER PRIMARY KEY, record_id TEXT, prompt TEXT NOT NULL, prompt_version INTEGER NOT NULL,
    prompt_sha256 TEXT NOT NULL, verdict TEXT, why TEXT NOT NULL DEFAULT ''
);
CREATE TABLE calls (  -- an HTTP exchange, written before it is sent, without status where no reply came
    id INTEGER PRIMARY KEY, chain INTEGER NOT NULL REFERENCES chains, key TEXT NOT NULL, question TEXT NOT NULL,
    model TEXT NOT NULL, request BLOB NOT NULL, status INTEGER, reply BLOB, finish_reason TEXT,
    exchanges INTEGER NOT NULL DEFAULT 1, prompt_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0, sent TEXT NOT NULL,
    picodollars INTEGER  -- none where no price was known
);
CREATE INDEX calls_by_key ON calls (key);
CREATE INDEX calls_by_question ON calls (question);
CREATE INDEX calls_by_chain ON calls (chain);
CREATE INDEX chains_by_record ON chains (record_id);
CREATE TABLE uses (  -- which call's reply a record's question got last, asked for or served from here
    record_id TEXT NOT NULL, question TEXT NOT NULL, call INTEGER NOT NULL REFERENCES calls,
    PRIMARY KEY (record_id, question)
) WITHOUT ROWID;
CREATE TABLE records (  -- state is done, or lacking where some answer of a model is missing
    record_id TEXT PRIMARY KEY, text_sha256 TEXT NOT NULL, path TEXT NOT NULL, place TEXT, invocation INTEGER NOT NULL,
    position INTEGER NOT NULL, state TEXT NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    counts TEXT NOT NULL
);
CREATE TABLE answers (  -- the valid items of a model's answers to the records above
    record_id TEXT NOT NULL, chunk INTEGER NOT NULL, section TEXT NOT NULL, start INTEGER NOT NULL,
    "end" INTEGER NOT NULL, text TEXT NOT NULL, text_sha256 TEXT NOT NULL, task TEXT NOT NULL, fields TEXT NOT NULL,
    item TEXT NOT NULL, model TEXT NOT NULL
);
CREATE INDEX answers_by_record ON answers (record_id);
CREATE TABLE batches (  -- a provider's batch: planned, sent (its file is there), made, then as the provider says
    id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, requests INTEGER NOT NULL, state TEXT NOT NULL,
    input_file TEXT, batch TEXT, output_file TEXT, error_file TEXT
);
CREATE TABLE batch_requests (  -- without a batch until it is planned, and again if that gave no answer
    name TEXT PRIMARY KEY, batch INTEGER REFERENCES batches, body BLOB NOT NULL, bytes INTEGER NOT NULL,
    status INTEGER, reply BLOB, taken INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX batch_requests_by_batch ON batch_requests (batch);
