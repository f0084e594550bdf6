-- Times are milliseconds since the Unix epoch, sizes are bytes, JSON is as the model serialises it, and local paths
-- are the system's own bytes (a BLOB), because a file name need not be text. No secret is stored anywhere here.

CREATE TABLE accounts (
    name     TEXT NOT NULL PRIMARY KEY,
    service  TEXT NOT NULL,
    url      TEXT NOT NULL,
    settings TEXT NOT NULL,
    created  INTEGER NOT NULL,
    practice INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One drop or one command each; AUTOINCREMENT so that a number is never used again.
CREATE TABLE batches (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE transfers (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    batch         INTEGER NOT NULL,
    direction     TEXT NOT NULL,
    account       TEXT NOT NULL,
    place         TEXT NOT NULL,
    name          TEXT NOT NULL,
    local         BLOB NOT NULL,
    size          INTEGER,
    bytes_done    INTEGER NOT NULL DEFAULT 0,
    state         TEXT NOT NULL,     -- the state's name
    state_json    TEXT NOT NULL,     -- the state with its proof, problem or reason
    reason        TEXT,              -- why it waits; NULL unless it waits
    live          INTEGER NOT NULL,  -- 1 until it is settled
    ready_at      INTEGER,           -- 0: may start; a time: may start then; NULL: not by itself
    priority      INTEGER NOT NULL DEFAULT 0,
    position      INTEGER NOT NULL,  -- place in the queue, ascending, with gaps
    on_clash      TEXT NOT NULL,
    shape         TEXT NOT NULL,
    verify        TEXT NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    created       INTEGER NOT NULL,
    changed       INTEGER NOT NULL,
    digests       TEXT NOT NULL,
    metadata      TEXT NOT NULL,
    fingerprint   TEXT,
    plan          TEXT,
    session       TEXT
) STRICT;

-- Lists by state, by account and state, of one batch, of one container; always in order of id.
CREATE INDEX transfers_by_state ON transfers (state);
CREATE INDEX transfers_by_account ON transfers (account, state);
CREATE INDEX transfers_by_batch ON transfers (batch);
CREATE INDEX transfers_by_place ON transfers (account, place);
-- The next row to start, account by account, so that a full account in front hides nobody behind it.
CREATE INDEX transfers_ready ON transfers (account, priority DESC, position) WHERE ready_at = 0;
-- Rows that wait for a time, the earliest first.
CREATE INDEX transfers_timed ON transfers (ready_at) WHERE ready_at > 0;
-- Rows that wait for something to happen.
CREATE INDEX transfers_held ON transfers (reason) WHERE ready_at IS NULL AND reason IS NOT NULL;
-- Neighbours in the queue.
CREATE INDEX transfers_by_position ON transfers (position) WHERE live = 1;

-- What the service accepted, part by part.
CREATE TABLE receipts (
    transfer INTEGER NOT NULL REFERENCES transfers (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    offset   INTEGER NOT NULL,
    length   INTEGER NOT NULL,
    crc32c   INTEGER NOT NULL,
    md5      TEXT,
    etag     TEXT,
    PRIMARY KEY (transfer, number)
) STRICT, WITHOUT ROWID;

-- Numbered state changes. They outlive their transfer's row until they are pruned.
CREATE TABLE events (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    transfer INTEGER NOT NULL,
    state    TEXT NOT NULL
) STRICT;

-- Sums kept by the triggers below, because counting a million rows for a status bar takes too long.
CREATE TABLE counts (
    state      TEXT NOT NULL PRIMARY KEY,
    transfers  INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    bytes_done INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER count_added AFTER INSERT ON transfers BEGIN
    INSERT INTO counts VALUES (new.state, 1, ifnull(new.size, 0), new.bytes_done)
    ON CONFLICT (state) DO UPDATE SET transfers = transfers + 1,
        bytes = bytes + excluded.bytes, bytes_done = bytes_done + excluded.bytes_done;
END;

CREATE TRIGGER count_removed AFTER DELETE ON transfers BEGIN
    UPDATE counts SET transfers = transfers - 1,
        bytes = bytes - ifnull(old.size, 0), bytes_done = bytes_done - old.bytes_done
    WHERE state = old.state;
END;

CREATE TRIGGER count_changed AFTER UPDATE OF state, size, bytes_done ON transfers
WHEN new.state <> old.state OR new.size IS NOT old.size OR new.bytes_done <> old.bytes_done BEGIN
    UPDATE counts SET transfers = transfers - 1,
        bytes = bytes - ifnull(old.size, 0), bytes_done = bytes_done - old.bytes_done
    WHERE state = old.state;
    INSERT INTO counts VALUES (new.state, 1, ifnull(new.size, 0), new.bytes_done)
    ON CONFLICT (state) DO UPDATE SET transfers = transfers + 1,
        bytes = bytes + excluded.bytes, bytes_done = bytes_done + excluded.bytes_done;
END;

-- Every file that arrived, kept when its transfer is cleared.
CREATE TABLE ledger (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT NOT NULL,
    service     TEXT NOT NULL,
    direction   TEXT NOT NULL,
    place       TEXT NOT NULL,
    name        TEXT NOT NULL,
    path        TEXT NOT NULL,     -- how the connector finds the file; ends in an id where the service names files so
    local       BLOB NOT NULL,
    size        INTEGER NOT NULL,
    fingerprint TEXT,
    md5         TEXT,
    sha256      TEXT,
    proof       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    checked     INTEGER,           -- when the proof was last renewed by a check
    transfer    INTEGER
) STRICT;

CREATE INDEX ledger_by_path ON ledger (account, path);
CREATE INDEX ledger_by_place ON ledger (account, place);
CREATE INDEX ledger_by_sha256 ON ledger (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX ledger_by_time ON ledger (at);

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
