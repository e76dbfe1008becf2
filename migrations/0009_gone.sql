-- Whom a service has said to be gone (410) is in the list of whom nobody writes to, like everybody else there; until now only their row said so. Since
-- when: the newest of their messages that ended so; a store that was cleaned up knows the day of its update. As the
-- address is written: of two that differ in their letters one may still be there; `spelling.rs` finds the form in which it is compared.
INSERT OR IGNORE INTO suppression (lane, address, reason, at)
SELECT r.lane, r.address, 3,
  coalesce((SELECT max(d.changed) FROM broadcast b CROSS JOIN delivery d ON d.broadcast = b.id AND d.recipient = r.seq
            WHERE b.lane = r.lane AND d.state = 6), unixepoch() * 1000)
FROM recipient r WHERE r.state = 2;
