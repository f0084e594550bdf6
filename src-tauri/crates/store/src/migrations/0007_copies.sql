-- Copies from one place to another. A local path is the system's own bytes, as everywhere.

CREATE TABLE copies (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  TEXT NOT NULL,     -- where the files are
    paths    TEXT NOT NULL,     -- what was asked for, as JSON
    source   TEXT NOT NULL,     -- what of it is shown
    to_account TEXT NOT NULL,
    place    TEXT NOT NULL,
    on_clash TEXT NOT NULL,
    state    TEXT NOT NULL,
    problem  TEXT,              -- what keeps the copy as a whole from going on
    -- Counts the changes. A step is written only onto the state it was decided on, so that a process that stops a copy and
    -- one that moves it do not undo each other's word; and who shows copies sees which of them changed.
    turn     INTEGER NOT NULL DEFAULT 0,
    created  INTEGER NOT NULL,
    changed  INTEGER NOT NULL
) STRICT;

CREATE INDEX copies_open ON copies (state) WHERE state <> 'done';

CREATE TABLE copied_files (
    copy     INTEGER NOT NULL REFERENCES copies (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    path     TEXT NOT NULL,
    name     TEXT NOT NULL,
    size     INTEGER,
    told     TEXT NOT NULL,
    step     TEXT NOT NULL,
    local    BLOB,
    fetched_proven INTEGER NOT NULL,
    verified INTEGER NOT NULL,
    download INTEGER,
    upload   INTEGER,
    problem  TEXT,
    PRIMARY KEY (copy, number)
) STRICT, WITHOUT ROWID;

-- Files by how far they are, and their sums, which are told with every change.
CREATE INDEX copied_by_step ON copied_files (copy, step, verified, size);
