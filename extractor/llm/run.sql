-- The tables of run.sqlite. Semicolons may only end statements.

CREATE TABLE chains (  -- a call with its re-asks, whose replies are answers only if it is valid
    id INTEGER PRIMARY KEY, record_id TEXT, prompt TEXT NOT NULL, prompt_version INTEGER NOT NULL,
    prompt_sha256 TEXT NOT NULL, verdict TEXT, why TEXT NOT NULL DEFAULT ''
);
CREATE TABLE calls (  -- an HTTP exchange, written before it is sent, without a status until a reply comes
    id INTEGER PRIMARY KEY, chain INTEGER NOT NULL REFERENCES chains, key TEXT NOT NULL, question TEXT NOT NULL,
    model TEXT NOT NULL, request BLOB NOT NULL, status INTEGER, reply BLOB, finish_reason TEXT,
    exchanges INTEGER NOT NULL DEFAULT 1, prompt_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0, output_tokens INTEGER NOT NULL DEFAULT 0, sent TEXT NOT NULL,
    picodollars INTEGER  -- null if the price was unknown
);
CREATE INDEX calls_by_key ON calls (key);
CREATE INDEX calls_by_question ON calls (question);
CREATE INDEX calls_by_chain ON calls (chain);
CREATE INDEX chains_by_record ON chains (record_id);
CREATE TABLE uses (  -- the latest call whose reply answered a record's question, sent or served from this store
    record_id TEXT NOT NULL, question TEXT NOT NULL, call INTEGER NOT NULL REFERENCES calls,
    PRIMARY KEY (record_id, question)
) WITHOUT ROWID;
CREATE TABLE records (  -- state is done, or lacking if an answer of a model is missing
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
CREATE TABLE batches (  -- a provider's batch, whose state is planned, sent (its file is uploaded), made or fetched
    id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, requests INTEGER NOT NULL, state TEXT NOT NULL,
    input_file TEXT, batch TEXT, output_file TEXT, error_file TEXT
);
CREATE TABLE batch_requests (  -- batch is null until the request is planned, and again if its batch gave no answer
    name TEXT PRIMARY KEY, batch INTEGER REFERENCES batches, body BLOB NOT NULL, bytes INTEGER NOT NULL,
    status INTEGER, reply BLOB, taken INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX batch_requests_by_batch ON batch_requests (batch);
