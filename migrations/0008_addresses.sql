-- One recipient, however an address is spelled. `address` stays as first written: the names of mails, webhook ids and unsubscribe links hang on it.
ALTER TABLE recipient ADD COLUMN canonical TEXT;                  -- as addresses are compared (Channel::canonical); NULL: the address itself is that
CREATE INDEX recipient_canonical ON recipient (lane, canonical) WHERE canonical IS NOT NULL;
-- Until now addresses were compared in lower case. The kind of the channel knows better, and SQL knows no kinds: `spelling.rs` does the rest at the
-- first start. Until then nobody who is suppressed is written to.
UPDATE recipient SET canonical = lower(address) WHERE address <> lower(address);
ALTER TABLE lane ADD COLUMN spelling INTEGER NOT NULL DEFAULT 0;  -- whose idea of that its addresses follow; 0: the former one
