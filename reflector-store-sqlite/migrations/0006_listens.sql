-- Whether a room's owner is told of what happens: nothing is owed to those who are not.
ALTER TABLE rooms ADD COLUMN listens INTEGER NOT NULL DEFAULT FALSE;
UPDATE rooms SET listens = json_extract(document, '$.is.webhook') IS NOT NULL;
