-- The gate in full: who set it, how far a release with a ramp has come, what the last results were, and what the probe says.

-- GateCause. Until now only a person, the configuration and a restore changed a gate; what the configuration held because of another account
-- is not told apart from what it held by its word, so a person looks.
ALTER TABLE lane ADD COLUMN gate_cause INTEGER NOT NULL DEFAULT 0;
UPDATE lane SET gate_cause = CASE gate_by WHEN 'restore' THEN 4 WHEN 'configuration' THEN 4 ELSE 1 END WHERE gate_by IS NOT NULL;

-- The last results of a release with a ramp, one character each, newest last. Empty at every change of the gate.
ALTER TABLE lane ADD COLUMN results TEXT NOT NULL DEFAULT '';

-- What the probe has found (JSON); NULL: it has not looked yet.
ALTER TABLE lane ADD COLUMN probe TEXT;

-- Theoretical arrival times (GCRA) of lanes that drain by a ramp: of the lane (domain '') and of the domains of its recipients. They outlive
-- a hold, so that hold and release make nothing faster. Microseconds.
CREATE TABLE ramp_slot (
  lane   INTEGER NOT NULL,
  domain TEXT    NOT NULL,
  tat_us INTEGER NOT NULL,
  PRIMARY KEY (lane, domain)
) STRICT, WITHOUT ROWID;

-- Domains whose recipients crowd a broadcast's rows while they wait for their turns: its cursor passes them over, they open from one of their own.
CREATE TABLE chunk_left (
  broadcast INTEGER NOT NULL,
  domain    TEXT    NOT NULL,
  cursor    INTEGER NOT NULL,                -- recipients of the domain up to this confirmed_seq have been looked at
  due       INTEGER NOT NULL,                -- until then enough of them wait
  waiting   INTEGER NOT NULL,                -- so many did when that was counted
  PRIMARY KEY (broadcast, domain)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER broadcast_opened AFTER UPDATE OF state ON broadcast WHEN old.state = 0 AND new.state <> 0 BEGIN
  DELETE FROM chunk_left WHERE broadcast = new.id;
END;
