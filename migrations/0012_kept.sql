-- Retention: what became of single recipients goes some time after the last of it has ended; the broadcast stays, with its counters (`retention.rs`).
ALTER TABLE broadcast ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;  -- when a row of it last came into being or became something else; at first: when it was published
ALTER TABLE broadcast ADD COLUMN removed INTEGER;                     -- since when its rows are removed; NULL: they are there
ALTER TABLE broadcast ADD COLUMN removing INTEGER NOT NULL DEFAULT 0; -- 1: some of them may be left
-- Nothing goes on the day of an update: somebody has to have had the time to read about `store.keep`.
UPDATE broadcast SET touched = max(changed, unixepoch() * 1000);
-- What may have to go next: of each incident on a lane the oldest. Only audiences (shape 1): the post of an account is about nobody.
CREATE INDEX broadcast_kept ON broadcast (lane, incident, notice) WHERE removed IS NULL AND shape = 1;
CREATE INDEX broadcast_removing ON broadcast (id) WHERE removing = 1;

-- Whoever has left a list, and the other spellings of those who stay, go as late as what they were told.
ALTER TABLE recipient ADD COLUMN left_at INTEGER;                     -- since when; NULL: in the list
UPDATE recipient SET left_at = unixepoch() * 1000 WHERE state IN (1, 3);
CREATE INDEX recipient_left ON recipient (left_at) WHERE left_at IS NOT NULL;

-- As before, and `touched` follows by construction as the counters do. What is removed touches neither.
DROP TRIGGER delivery_added;
CREATE TRIGGER delivery_added AFTER INSERT ON delivery BEGIN
  UPDATE broadcast SET opened = opened + 1,
    n_waiting = n_waiting + (new.state = 0), n_started = n_started + (new.state = 1),
    n_accepted = n_accepted + (new.state = 2), n_delivered = n_delivered + (new.state = 3),
    n_unknown = n_unknown + (new.state = 4), n_superseded = n_superseded + (new.state = 7),
    n_moved = n_moved + (new.via IS NOT NULL), touched = max(touched, new.changed)
  WHERE id = new.broadcast;
END;
DROP TRIGGER delivery_moved;
CREATE TRIGGER delivery_moved AFTER UPDATE OF state ON delivery WHEN old.state <> new.state BEGIN
  UPDATE broadcast SET
    n_waiting    = n_waiting    - (old.state = 0) + (new.state = 0),
    n_started    = n_started    - (old.state = 1) + (new.state = 1),
    n_accepted   = n_accepted   - (old.state = 2) + (new.state = 2),
    n_delivered  = n_delivered  - (old.state = 3) + (new.state = 3),
    n_unknown    = n_unknown    - (old.state = 4) + (new.state = 4),
    n_permanent  = n_permanent  - (old.state = 5) + (new.state = 5),
    n_gone       = n_gone       - (old.state = 6) + (new.state = 6),
    n_superseded = n_superseded - (old.state = 7) + (new.state = 7),
    n_expired    = n_expired    - (old.state = 8) + (new.state = 8),
    n_dropped    = n_dropped    - (old.state = 9) + (new.state = 9),
    touched      = max(touched, new.changed)
  WHERE id = new.broadcast;
END;
