-- Whether a room's owner is told of what happens: nothing is owed to those who are not.
ALTER TABLE rooms ADD COLUMN listens boolean NOT NULL DEFAULT false;
-- Not as jsonb, which takes no NUL.
UPDATE rooms SET listens = true WHERE document::json -> 'is' ->> 'webhook' IS NOT NULL;
