-- The store's final shape. Words as in the design; times in milliseconds since the epoch, numbers of states as in
-- src/domain/delivery.rs. Foreign keys are not declared: nothing is deleted that others refer to, except by retention, which
-- knows the order; checking them would cost a look-up per delivery.

-- One row per installation.
CREATE TABLE meta (
  one          INTEGER PRIMARY KEY CHECK (one = 1),
  instance     INTEGER NOT NULL,             -- raised by restore and migrate; a website target refuses an older one
  installation TEXT    NOT NULL,             -- random
  high_ms      INTEGER NOT NULL,             -- highest wall time seen
  moved        INTEGER NOT NULL DEFAULT 0,   -- 1: refuses to send
  audit_salt   TEXT    NOT NULL,             -- random; salts hashes of redacted content
  recipient_seq INTEGER NOT NULL DEFAULT 0,  -- last confirmed_seq given
  handles_from INTEGER,                      -- handles with a term from up to then count as expired: the clock was set back while nothing ran
  restored_ms  INTEGER,                      -- when this store came out of a backup
  leap_at      INTEGER,                      -- the wall clock leapt forward to this time, and nobody has looked yet
  leap_by      INTEGER                       -- so far, ms
) STRICT;

CREATE TABLE incident (
  id        INTEGER PRIMARY KEY,
  publisher TEXT    NOT NULL,
  slug      TEXT    NOT NULL,
  title     TEXT,
  parent    TEXT,
  exercise  INTEGER NOT NULL,
  opened    INTEGER NOT NULL,
  closed    INTEGER,
  last      INTEGER NOT NULL,                -- number of the newest notice
  UNIQUE (publisher, slug)
) STRICT;

-- id is the NoticeSeq: the order of all notices of the store.
CREATE TABLE notice (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  incident INTEGER NOT NULL,
  number   INTEGER NOT NULL,
  key      TEXT    NOT NULL,
  hash     TEXT    NOT NULL,                 -- of the content as written
  actor    TEXT    NOT NULL,
  body     TEXT    NOT NULL,                 -- the notice as JSON
  redacted TEXT,                             -- salted hash of what was taken out
  UNIQUE (incident, number),
  UNIQUE (incident, key)
) STRICT;

CREATE TABLE lane (
  id            INTEGER PRIMARY KEY,
  name          TEXT    NOT NULL UNIQUE,
  kind          TEXT    NOT NULL,
  account       TEXT    NOT NULL,
  settings_hash TEXT    NOT NULL,
  configured    INTEGER NOT NULL,
  gate          INTEGER NOT NULL,
  gate_reason   TEXT,
  gate_by       TEXT,
  gate_since    INTEGER NOT NULL,
  epoch         INTEGER NOT NULL,
  ack_epoch     INTEGER NOT NULL DEFAULT 0,
  ack_in_flight INTEGER NOT NULL DEFAULT 0,
  ramp          TEXT,                        -- position of a release with a ramp
  health        INTEGER NOT NULL DEFAULT 0,
  health_since  INTEGER NOT NULL,
  blocked_until INTEGER,
  reason        TEXT,
  text          TEXT,
  failures      INTEGER NOT NULL DEFAULT 0,
  generation    INTEGER NOT NULL DEFAULT 0,  -- of a website: raised by publications and by the clock
  audience      INTEGER NOT NULL DEFAULT 0   -- recipients who are in now
) STRICT;

-- Theoretical arrival time (GCRA) per account: two channels with one account share it. Microseconds.
CREATE TABLE account_rate (
  account TEXT    PRIMARY KEY,
  tat_us  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The incident's first and newest post on a lane.
CREATE TABLE thread (
  lane       INTEGER NOT NULL,
  incident   INTEGER NOT NULL,
  root_id    TEXT, root_url   TEXT,
  parent_id  TEXT, parent_url TEXT,
  parent_seq INTEGER NOT NULL,
  PRIMARY KEY (lane, incident)
) STRICT, WITHOUT ROWID;

-- What a lane has to bring out. One row, however many recipients; n_* are kept by the triggers below.
CREATE TABLE broadcast (
  id          INTEGER PRIMARY KEY,
  lane        INTEGER NOT NULL,
  incident    INTEGER NOT NULL,
  notice      INTEGER NOT NULL,              -- NoticeSeq; of a cut: the newest it covers
  number      INTEGER NOT NULL,
  scope       TEXT    NOT NULL,              -- JSON
  kind        INTEGER NOT NULL,              -- 0 notice, 1 correction, 2 retraction
  urgent      INTEGER NOT NULL,
  operation   INTEGER NOT NULL,
  catch_up    INTEGER NOT NULL,              -- 0 every, 1 latest, 2 digest
  shape       INTEGER NOT NULL,              -- 0 one account, 1 audience, 2 website targets
  state       INTEGER NOT NULL,              -- BroadcastState
  superseded_by INTEGER,
  corrects    TEXT    NOT NULL,              -- JSON: broadcasts of this lane that it corrects or retracts, newest first
  upto        INTEGER,                       -- confirmed_seq; NULL: fixed when the first chunk opens
  cursor      INTEGER NOT NULL DEFAULT 0,    -- recipients up to this confirmed_seq have been looked at
  expires     INTEGER,
  not_before  INTEGER,                       -- waits for a link until then
  link_lane   INTEGER,
  link_generation INTEGER,
  generation  INTEGER NOT NULL DEFAULT 0,    -- of a website
  created     INTEGER NOT NULL,
  first_done  INTEGER,
  changed     INTEGER NOT NULL,
  last_text   TEXT,
  url         TEXT,
  overtaken   INTEGER NOT NULL DEFAULT 0,    -- a correction only for whoever has what it corrects: all others get a newer notice
  from_backup INTEGER,                       -- time of the backup whose restore left its rows uncertain
  expected    INTEGER NOT NULL DEFAULT 0,
  opened      INTEGER NOT NULL DEFAULT 0,
  n_waiting   INTEGER NOT NULL DEFAULT 0,
  n_started   INTEGER NOT NULL DEFAULT 0,
  n_accepted  INTEGER NOT NULL DEFAULT 0,
  n_delivered INTEGER NOT NULL DEFAULT 0,
  n_unknown   INTEGER NOT NULL DEFAULT 0,
  n_permanent INTEGER NOT NULL DEFAULT 0,
  n_gone      INTEGER NOT NULL DEFAULT 0,
  n_superseded INTEGER NOT NULL DEFAULT 0,
  n_expired   INTEGER NOT NULL DEFAULT 0,
  n_dropped   INTEGER NOT NULL DEFAULT 0
) STRICT;
-- What is alive on a lane: a claim reads this and nothing of the past.
CREATE INDEX broadcast_live ON broadcast (lane, notice) WHERE state < 2;
-- Everything of an incident or a notice (board, supersession, order).
CREATE INDEX broadcast_incident ON broadcast (incident, lane, notice);
CREATE INDEX broadcast_notice ON broadcast (notice);
CREATE INDEX broadcast_expires ON broadcast (expires) WHERE state < 2 AND expires IS NOT NULL;

-- Frozen texts. Every later release reads every format.
CREATE TABLE variant (
  broadcast INTEGER NOT NULL,
  lang      TEXT    NOT NULL,
  format    INTEGER NOT NULL,
  body      TEXT    NOT NULL,                -- JSON
  PRIMARY KEY (broadcast, lang)
) STRICT, WITHOUT ROWID;

-- A digest's cut: the notices a broadcast covers beside its own.
CREATE TABLE cut (
  broadcast INTEGER NOT NULL,
  notice    INTEGER NOT NULL,
  PRIMARY KEY (broadcast, notice)
) STRICT, WITHOUT ROWID;

-- Audience of a lane in the order of confirmation. recipient numbers are unique in the store.
CREATE TABLE recipient (
  lane    INTEGER NOT NULL,
  seq     INTEGER NOT NULL,                  -- confirmed_seq and RecipientId
  address TEXT    NOT NULL,
  state   INTEGER NOT NULL,                  -- 0 in, 1 left, 2 gone for good (the service said so)
  lang    TEXT,
  places  TEXT,                              -- JSON list; NULL: everything
  name    TEXT,
  PRIMARY KEY (lane, seq),
  UNIQUE (lane, address)
) STRICT, WITHOUT ROWID;

-- Broadcast × recipient. Compact: a finished row without remote id costs about 40 bytes here and 16 in delivery_of.
-- due: waiting: not before; started: end of the lease; else 0. flags: 1 an earlier attempt may have got through, 2 from a backup and not
-- started then, 4 ended by a receipt, 8 it is decided that it goes again, 16 started although no attempt is counted.
CREATE TABLE delivery (
  id          INTEGER PRIMARY KEY AUTOINCREMENT, -- in receipt addresses: a restored store goes on far beyond the old one's
  broadcast   INTEGER NOT NULL,
  recipient   INTEGER NOT NULL,
  state       INTEGER NOT NULL,
  attempt     INTEGER NOT NULL,
  due         INTEGER NOT NULL,
  changed     INTEGER NOT NULL,
  first_started INTEGER NOT NULL,            -- filled at insertion, so that a start does not make the row longer
  operation   INTEGER NOT NULL,
  flags       INTEGER NOT NULL,
  step        INTEGER NOT NULL,
  step_handle TEXT,
  reason      TEXT,
  remote_key  INTEGER,                       -- 40 bits of the hash of remote_id
  remote_id   TEXT,
  remote_url  TEXT
) STRICT;
-- The rows, never the cursor, say who got it.
CREATE UNIQUE INDEX delivery_of ON delivery (broadcast, recipient);
-- A claim reads the due rows of one broadcast in order of time.
CREATE INDEX delivery_due ON delivery (broadcast, due) WHERE state = 0;
-- Few: at most the requests in flight, and what nobody knows.
CREATE INDEX delivery_started ON delivery (broadcast) WHERE state = 1;
CREATE INDEX delivery_unknown ON delivery (broadcast) WHERE state = 4;
-- Receipts by the gateway's id.
CREATE INDEX delivery_remote ON delivery (remote_key) WHERE remote_key IS NOT NULL;

-- Only what went wrong or contradicts: success costs no row here.
CREATE TABLE attempt (
  delivery INTEGER NOT NULL,
  n        INTEGER NOT NULL,                 -- running number within the delivery
  attempt  INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  what     TEXT    NOT NULL,                 -- failed, evidence, receipt, decided, takeover, …
  reason   TEXT,
  text     TEXT,
  PRIMARY KEY (delivery, n)
) STRICT, WITHOUT ROWID;

-- Receipts that met no delivery yet; seven days.
CREATE TABLE receipt (
  id         INTEGER PRIMARY KEY,
  lane       INTEGER NOT NULL,
  remote_id  TEXT,
  delivery   INTEGER,
  attempt    INTEGER,
  word       INTEGER NOT NULL,
  raw        TEXT    NOT NULL,
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX receipt_remote ON receipt (lane, remote_id) WHERE remote_id IS NOT NULL;
CREATE INDEX receipt_delivery ON receipt (delivery) WHERE delivery IS NOT NULL;
CREATE INDEX receipt_at ON receipt (at);

-- Website targets are levels: wanted and done.
CREATE TABLE target (
  id       INTEGER PRIMARY KEY,              -- a RecipientId, from meta.recipient_seq
  lane     INTEGER NOT NULL,
  address  TEXT    NOT NULL,
  link     INTEGER NOT NULL,
  active   INTEGER NOT NULL,
  wanted   INTEGER NOT NULL,
  done     INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  due      INTEGER NOT NULL DEFAULT 0,
  text     TEXT,
  done_at  INTEGER,
  UNIQUE (lane, address)
) STRICT;

-- People's acts and gate changes, chained by hash.
CREATE TABLE audit (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  actor   TEXT    NOT NULL,
  action  TEXT    NOT NULL,
  object  TEXT    NOT NULL,
  details TEXT    NOT NULL,
  hash    TEXT    NOT NULL
) STRICT;

-- Files that belong to the store and travel in its backups (the key file). Empty in a live store.
CREATE TABLE carried (
  name    TEXT PRIMARY KEY,
  content BLOB NOT NULL
) STRICT;

-- Counters follow the rows by construction: no path of code can forget one.
CREATE TRIGGER delivery_added AFTER INSERT ON delivery BEGIN
  UPDATE broadcast SET opened = opened + 1,
    n_waiting = n_waiting + (new.state = 0), n_started = n_started + (new.state = 1),
    n_accepted = n_accepted + (new.state = 2), n_delivered = n_delivered + (new.state = 3),
    n_unknown = n_unknown + (new.state = 4), n_superseded = n_superseded + (new.state = 7)
  WHERE id = new.broadcast;
END;
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
    n_dropped    = n_dropped    - (old.state = 9) + (new.state = 9)
  WHERE id = new.broadcast;
END;
