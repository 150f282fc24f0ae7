-- Since when unforced closes are on hold: no row if they are not.
CREATE TABLE hold (
    one   INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    since INTEGER NOT NULL
) STRICT;
