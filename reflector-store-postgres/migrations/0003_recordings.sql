-- Recordings: each is one version of one object. A deleted one stays, so that its object is not taken in again.

CREATE TABLE recordings (
    bucket text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    -- Its number among the recordings of its key, from 1.
    revision integer NOT NULL,
    -- Which version of which object: the SHA-256 of its bucket, key, and version.
    object bytea NOT NULL,
    id uuid NOT NULL,
    -- Which write of it this is.
    version bigint NOT NULL,
    -- What orders it among the objects of its key, as it came.
    sequencer text,
    received_at bigint NOT NULL,
    -- The room of the meeting that it is of.
    room_id uuid,
    status text COLLATE "C" NOT NULL,
    deleted_at bigint,
    document text NOT NULL,
    -- What two who take in objects of one key at the same time meet on. It stands before the other indexes: rows are
    -- written to them in this order, so that nobody waits here who holds a place in another one.
    PRIMARY KEY (bucket, key, revision)
);

CREATE UNIQUE INDEX recordings_object ON recordings (object);
CREATE UNIQUE INDEX recordings_id ON recordings (id);
CREATE INDEX recordings_by_age ON recordings (received_at, id) WHERE deleted_at IS NULL;
CREATE INDEX recordings_by_status ON recordings (status, received_at, id) WHERE deleted_at IS NULL;
CREATE INDEX recordings_of_room ON recordings (room_id, received_at, id)
    WHERE room_id IS NOT NULL AND deleted_at IS NULL;

-- Whose recordings somebody sees. Owners are as long as they like, which a btree does not take.
CREATE INDEX rooms_owner ON rooms USING hash (owner) WHERE deleted_at IS NULL;

-- Messages that cannot be read.
CREATE TABLE dead_letters (
    id text COLLATE "C" PRIMARY KEY,
    -- As it came, where the one above may be shortened.
    whole_id text NOT NULL,
    body text NOT NULL,
    error text NOT NULL,
    at bigint NOT NULL
);

CREATE INDEX dead_letters_by_age ON dead_letters (at, id);
