-- The tables of run.sqlite. Semicolons may occur only at the end of statements.

CREATE TABLE prompts (
    sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, system TEXT NOT NULL, schema TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE calls (  -- written before a call is sent. The key covers the question and the model
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, question TEXT NOT NULL, record_id TEXT, model TEXT NOT NULL,
    prompt TEXT NOT NULL REFERENCES prompts, user BLOB NOT NULL,
    output_limit INTEGER NOT NULL, sent TEXT NOT NULL,
    state TEXT NOT NULL,  -- asked, waiting (for a batch), answered, cut, rejected
    why TEXT NOT NULL DEFAULT '', answer BLOB, ending TEXT, answered_by TEXT, batch INTEGER REFERENCES batches,
    exchanges INTEGER NOT NULL DEFAULT 0, prompt_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0, written_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0, thinking_tokens INTEGER NOT NULL DEFAULT 0,
    dollars REAL  -- null if the price was unknown
);
CREATE INDEX calls_by_key ON calls (key);
CREATE INDEX calls_by_question ON calls (question);
CREATE INDEX calls_by_record ON calls (record_id);
CREATE INDEX calls_by_batch ON calls (batch);
CREATE TABLE records (  -- results: the lines of extractions.jsonl, compressed by zlib. The file is written from this table
    record_id TEXT PRIMARY KEY, text_sha256 TEXT NOT NULL, position INTEGER NOT NULL,
    lacking INTEGER NOT NULL,  -- 1 if an answer from a model is missing
    counts TEXT NOT NULL, packed BLOB NOT NULL
);
CREATE TABLE batches (  -- batches at providers. The state is new, sent (the batch may exist), made (its id is known) or fetched
    id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, requests INTEGER NOT NULL, state TEXT NOT NULL,
    batch TEXT
);
CREATE TABLE requests (  -- requests with an unknown cost. The tokens are the maximum usage
    id INTEGER PRIMARY KEY, call INTEGER NOT NULL REFERENCES calls, prompt_tokens INTEGER NOT NULL,
    written_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    dollars REAL  -- the maximum cost at the current price, live or in a batch, or null if the price was unknown
);
CREATE INDEX requests_by_call ON requests (call);
CREATE TABLE failures (  -- lines of failures.jsonl of the last invocation
    position INTEGER NOT NULL, line BLOB NOT NULL
);
