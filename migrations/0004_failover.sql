-- Failover (LANES 7): a delivery that was certainly not accepted goes to the channel named by `failover`, once. It stays a row of its
-- broadcast, so that counters, order, supersession and corrections see it where they always looked; `via` says which lane sends it now.
ALTER TABLE lane ADD COLUMN failover INTEGER;                     -- the lane that takes over, as configured
-- What waits moves after a minute of trouble in which the lane could try: since its gate changed, and since the process that sends began.
ALTER TABLE lane ADD COLUMN tries_since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN via INTEGER;                      -- the lane it moved to; NULL: its broadcast's own
ALTER TABLE broadcast ADD COLUMN n_moved INTEGER NOT NULL DEFAULT 0; -- rows that moved
-- A claim reads the due rows of one broadcast that are its lane's, in order of time.
DROP INDEX delivery_due;
CREATE INDEX delivery_due ON delivery (broadcast, via, due) WHERE state = 0;
-- What other lanes may have to bring out: few.
CREATE INDEX broadcast_moved ON broadcast (lane) WHERE state < 2 AND n_moved > 0;

DROP TRIGGER delivery_added;
CREATE TRIGGER delivery_added AFTER INSERT ON delivery BEGIN
  UPDATE broadcast SET opened = opened + 1,
    n_waiting = n_waiting + (new.state = 0), n_started = n_started + (new.state = 1),
    n_accepted = n_accepted + (new.state = 2), n_delivered = n_delivered + (new.state = 3),
    n_unknown = n_unknown + (new.state = 4), n_superseded = n_superseded + (new.state = 7),
    n_moved = n_moved + (new.via IS NOT NULL)
  WHERE id = new.broadcast;
END;
CREATE TRIGGER delivery_via AFTER UPDATE OF via ON delivery WHEN (old.via IS NULL) <> (new.via IS NULL) BEGIN
  UPDATE broadcast SET n_moved = n_moved + (new.via IS NOT NULL) - (old.via IS NOT NULL) WHERE id = new.broadcast;
END;
