-- The rooms of the provider that lives in the server, and who is in them.

CREATE TABLE places (
    name text COLLATE "C" PRIMARY KEY,
    opened_at bigint NOT NULL,
    -- The newest coming or going.
    moved_at bigint NOT NULL,
    closed_at bigint
);

CREATE INDEX places_closed ON places (closed_at) WHERE closed_at IS NOT NULL;

CREATE TABLE seats (
    place text COLLATE "C" NOT NULL REFERENCES places (name) ON DELETE CASCADE,
    connection uuid NOT NULL,
    -- Which of its sockets holds it.
    socket bigint NOT NULL,
    attached boolean NOT NULL,
    -- Until when it is in without a sign of life.
    until bigint NOT NULL,
    PRIMARY KEY (place, connection)
) WITH (fillfactor = 70);

-- Tokens by their hash: whoever reads this table cannot join with it.
CREATE TABLE tokens (
    place text COLLATE "C" NOT NULL REFERENCES places (name) ON DELETE CASCADE,
    hash bytea NOT NULL,
    until bigint NOT NULL,
    PRIMARY KEY (place, hash)
);
