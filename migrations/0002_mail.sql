-- Whom a channel may not write to any more, whatever its audience file says: who has unsubscribed, whose address bounces. Read again
-- at every claim. Addresses in lower case, as they are compared.
CREATE TABLE suppression (
  lane    INTEGER NOT NULL,
  address TEXT    NOT NULL,
  reason  INTEGER NOT NULL,                  -- SuppressedBecause
  at      INTEGER NOT NULL,
  PRIMARY KEY (lane, address)
) STRICT, WITHOUT ROWID;
