-- The tables of run.sqlite. Semicolons may only end statements.

CREATE TABLE prompts (
    sha256 TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, system TEXT NOT NULL, schema TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE calls (  -- written before it is sent. The key covers question and model
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
CREATE TABLE records (  -- a result: its line of extractions.jsonl, packed by zlib. That file is written from them
    record_id TEXT PRIMARY KEY, text_sha256 TEXT NOT NULL, position INTEGER NOT NULL,
    lacking INTEGER NOT NULL,  -- 1 if an answer of a model is missing
    counts TEXT NOT NULL, packed BLOB NOT NULL
);
CREATE TABLE batches (  -- a provider's batch, whose state is sent (it may exist), made (its id is known) or fetched
    id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, requests INTEGER NOT NULL, state TEXT NOT NULL,
    batch TEXT
);
CREATE TABLE requests (  -- sent, and no reply states what they cost. The tokens are the most that they may use
    id INTEGER PRIMARY KEY, call INTEGER NOT NULL REFERENCES calls, prompt_tokens INTEGER NOT NULL,
    written_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    dollars REAL  -- at the price of its day, live or in a batch, null if that was unknown
);
CREATE INDEX requests_by_call ON requests (call);
CREATE TABLE failures (  -- lines of failures.jsonl of the last invocation
    position INTEGER NOT NULL, line BLOB NOT NULL
);
