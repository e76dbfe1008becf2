-- What a lane's audience file was when it was last taken over as a whole: by that an unchanged one is neither read nor compared again.
CREATE TABLE list (
  lane   INTEGER PRIMARY KEY,
  stamp  TEXT,                               -- size, times and number of the file; NULL: it had changed so shortly before that these do not tell
  hash   TEXT,                               -- of its content; empty: it came from no file; NULL: it is being taken over, or that broke off
  census TEXT,                               -- JSON: how many follow which places; NULL: they are too various to be counted in advance
  begun  INTEGER NOT NULL                    -- raised by everybody who begins to take one over: of two at once nobody's mark counts
) STRICT;
-- Whom a notice's price leaves out, by the places they follow: few.
CREATE INDEX recipient_gone ON recipient (lane, places) WHERE state = 2;
