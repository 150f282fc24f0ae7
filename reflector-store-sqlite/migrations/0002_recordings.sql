-- Recordings: each is one version of one object. A deleted one stays, so that its object is not taken in again.

CREATE TABLE recordings (
    id             BLOB    NOT NULL PRIMARY KEY,
    bucket         TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    -- Which of the objects that ever had the key: 'id' or 'tag', and its text.
    object_version TEXT    NOT NULL,
    -- Its number among the recordings of its key, from 1, and what orders it among them, as it came.
    revision       INTEGER NOT NULL,
    sequencer      TEXT,
    -- Which write of it this is.
    version        INTEGER NOT NULL,
    received_at    INTEGER NOT NULL,
    -- The room of the meeting that it is of.
    room_id        BLOB,
    status         TEXT    NOT NULL,
    deleted_at     INTEGER,
    document       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX recordings_by_object ON recordings (bucket, key, object_version);
CREATE UNIQUE INDEX recordings_by_revision ON recordings (bucket, key, revision);
-- That they end with what they are asked about lets them be counted without a look at the table.
CREATE INDEX recordings_by_age ON recordings (received_at, id, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX recordings_by_status ON recordings (status, received_at, id, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX recordings_of_room ON recordings (room_id, received_at, id, deleted_at)
    WHERE room_id IS NOT NULL AND deleted_at IS NULL;

-- Whose recordings somebody sees.
CREATE INDEX rooms_by_owner ON rooms (owner) WHERE deleted_at IS NULL;

-- Messages that cannot be read.
CREATE TABLE dead_letters (
    id           TEXT    NOT NULL PRIMARY KEY,
    set_aside_at INTEGER NOT NULL,
    body         TEXT    NOT NULL,
    error        TEXT    NOT NULL
) STRICT;
CREATE INDEX dead_letters_by_age ON dead_letters (set_aside_at, id);
