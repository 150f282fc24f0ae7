-- Instants are whole microseconds since 1970. Fingerprints and endpoints are the bits of an unsigned number. Ids are 16
-- bytes. A document is the stored form of reflector-core; the columns beside it are what is searched by.

CREATE TABLE rooms (
    id         BLOB    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    is_shared  INTEGER NOT NULL,
    -- A deleted room stays, with the policy that its meetings live on under.
    deleted_at INTEGER,
    policy     TEXT    NOT NULL,
    document   TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX rooms_by_name ON rooms (name) WHERE deleted_at IS NULL;

CREATE TABLE meetings (
    id          BLOB    NOT NULL PRIMARY KEY,
    room_id     BLOB    NOT NULL REFERENCES rooms (id),
    version     INTEGER NOT NULL,
    -- How many entries its history has had, and how many of the first were dropped.
    entries     INTEGER NOT NULL,
    forgotten   INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    start_at    INTEGER NOT NULL,
    closed_at   INTEGER,
    is_forced   INTEGER NOT NULL,
    claim       TEXT,
    provider    TEXT    NOT NULL,
    external_id TEXT,
    room_name   TEXT,
    -- Its deadline, and when it is given out next: then, or at the end of a claim.
    due_at      INTEGER,
    wakes_at    INTEGER,
    -- The policy that its deadline was computed with; none if there is no deadline, or if the room has changed since.
    fingerprint INTEGER,
    document    TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX meetings_by_claim ON meetings (room_id, claim) WHERE claim IS NOT NULL;
CREATE INDEX meetings_by_external_id ON meetings (provider, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX meetings_by_room_name ON meetings (provider, room_name) WHERE room_name IS NOT NULL;
CREATE INDEX meetings_by_wake ON meetings (wakes_at, id) WHERE wakes_at IS NOT NULL;
CREATE INDEX meetings_by_policy ON meetings (fingerprint, id) WHERE due_at IS NOT NULL AND closed_at IS NULL;
CREATE INDEX meetings_open ON meetings (room_id, start_at, id) WHERE closed_at IS NULL;
CREATE INDEX meetings_by_age ON meetings (created_at, id);
CREATE INDEX meetings_of_room_by_age ON meetings (room_id, created_at, id);
CREATE INDEX meetings_open_by_age ON meetings (created_at, id) WHERE closed_at IS NULL;
CREATE INDEX meetings_to_forget ON meetings (closed_at, id) WHERE closed_at IS NOT NULL AND forgotten < entries;

CREATE TABLE history (
    meeting_id BLOB    NOT NULL REFERENCES meetings (id),
    seq        INTEGER NOT NULL,
    document   TEXT    NOT NULL,
    PRIMARY KEY (meeting_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE effects (
    meeting_id    BLOB    NOT NULL REFERENCES meetings (id),
    version       INTEGER NOT NULL,
    place         INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    -- Closes are 0, opens 1, the rest 2.
    urgency       INTEGER NOT NULL,
    owed_at       INTEGER NOT NULL,
    -- When it can be claimed next: when its time has come, or the claim on it has run out.
    ready_at      INTEGER NOT NULL,
    claimed_until INTEGER,
    attempts      INTEGER NOT NULL,
    last_error    TEXT,
    settled_at    INTEGER,
    document      TEXT    NOT NULL,
    PRIMARY KEY (meeting_id, version, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX effects_ready ON effects (urgency, ready_at, meeting_id, version, place) WHERE settled_at IS NULL;
CREATE INDEX effects_settled ON effects (settled_at) WHERE settled_at IS NOT NULL;

-- The messages that were taken in. The newest of an endpoint proves that it is heard.
CREATE TABLE deliveries (
    provider    TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    endpoint    INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (provider, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_by_endpoint ON deliveries (provider, endpoint, received_at);
CREATE INDEX deliveries_by_age ON deliveries (received_at, provider, id);

-- The messages that wait for their meeting.
CREATE TABLE kept_deliveries (
    provider    TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    external_id TEXT,
    room_name   TEXT,
    received_at INTEGER NOT NULL,
    document    TEXT    NOT NULL,
    PRIMARY KEY (provider, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_by_external_id ON kept_deliveries (provider, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX kept_by_room_name ON kept_deliveries (provider, room_name) WHERE room_name IS NOT NULL;
CREATE INDEX kept_by_age ON kept_deliveries (received_at, provider, id);

-- One row: since when the heart has beaten without a gap.
CREATE TABLE listening (
    one       INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    since     INTEGER NOT NULL,
    last_beat INTEGER NOT NULL
) STRICT;

-- What proves an endpoint beside the messages that are still there.
CREATE TABLE heard (
    provider TEXT    NOT NULL,
    endpoint INTEGER NOT NULL,
    heard_at INTEGER NOT NULL,
    PRIMARY KEY (provider, endpoint)
) STRICT, WITHOUT ROWID;

-- The rooms of a provider that lives in our own process.
CREATE TABLE places (
    name      TEXT    NOT NULL PRIMARY KEY,
    opened_at INTEGER NOT NULL,
    moved_at  INTEGER NOT NULL,
    closed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX places_closed ON places (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE connections (
    place       TEXT    NOT NULL REFERENCES places (name) ON DELETE CASCADE,
    id          BLOB    NOT NULL,
    socket      INTEGER NOT NULL,
    is_attached INTEGER NOT NULL,
    until       INTEGER NOT NULL,
    PRIMARY KEY (place, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    place TEXT    NOT NULL REFERENCES places (name) ON DELETE CASCADE,
    hash  BLOB    NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (place, hash)
) STRICT, WITHOUT ROWID;
