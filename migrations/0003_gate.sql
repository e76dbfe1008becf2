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
