-- How a rule stands is said every minute, and its files are counted for that: of ten thousand files this reads an index of a
-- few hundred KiB, and not every row.

CREATE INDEX watched_counted ON watched_files (folder, account, place, state, verified);
