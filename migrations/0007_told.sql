-- Digests (LANES 4) by cut: one that is written again leaves the one before to those whose message began with it.
CREATE TABLE digest (
  broadcast INTEGER NOT NULL,
  cut       INTEGER NOT NULL,                -- 1, 2, … of its broadcast; what starts now takes the last one
  lang      TEXT    NOT NULL,
  body      TEXT    NOT NULL,                -- JSON, as in variant
  PRIMARY KEY (broadcast, cut, lang)
) STRICT, WITHOUT ROWID;
-- What each of them tells beside its own notice, for good: the table cut has what is to be told by now.
CREATE TABLE digest_tells (
  broadcast INTEGER NOT NULL,
  cut       INTEGER NOT NULL,
  notice    INTEGER NOT NULL,
  PRIMARY KEY (broadcast, cut, notice)
) STRICT, WITHOUT ROWID;
INSERT INTO digest SELECT broadcast, 1, lang, body ->> '$.digest' FROM variant WHERE json_type(body, '$.digest') = 'object';
INSERT INTO digest_tells SELECT broadcast, 1, notice FROM cut;
UPDATE variant SET body = json_remove(body, '$.digest') WHERE json_type(body, '$.digest') = 'object';
-- With which text a message began, newest attempt: 0 its notice's own, n the digest of the n-th cut, -1 the words for whoever has not got what it corrects.
ALTER TABLE delivery ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
-- Why the digest that a broadcast is to be could not be written (a sentence); over with the one that could.
ALTER TABLE broadcast ADD COLUMN no_digest TEXT;
-- Of what went out before, the digest of its broadcast counts as what it began with: rather one correction too many than one that misses somebody.
UPDATE delivery SET told = 1 WHERE broadcast IN (SELECT broadcast FROM digest_tells) AND (attempt > 0 OR flags & 17);
