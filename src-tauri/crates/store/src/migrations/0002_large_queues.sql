-- What a queue of a million rows needs besides.

-- Rows of a batch by state, and files of a container by name: both are asked for while the batch or container is large.
DROP INDEX transfers_by_batch;
CREATE INDEX transfers_by_batch ON transfers (batch, state);
DROP INDEX transfers_by_place;
CREATE INDEX transfers_by_place ON transfers (account, place, name);

-- Rows that wait for something else than their turn, by reason. A query must repeat the condition to use it.
DROP INDEX transfers_held;
CREATE INDEX transfers_stuck ON transfers (reason) WHERE reason NOT IN ('turn', 'interrupted');

-- Their number by reason, kept by triggers like the sums in `counts`.
CREATE TABLE stuck (
    reason    TEXT NOT NULL PRIMARY KEY,
    transfers INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO stuck SELECT reason, count(*) FROM transfers
WHERE reason NOT IN ('turn', 'interrupted') GROUP BY reason;

CREATE TRIGGER stuck_added AFTER INSERT ON transfers
WHEN new.reason NOT IN ('turn', 'interrupted') BEGIN
    INSERT INTO stuck VALUES (new.reason, 1) ON CONFLICT (reason) DO UPDATE SET transfers = transfers + 1;
END;

CREATE TRIGGER stuck_removed AFTER DELETE ON transfers
WHEN old.reason NOT IN ('turn', 'interrupted') BEGIN
    UPDATE stuck SET transfers = transfers - 1 WHERE reason = old.reason;
END;

CREATE TRIGGER stuck_came AFTER UPDATE OF reason ON transfers
WHEN new.reason IS NOT old.reason AND new.reason NOT IN ('turn', 'interrupted') BEGIN
    INSERT INTO stuck VALUES (new.reason, 1) ON CONFLICT (reason) DO UPDATE SET transfers = transfers + 1;
END;

CREATE TRIGGER stuck_went AFTER UPDATE OF reason ON transfers
WHEN new.reason IS NOT old.reason AND old.reason NOT IN ('turn', 'interrupted') BEGIN
    UPDATE stuck SET transfers = transfers - 1 WHERE reason = old.reason;
END;

-- Names by every three letters in a row. It holds numbers of rows only; what it finds is compared once more.
CREATE VIRTUAL TABLE names USING fts5 (
    name, content = 'transfers', content_rowid = 'id', tokenize = 'trigram', detail = none, columnsize = 0
);
INSERT INTO names (names) VALUES ('rebuild');

CREATE TRIGGER name_added AFTER INSERT ON transfers BEGIN
    INSERT INTO names (rowid, name) VALUES (new.id, new.name);
END;

CREATE TRIGGER name_removed AFTER DELETE ON transfers BEGIN
    INSERT INTO names (names, rowid, name) VALUES ('delete', old.id, old.name);
END;

CREATE TRIGGER name_changed AFTER UPDATE OF name ON transfers WHEN new.name <> old.name BEGIN
    INSERT INTO names (names, rowid, name) VALUES ('delete', old.id, old.name);
    INSERT INTO names (rowid, name) VALUES (new.id, new.name);
END;
