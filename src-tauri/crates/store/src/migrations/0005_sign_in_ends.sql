-- Until when an account's sign-in is good, and who said so (`token` or `person`); both NULL where nobody did. The token itself
-- is the vault's and stands nowhere here.

ALTER TABLE accounts ADD COLUMN ends INTEGER;
ALTER TABLE accounts ADD COLUMN ends_told_by TEXT;
