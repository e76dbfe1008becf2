//! Who gets what at what price: said before what cannot be called back.

use std::collections::BTreeMap;

use super::output::Failure;
use crate::channel::registry::Configured;
use crate::publication::{Office, Prepared, audience};
use crate::said;
use crate::settings::raw::Value;
use crate::store::{LaneRow, Variant};
use crate::text::lang::Lang;
use crate::text::said::Said;

/// What one channel sends for good.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// Channel.
    pub channel: String,
    /// Recipients.
    pub people: u64,
    /// SMS each, where it is SMS.
    pub parts: Option<u64>,
    /// Price of one part, where it is configured.
    pub price: Option<f64>,
}

impl Cost {
    /// These texts to so many people over this channel.
    pub fn of(office: &Office, channel: &str, people: u64, texts: &BTreeMap<Lang, Variant>) -> Self {
        let parts = texts.values().filter_map(|text| text.fit.segments).max();
        Self {
            channel: channel.to_owned(),
            people,
            parts: parts.and_then(|n| u64::try_from(n).ok()),
            price: price_per_part(office, channel),
        }
    }

    /// "sms: 2 Empfänger, je 3 SMS, zusammen höchstens 0,42".
    fn said(&self) -> Said {
        let (name, people) = (&self.channel, self.people);
        let recipients = if people == 1 { "recipient" } else { "recipients" };
        let mut said = said!("{name}: {people} Empfänger", "{name}: {people} {recipients}");
        if let Some(parts) = self.parts {
            said.de.push_str(&format!(", je {parts} SMS"));
            said.en.push_str(&format!(", {parts} SMS each"));
        }
        let Said { de, en } = sum(std::slice::from_ref(self));
        said.de.push_str(&de);
        said.en.push_str(&en);
        said
    }

    /// What it costs at most. Whole recipients times whole parts: exact far beyond any audience.
    fn amount(&self) -> Option<f64> {
        Some(self.price? * (self.people * self.parts?) as f64)
    }
}

/// All of them in one sentence's length.
pub fn list(costs: &[Cost]) -> Said {
    let all: Vec<Said> = costs.iter().map(Cost::said).collect();
    let join = |one: fn(&Said) -> &str| all.iter().map(one).collect::<Vec<_>>().join("; ");
    Said {
        de: join(|s| &s.de),
        en: join(|s| &s.en),
    }
}

/// ", zusammen höchstens 12,30", where anything has a price.
pub fn sum(costs: &[Cost]) -> Said {
    let priced: Vec<f64> = costs.iter().filter_map(Cost::amount).collect();
    if priced.is_empty() {
        return Said::default();
    }
    let sum = format!("{:.2}", priced.iter().sum::<f64>());
    let de = sum.replace('.', ",");
    said!(", zusammen höchstens {de}", ", {sum} in all at most")
}

/// What a notice costs on every channel that cannot take anything back.
pub fn of_notice(office: &Office, prepared: &Prepared, lanes: &[LaneRow]) -> Result<Vec<Cost>, Failure> {
    let mut costs = Vec::new();
    for rendered in prepared.rendered.iter().filter(|r| r.final_once_sent) {
        let configured = office.channels.iter().find(|c| c.settings.name == rendered.channel);
        let people = match configured.and_then(|c| c.settings.common.audience.as_ref()) {
            Some(file) => match audience::read(file) {
                Ok(people) => {
                    u64::try_from(audience::concerned(&people, &prepared.resolved.notice.scope)).unwrap_or(u64::MAX)
                }
                // With a fault in it the list stays as it was last right; a list that never was is refused.
                Err(problems) => match lanes.iter().find(|lane| lane.name == rendered.channel) {
                    Some(lane) if lane.audience > 0 => lane.audience,
                    _ => return Err(Failure::Configuration(problems)),
                },
            },
            None => 1,
        };
        costs.push(Cost::of(office, &rendered.channel, people, &rendered.variants));
    }
    Ok(costs)
}

/// `price` of the SMS kinds, in the currency of the contract with the gateway. Where another channel stands in, the dearer of both: what is
/// said is the most that can come.
fn price_per_part(office: &Office, channel: &str) -> Option<f64> {
    let configured = office.channels.iter().find(|c| c.settings.name == channel)?;
    let own = own_price(configured);
    let reserve = configured.settings.common.failover.as_deref();
    let reserve = office
        .channels
        .iter()
        .find(|c| Some(c.settings.name.as_str()) == reserve)
        .and_then(own_price);
    own.into_iter().chain(reserve).reduce(f64::max)
}

fn own_price(configured: &Configured) -> Option<f64> {
    match &configured.settings.own.entries.get("price")?.value {
        Value::Whole(whole) => u32::try_from(*whole).ok().map(f64::from),
        Value::Broken(amount) => Some(*amount),
        Value::Text(text) => text.replace(',', ".").parse().ok(),
        _ => None,
    }
}
