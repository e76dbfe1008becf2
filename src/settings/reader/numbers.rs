//! Numbers and what is written with one: durations, rates.

use std::time::Duration;

use super::Reader;
use crate::said;
use crate::settings::quoted::quoted;
use crate::settings::raw::Value;
use crate::settings::units;
use crate::store::Rate;
use crate::text::said::Said;

impl Reader<'_> {
    /// A whole number from `least` to `most`.
    pub fn whole(&mut self, key: &str, least: u32, most: u32) -> Option<u32> {
        let value = self.typed(key)?;
        if let Value::Whole(n) = value
            && let Ok(n) = u32::try_from(n)
            && (least..=most).contains(&n)
        {
            return Some(n);
        }
        let what = match value {
            Value::Whole(n) => {
                let found = quoted(&n.to_string());
                said!("{found} geht hier nicht.", "{found} is not possible here.")
            }
            other => {
                let Said { de, en } = other.type_words();
                said!("Hier steht {de}.", "here is {en}.")
            }
        };
        self.problem(
            key,
            what,
            said!(
                "Erlaubt ist eine ganze Zahl von {least} bis {most}.",
                "Allowed is a whole number from {least} to {most}."
            ),
        );
        None
    }

    /// An amount of money, zero or more.
    pub fn amount(&mut self, key: &str) -> Option<f64> {
        let value = self.typed(key)?;
        let amount = match &value {
            Value::Whole(n) => *n as f64,
            Value::Broken(n) => *n,
            other => {
                self.wrong_type(key, other, said!("eine Zahl wie 0.07", "a number such as 0.07"));
                return None;
            }
        };
        if (0.0..=1_000.0).contains(&amount) {
            return Some(amount);
        }
        self.problem(
            key,
            said!("Das ist kein Preis.", "this is no price."),
            said!(
                "Erlaubt ist eine Zahl von 0 bis 1000, zum Beispiel 0.07.",
                "Allowed is a number from 0 to 1000, such as 0.07."
            ),
        );
        None
    }

    /// A duration (`"6h"`).
    pub fn duration(&mut self, key: &str) -> Option<Duration> {
        self.parsed(
            key,
            units::duration,
            said!(
                "Erlaubt sind Angaben wie \"10s\", \"5m\", \"6h\" oder \"2d\".",
                "Allowed are \"10s\", \"5m\", \"6h\", \"2d\" and the like."
            ),
        )
    }

    /// A rate (`"50/s"`).
    pub fn rate(&mut self, key: &str) -> Option<Rate> {
        self.parsed(
            key,
            units::rate,
            said!(
                "Erlaubt sind Angaben wie \"50/s\", \"200/min\" oder \"1000/h\".",
                "Allowed are \"50/s\", \"200/min\", \"1000/h\" and the like."
            ),
        )
    }
}
