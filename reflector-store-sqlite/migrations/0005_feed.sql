-- In which order entries were written, of all histories: those from before are not fed. One connection writes at a time,
-- so the order of the numbers is that of the commits.
ALTER TABLE history ADD COLUMN place INTEGER;
CREATE UNIQUE INDEX history_in_order ON history (place) WHERE place IS NOT NULL;
