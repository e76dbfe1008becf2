//! Whom the demo writes to, and what: nobody of them exists.

/// The incident's id.
pub(super) const INCIDENT: &str = "2023-01-it";

/// Numbers of the range for films; nobody has them.
pub(super) const PRESS: [(&str, &str); 3] = [
    ("+491713920001", "Redaktion Eins"),
    ("+491713920002", "Redaktion Zwei"),
    ("+491713920003", "Redaktion Drei"),
];

/// People on the mailing list.
pub(super) const PEOPLE: usize = 412;
/// So many have their mail when mail fails again: 40 %.
pub(super) const SERVED: usize = 165;
/// The mailbox outside to which the probe writes.
pub(super) const CANARY: &str = "probe@anderswo.example";

/// Case A: the notices of 16, 24 and 31 January, and what the demo adds to them. Numbered by their order here.
const NOTICES: [&str; 6] = [
    include_str!("notices/1-vorsorglich.toml"),
    include_str!("../../../examples/a-potsdam/1-2023-01-16.toml"),
    include_str!("notices/3-erste-welle.toml"),
    include_str!("../../../examples/a-potsdam/2-2023-01-24.toml"),
    include_str!("../../../examples/a-potsdam/3-2023-01-31.toml"),
    include_str!("notices/6-mail-zurueck.toml"),
];
/// The notice that is going out when the next one takes it back.
pub(super) const OVERTAKEN: usize = 3;
/// In the examples the notice of 24 January is the second and takes back the first; here two stand before it.
const TAKES_BACK: [&str; 2] = ["\ntakes_back = [1] ", "\ntakes_back = [2, 3] "];

/// The notices, in order.
pub(super) fn notices() -> Vec<String> {
    let [there, here] = TAKES_BACK;
    NOTICES.iter().map(|notice| notice.replace(there, here)).collect()
}

/// How many there are.
pub(super) fn notice_count() -> usize {
    NOTICES.len()
}

/// Posts at Mastodon after so many notices: one waits there when it is taken back, and is not sent any more.
pub(super) fn posts(notices: usize) -> usize {
    notices - usize::from(notices > OVERTAKEN)
}

/// The mailing list: addresses, in order.
pub(super) fn mailboxes() -> Vec<String> {
    let domains = ["gross.example", "mittel.example", "verein.example", "schule.example"];
    let address = |n: usize| format!("p{n:03}@{}", domains[n % domains.len()]);
    (1..=PEOPLE).map(address).collect()
}

/// Audience file of the press.
pub(super) fn press_list() -> String {
    let lines = PRESS.iter().map(|(phone, name)| format!("{phone},{name}\n"));
    format!("address,name\n{}", lines.collect::<String>())
}

/// Audience file of the mailing list: every twentieth reads English.
pub(super) fn mailing_list() -> String {
    let language = |n: usize| if n % 20 == 19 { "en" } else { "de" };
    let boxes = mailboxes();
    let lines = boxes
        .iter()
        .enumerate()
        .map(|(n, to)| format!("{to},{}\n", language(n)));
    format!("address,language\n{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_percent_of_different_people() {
        let mut boxes = mailboxes();
        boxes.sort();
        boxes.dedup();
        assert_eq!(boxes.len(), PEOPLE);
        assert_eq!((SERVED * 100 + PEOPLE / 2) / PEOPLE, 40);
        assert_eq!(mailing_list().lines().count(), PEOPLE + 1);
    }

    #[test]
    fn the_setback_takes_back_what_stands_before_it_here() {
        let notices = notices();
        for (n, notice) in notices.iter().enumerate() {
            let takes_back = notice.contains("takes_back = [2, 3]");
            assert_eq!(takes_back, n + 1 == 4, "notice {}", n + 1);
            assert!(!notice.contains("\ntakes_back = [1]"));
        }
    }
}
