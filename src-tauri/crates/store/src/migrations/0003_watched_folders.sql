-- Watched folders. Paths are the system's own bytes, as everywhere; a file's key is its path inside the folder with "/",
-- in Unicode's normal form C.

CREATE TABLE watched_folders (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    rule     TEXT NOT NULL,     -- as the model serialises it
    account  TEXT NOT NULL,
    place    TEXT NOT NULL,
    created  INTEGER NOT NULL,
    -- Numbers of the folder's disk and of the folder on it, to tell when another one stands in its place.
    device   INTEGER,
    inode    INTEGER,
    -- What the process that watches last knew: state, reason, counts, times.
    live     TEXT
) STRICT;

-- What became of each file. A destination has a ledger of its own: what one server has says nothing about another.
CREATE TABLE watched_files (
    folder      INTEGER NOT NULL REFERENCES watched_folders (id) ON DELETE CASCADE,
    account     TEXT NOT NULL,
    place       TEXT NOT NULL,
    key         TEXT NOT NULL,
    path        BLOB NOT NULL,
    size        INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    file_id     INTEGER,
    run         TEXT,
    state       TEXT NOT NULL,
    why         TEXT,
    md5         TEXT,
    sha256      TEXT,
    remote      TEXT,
    transfer    INTEGER,
    first_seen  INTEGER NOT NULL,
    changed     INTEGER NOT NULL,
    verified    INTEGER,
    PRIMARY KEY (folder, account, place, key)
) STRICT, WITHOUT ROWID;

-- Files on their way, files by content, and by the number the file system gave them.
CREATE INDEX watched_by_state ON watched_files (folder, state, changed);
CREATE INDEX watched_by_sha256 ON watched_files (folder, sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX watched_by_file_id ON watched_files (folder, file_id) WHERE file_id IS NOT NULL;

-- Records that were made for runs.
CREATE TABLE watched_runs (
    folder  INTEGER NOT NULL REFERENCES watched_folders (id) ON DELETE CASCADE,
    account TEXT NOT NULL,
    place   TEXT NOT NULL,
    run     TEXT NOT NULL,
    record  TEXT,               -- the record's path; NULL while it is being made
    created INTEGER NOT NULL,
    PRIMARY KEY (folder, account, place, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_by_transfer ON ledger (transfer) WHERE transfer IS NOT NULL;
