//! The marks of a delivery row (column `flags`), and the two questions about rows that several statements ask.

/// An earlier attempt may have got through: the next one has to use the handle. Every unknown row has it; over where a report settles the only attempt.
pub(super) const AFTER_UNKNOWN: i64 = 1;
/// Came with a backup and had not started then; the old store may have started it, which passes nothing here. Over with its own start.
pub(super) const FROM_COPY: i64 = 2;
/// Its newest attempt was ended by a receipt, or handed over: over with the next start, and where it moves.
pub(super) const BY_RECEIPT: i64 = 4;
/// It goes again whatever an earlier attempt came to: a person has decided so, or the channel's policy after all looking. Over with the next
/// unknown.
pub(super) const DECIDED: i64 = 8;
/// A request of it was answered and its attempt number given back ("later", a step, a probe): it has started, though nothing is counted.
pub(super) const TRIED: i64 = 16;

/// Its turn in the ramp is later (`due`), although it is due: over with its start, and with every change of the gate.
pub(super) const TURN: i64 = 32;
/// It moved here, and this lane has not tried it yet, whatever the other one has: over with the first outcome here.
pub(super) const NEW_HERE: i64 = 64;
/// It was a person who wanted it again. Together with [`DECIDED`]: what a newer notice closes meanwhile is not sent once more, but unknown again.
pub(super) const ASKED_FOR: i64 = 128;
/// Says nothing about the row: a statement that counts its rows by itself, in the broadcast, sets it on those it makes and turns it over on those whose
/// state it changes. All others leave it alone, and the triggers count for them.
pub(super) const COUNTED: i64 = 256;

/// True where a newer notice of the incident has started for the recipient of `d`, or for this one (its broadcast: `b`): an older one never
/// starts after it. What was tried, never arrived and was ended since (7) passes nothing: what may be there is unknown instead. A retraction (kind 2)
/// passes what it is about, also where that is only told in the digest with which `d` began; it tells nothing that anything else could come after, and what
/// stands and waits again behind it (a digest was taken back) would reach nobody. broadcast_incident (incident, lane, notice); delivery_of (broadcast, recipient).
macro_rules! passed {
    () => {
        $crate::store::marks::passed!(
            "d.recipient",
            "(o.value = b.id OR (o.type = 'array' AND o.value ->> 0 = b.id AND o.value ->> 1 = d.told))"
        )
    };
    ($recipient:literal) => {
        $crate::store::marks::passed!($recipient, "o.value = b.id")
    };
    ($recipient:literal, $about:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM broadcast n CROSS JOIN delivery x ON x.broadcast = n.id AND x.recipient = ",
            $recipient,
            " WHERE n.incident = b.incident AND n.lane = b.lane AND n.notice > b.notice
                AND x.state <> 7 AND (x.state IN (1, 2, 3, 5) OR x.flags & 16 OR (x.attempt > 0 AND x.flags & 2 = 0))
                AND (n.kind <> 2 OR EXISTS (SELECT 1 FROM json_each(n.corrects) o WHERE ",
            $about,
            ")))"
        )
    };
}

/// True where the recipient of `x` has it or may have it. What was refused (5) does not count, although an earlier attempt may have arrived: its mark
/// cannot be told from that of the attempt which a report has settled.
macro_rules! had {
    () => {
        "(x.state BETWEEN 1 AND 4 OR (x.state IN (0, 8, 9) AND x.flags & 1))"
    };
}

/// True where the row `flags` waits because a person wants it again, and an attempt may have got through: flags 1, 8 and 128.
macro_rules! asked_for {
    () => {
        $crate::store::marks::asked_for!("flags")
    };
    ($flags:literal) => {
        concat!("(", $flags, " & 137 = 137)")
    };
}

/// The rows `x` of a recipient in the broadcasts of a list of `corrects`: an entry is a broadcast whose notice is corrected, or a broadcast and its
/// cut whose digest tells that notice: there only the rows that began with this digest, or may have before they went again with another text.
/// delivery_of (broadcast, recipient).
macro_rules! corrected {
    ($list:literal, $recipient:literal) => {
        concat!(
            "json_each(",
            $list,
            ") o CROSS JOIN delivery x ON x.broadcast = CASE o.type WHEN 'array' THEN o.value ->> 0 ELSE o.value END
               AND (o.type <> 'array' OR x.told = o.value ->> 1 OR (x.attempt > 1 AND x.flags & 1)) AND x.recipient = ",
            $recipient
        )
    };
}

/// True where a newer notice has taken the place of broadcast `b`: what has not begun does not begin any more. What a cut sums up is not closed
/// like that: the cut tells it, and it waits again by itself where that one is taken back or runs out (`reopen`).
/// broadcast_notice (notice); primary key of cut.
macro_rules! closed {
    () => {
        "(b.superseded_by IS NOT NULL AND NOT EXISTS (SELECT 1 FROM broadcast t CROSS JOIN cut k ON k.broadcast = t.id AND k.notice = b.notice
           WHERE t.notice = b.superseded_by AND t.lane = b.lane))"
    };
}

/// True where the scope (a JSON column) concerns the recipient `r`; an account has none and is concerned by everything.
macro_rules! concerned {
    ($scope:literal) => {
        concat!(
            "(json_extract(",
            $scope,
            ", '$.named.places[0]') IS NULL OR r.places IS NULL OR EXISTS (SELECT 1 FROM json_each(r.places) p WHERE p.value IN
                (SELECT value FROM json_each(json_extract(",
            $scope,
            ", '$.named.places')))))"
        )
    };
}

/// True where the recipient `r` lacks any of what the cut `b` sums up: `domain::digest::lacks`.
/// Primary key of cut; broadcast_notice (notice); broadcast_incident (incident, lane, notice); delivery_of (broadcast, recipient).
macro_rules! lacks {
    ($recipient:literal) => {
        $crate::store::marks::lacks!(
            $recipient,
            "cut k CROSS JOIN broadcast u ON u.notice = k.notice AND u.lane = b.lane WHERE k.broadcast = b.id"
        )
    };
    // Of a cut that is not made yet: the broadcasts `u` that it covers.
    ($recipient:literal, $covered:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM ",
            $covered,
            " AND ",
            $crate::store::marks::concerned!("u.scope"),
            " AND NOT EXISTS (SELECT 1 FROM broadcast n CROSS JOIN delivery x ON x.broadcast = n.id AND x.recipient = ",
            $recipient,
            " WHERE n.incident = b.incident AND n.lane = b.lane AND n.notice >= u.notice AND n.notice < b.notice
                AND (n.kind = 0 OR n.id = u.id) AND ",
            $crate::store::marks::had!(),
            "))"
        )
    };
}

pub(super) use {asked_for, closed, concerned, corrected, had, lacks, passed};
