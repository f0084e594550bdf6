-- Proven files that their rule puts away, some of them only a good while later.

ALTER TABLE watched_files ADD COLUMN put_away INTEGER;   -- when it was
ALTER TABLE watched_files ADD COLUMN stays TEXT;         -- why it was not, the last time that was tried
ALTER TABLE watched_files ADD COLUMN tried INTEGER;      -- when that was

CREATE INDEX watched_to_put_away ON watched_files (folder, verified)
WHERE state = 'done' AND verified IS NOT NULL AND put_away IS NULL;
