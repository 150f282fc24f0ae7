//! About the rooms, tokens and connections of the provider that lives in the server.

/// Opens a place, unless it is open. One that was closed is new, and nobody is in it.
pub const OPEN_PLACE: &str = "
INSERT INTO places (name, opened_at, moved_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET opened_at = excluded.opened_at, moved_at = excluded.moved_at, closed_at = NULL
WHERE places.closed_at IS NOT NULL";

/// Keeps everybody else out of an open place until the transaction ends.
pub const LOCK_PLACE: &str = "SELECT moved_at FROM places WHERE name = $1 AND closed_at IS NULL FOR UPDATE";

/// Closes a place that is locked: who was in is so no more, and no token is good.
pub const CLOSE_PLACE: &str = "
WITH emptied AS (
    DELETE FROM seats WHERE place = $1
), void AS (
    DELETE FROM tokens WHERE place = $1
)
UPDATE places SET closed_at = $2 WHERE name = $1";

/// Forgets places that were closed before this instant.
pub const FORGET_PLACES: &str = "DELETE FROM places WHERE closed_at < $1";

/// A place as it stands at `$2`.
pub const LOOK: &str = "
SELECT opened_at, closed_at, (SELECT count(*) FROM seats WHERE place = places.name AND until > $2) AS humans
FROM places WHERE name = $1";

/// Names of open places from `$1` on (after it, if `$2`), below `$3` if that is given: at most `$4`.
pub const PLACES: &str = "
SELECT name FROM places
WHERE closed_at IS NULL AND name >= $1 AND (name > $1 OR NOT $2) AND ($3::text IS NULL OR name < $3::text)
ORDER BY name LIMIT $4";

/// Takes a token, if its place is open, and drops those that have run out.
pub const ADMIT: &str = "
WITH place AS (
    SELECT name FROM places WHERE name = $1 AND closed_at IS NULL FOR UPDATE
), void AS (
    DELETE FROM tokens USING place WHERE tokens.place = place.name AND tokens.until <= $4 AND tokens.hash <> $2
)
INSERT INTO tokens (place, hash, until) SELECT name, $2, $3 FROM place
ON CONFLICT (place, hash) DO UPDATE SET until = excluded.until";

/// Spends a token.
pub const SPEND: &str = "DELETE FROM tokens WHERE place = $1 AND hash = $2 RETURNING until";

/// Gives a connection that is not held by a socket that is in to another socket, until `$3`.
pub const RESUME: &str = "
UPDATE seats SET socket = socket + 1, attached = true, until = $3
WHERE place = $1 AND connection = $2 AND NOT (attached AND until > $4)
RETURNING socket";

/// Lets a connection in.
pub const JOIN: &str =
    "INSERT INTO seats (place, connection, socket, attached, until) VALUES ($1, $2, 0, true, $3)";

/// Notes a coming or going in a place that is locked.
pub const MOVE: &str = "UPDATE places SET moved_at = $2 WHERE name = $1";

/// Prolongs the lease of a connection to `$4`, if its place is open (`open`) and its socket holds it (`renewed`). The lock
/// keeps whoever closes the place, or takes the lease for lapsed, from looking past it.
pub const RENEW: &str = "
WITH place AS (
    SELECT name FROM places WHERE name = $1 AND closed_at IS NULL FOR SHARE
), renewed AS (
    UPDATE seats SET until = greatest(until, $4) FROM place
    WHERE seats.place = place.name AND connection = $2 AND socket = $3
    RETURNING 1
)
SELECT EXISTS (SELECT FROM place) AS open, EXISTS (SELECT FROM renewed) AS renewed";

/// The newest coming or going of an open place, and how many are in at `$2`.
pub const LATEST: &str = "
SELECT moved_at, (SELECT count(*) FROM seats WHERE place = places.name AND until > $2) AS humans
FROM places WHERE name = $1 AND closed_at IS NULL";

/// Notes that the socket of a connection is gone.
pub const DETACH: &str =
    "UPDATE seats SET attached = false WHERE place = $1 AND connection = $2 AND socket = $3";

/// Until when a connection is in that its socket holds.
pub const SEAT: &str = "SELECT until FROM seats WHERE place = $1 AND connection = $2 AND socket = $3";

/// Ends a connection.
pub const LEAVE: &str = "DELETE FROM seats WHERE place = $1 AND connection = $2";
