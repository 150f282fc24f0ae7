-- Which transaction wrote an entry: those from before are not fed. Whoever follows is told what transactions wrote that
-- are over, and before which no other is under way, so that nothing is passed over which is begun early and committed late.
ALTER TABLE history ADD COLUMN written_by xid8;
ALTER TABLE history ALTER COLUMN written_by SET DEFAULT pg_current_xact_id();

CREATE INDEX history_in_order ON history (written_by, meeting, seq) WHERE written_by IS NOT NULL;
