-- Words that were taken out of a notice (`retract --redact`) and that a message may have gone out with of which nobody knows whether it arrived: by
-- them its post is found again. Only of channels that look for posts. Gone as soon as the row has settled, whatever settles it.
CREATE TABLE withdrawn (
  delivery INTEGER PRIMARY KEY,
  text     TEXT    NOT NULL
) STRICT;
-- Unknown, in flight, or to be repeated by its handle: not settled. What goes again because a person said so begins with other words.
CREATE TRIGGER delivery_settled AFTER UPDATE OF state ON delivery
WHEN new.state NOT IN (1, 4) AND (new.state <> 0 OR new.flags & 9 <> 1) BEGIN
  DELETE FROM withdrawn WHERE delivery = new.id;
END;
-- Texts of channels that were not configured when words were taken out, so that nobody could render them again: what takes their place when the
-- channel is dropped. Where it is configured again, they are rendered then.
CREATE TABLE unrendered (
  broadcast INTEGER NOT NULL,
  lang      TEXT    NOT NULL,
  body      TEXT    NOT NULL,                -- JSON, as in variant
  PRIMARY KEY (broadcast, lang)
) STRICT, WITHOUT ROWID;
-- Whom somebody suppressed in advance, before any list named them, in the lower case in which addresses were compared then: of a web address that is not
-- enough to know them by, so whoever is compared like that but for capital letters is meant.
ALTER TABLE suppression ADD COLUMN folded INTEGER NOT NULL DEFAULT 0;
UPDATE suppression SET folded = 1
WHERE address LIKE '%://%' AND address = lower(address) AND lane IN (SELECT id FROM lane WHERE spelling = 0)
  AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.lane = suppression.lane AND lower(r.address) = suppression.address);
-- recipient.state 3: another spelling of one who stays (`audience.rs`).

-- Corrections that waited for a digest of before 0007 named its broadcast like that of a notice they correct, so that they would have edited, deleted or
-- answered the digest's post, which is about something else. As since then: a broadcast and its cut. Of such a digest, which 0007 may have taken for one
-- that told nothing because the correction had taken the notice out of it.
CREATE TEMP TABLE named AS
WITH RECURSIVE named (broadcast, incident, number) AS (
  SELECT b.id, b.incident, j.value FROM broadcast b CROSS JOIN notice n ON n.id = b.notice CROSS JOIN json_each(n.body, '$.corrects') j
  WHERE b.kind <> 0 AND b.state < 2
  UNION SELECT m.broadcast, m.incident, j.value FROM named m CROSS JOIN notice n ON n.incident = m.incident AND n.number = m.number
    CROSS JOIN json_each(n.body, '$.corrects') j)
SELECT * FROM named;
CREATE TEMP TABLE told AS
SELECT b.id AS correction, t.id AS digest FROM broadcast b CROSS JOIN json_each(b.corrects) e CROSS JOIN broadcast t ON t.id = e.value
WHERE b.kind <> 0 AND b.state < 2 AND e.type = 'integer'
  AND t.number NOT IN (SELECT m.number FROM temp.named m WHERE m.broadcast = b.id);
UPDATE delivery SET told = 1 WHERE broadcast IN (SELECT digest FROM temp.told) AND told = 0 AND (attempt > 0 OR flags & 17)
  AND broadcast NOT IN (SELECT broadcast FROM digest_tells);
INSERT OR IGNORE INTO digest_tells (broadcast, cut, notice)
SELECT t.digest, 1, n.id FROM temp.told t CROSS JOIN broadcast b ON b.id = t.digest CROSS JOIN temp.named m ON m.broadcast = t.correction
  CROSS JOIN notice n ON n.incident = m.incident AND n.number = m.number AND n.id < b.notice;
UPDATE broadcast SET corrects = (
  SELECT json_group_array(json(CASE WHEN e.type = 'integer' AND e.value IN (SELECT digest FROM temp.told t WHERE t.correction = broadcast.id)
      THEN json_array(e.value, 1) ELSE e.value END) ORDER BY e.key)
  FROM json_each(broadcast.corrects) e)
WHERE id IN (SELECT correction FROM temp.told);
DROP TABLE temp.named;
DROP TABLE temp.told;
