-- To be called for each row costs a trigger as much as writing the row. Statements that make or end many rows of one kind count them by themselves, in the
-- same transaction, and say so by the mark 256 in `flags`: set on a row that is made, turned over on one that changes. All others are counted as before,
-- so that no path of code can forget to.
DROP TRIGGER delivery_added;
CREATE TRIGGER delivery_added AFTER INSERT ON delivery WHEN new.flags & 256 = 0 BEGIN
  UPDATE broadcast SET opened = opened + 1,
    n_waiting = n_waiting + (new.state = 0), n_started = n_started + (new.state = 1),
    n_accepted = n_accepted + (new.state = 2), n_delivered = n_delivered + (new.state = 3),
    n_unknown = n_unknown + (new.state = 4), n_superseded = n_superseded + (new.state = 7),
    n_moved = n_moved + (new.via IS NOT NULL), touched = max(touched, new.changed)
  WHERE id = new.broadcast;
END;
DROP TRIGGER delivery_moved;
CREATE TRIGGER delivery_moved AFTER UPDATE OF state ON delivery WHEN old.state <> new.state AND old.flags & 256 = new.flags & 256 BEGIN
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
