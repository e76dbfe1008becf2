-- Whom a mail server has called unknown: one such word ends no address, because a directory that is down calls everybody unknown.
CREATE TABLE hard_report (
  lane     INTEGER NOT NULL,
  address  TEXT    NOT NULL COLLATE NOCASE,  -- as in the audience
  domain   TEXT    NOT NULL,                 -- in lower case
  first_at INTEGER,                          -- the first one that counts; NULL: none does
  last_at  INTEGER NOT NULL,                 -- the newest
  doubted  INTEGER NOT NULL,                 -- 1: the newest came in a crowd, which says nothing about anybody
  PRIMARY KEY (lane, address)
) STRICT, WITHOUT ROWID;
-- Those of a domain within an hour, and of the lane.
CREATE INDEX hard_report_domain ON hard_report (lane, domain, doubted, last_at);
CREATE INDEX hard_report_lane ON hard_report (lane, doubted, last_at);

-- When the last backup was made, however long the log is.
CREATE INDEX audit_backup ON audit (id) WHERE action = 'backup';
