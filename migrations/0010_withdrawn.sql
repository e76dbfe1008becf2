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
-- channel is dropped.
CREATE TABLE unrendered (
  broadcast INTEGER NOT NULL,
  lang      TEXT    NOT NULL,
  body      TEXT    NOT NULL,                -- JSON, as in variant
  PRIMARY KEY (broadcast, lang)
) STRICT, WITHOUT ROWID;
