//! The pages around the incident: no notice, one notice, archive, imprint, privacy, accessibility, and the page for addresses
//! that lead nowhere.

use serde::Serialize;

use super::SiteFile;
use super::blocks::Badge;
use super::frame::{Desk, Dial, Frame, HTML};
use super::links::{root_from, tel};
use super::now::{Emergency, Other};
use super::style::CSS;
use super::ticker::Entry;
use crate::domain::incident::{IncidentView, NoticeView};
use crate::domain::publisher::Imprint;
use crate::render::times::{Text, clean};
use crate::render::{Engine, Escape, RenderError};
use crate::text::lang::Lang;

#[derive(Serialize)]
struct NoticePage {
    frame: Frame,
    entry: Entry,
    incident_title: Text,
    incident_href: String,
    older: Option<String>,
    newer: Option<String>,
}

#[derive(Serialize)]
struct ArchiveLine {
    href: String,
    title: Text,
    badge: Badge,
    as_of: String,
    end: String,
}

#[derive(Serialize)]
struct Archive {
    frame: Frame,
    incidents: Vec<ArchiveLine>,
}

#[derive(Serialize)]
struct Quiet {
    frame: Frame,
    emergency: Vec<Emergency>,
    others: Vec<Other>,
    phone: Option<Dial>,
}

#[derive(Serialize)]
struct Duty {
    frame: Frame,
    imprint: Imprint,
    imprint_phone: Option<String>,
    address_lines: Vec<String>,
}

impl Desk<'_> {
    /// One notice with its permalink.
    pub fn notice_page(&self, view: &IncidentView, n: &NoticeView) -> Result<(String, SiteFile), RenderError> {
        let number = n.notice.number;
        let page = format!("{}/{number}/", view.slug);
        let file = self.links.file(&page);
        let root = root_from(&file);
        let entry = self.entry(view, n, &root);
        let mut frame = self.frame(&page, &file, &format!("{}{}", entry.lead, entry.headline.text));
        frame.description.clone_from(&entry.summary.text);
        frame.exercise = view.exercise;
        frame.holds = Some(self.holds(view));
        frame.feeds = Some(format!("{root}{}", self.links.path(&format!("{}/", view.slug))));
        let beside = |number: Option<u32>| {
            let number = number?;
            let there = view.notices.iter().any(|n| n.notice.number == number);
            there.then(|| format!("{root}{}", self.links.path(&format!("{}/{number}/", view.slug))))
        };
        let data = NoticePage {
            incident_title: self.title(view),
            incident_href: format!("{root}{}", self.links.path(&format!("{}/", view.slug))),
            older: beside(number.checked_sub(1)),
            newer: beside(number.checked_add(1)),
            entry,
            frame,
        };
        Ok((file, self.page("notice", &data)?))
    }

    /// All incidents.
    pub fn archive_page(&self) -> Result<(String, SiteFile), RenderError> {
        let file = self.links.file("archive/");
        let frame = self.frame("archive/", &file, self.words.get("page.archive"));
        let incidents = self
            .source
            .incidents
            .iter()
            .map(|view| ArchiveLine {
                href: format!("{}{}", frame.root, self.links.path(&format!("{}/", view.slug))),
                title: self.title(view),
                badge: self.state_badge(view.state),
                as_of: self.state_line(view).as_of,
                end: view.closed.map_or_else(
                    || self.words.get("archive.open").to_owned(),
                    |at| {
                        let day = self.voice.day(self.voice.local(at).date());
                        self.words.fill("archive.closed", &[("when", &day)])
                    },
                ),
            })
            .collect();
        Ok((file, self.page("archive", &Archive { frame, incidents })?))
    }

    /// The publisher's page while no incident is open.
    pub fn quiet_page(&self, file: &str) -> Result<SiteFile, RenderError> {
        let mut frame = self.frame("", file, self.words.get("quiet.title"));
        frame.feeds = Some(format!("{}{}", frame.root, self.links.path("")));
        let past = self.source.incidents.iter().take(5);
        let others = past
            .map(|view| Other {
                href: format!("{}{}", frame.root, self.links.path(&format!("{}/", view.slug))),
                title: self.title(view),
                state: self.state_line(view),
            })
            .collect();
        let phone = self.source.publisher.phone.clone().map(|text| Dial {
            href: tel(&text),
            text: clean(&text),
        });
        let data = Quiet {
            frame,
            emergency: self.emergency(None),
            others,
            phone,
        };
        self.page("quiet", &data)
    }

    /// Imprint (where there is one), privacy, accessibility.
    pub fn duty_pages(&self) -> Result<Vec<(String, SiteFile)>, RenderError> {
        let imprint = self.source.publisher.imprint.clone();
        let mut pages = Vec::new();
        for name in ["imprint", "privacy", "accessibility"] {
            if name == "imprint" && imprint.is_none() {
                continue;
            }
            let page = format!("{name}/");
            let file = self.links.file(&page);
            let frame = self.frame(&page, &file, self.words.get(&format!("page.{name}")));
            let imprint = imprint.clone().unwrap_or_default();
            let data = Duty {
                frame,
                imprint_phone: tel(&imprint.phone),
                address_lines: imprint.address.split(['\n', ',']).map(|l| clean(l.trim())).collect(),
                imprint,
            };
            pages.push((file, self.page(name, &data)?));
        }
        Ok(pages)
    }
}

#[derive(Serialize)]
struct NotFound<'a> {
    lang: &'static str,
    css: &'static str,
    home: &'a str,
}

/// The page for addresses that lead nowhere. It is shown under any address, so its link is absolute.
pub fn not_found(engine: &Engine, site: &str, lang: Lang) -> Result<SiteFile, RenderError> {
    let home = format!("{site}/");
    let data = NotFound {
        lang: lang.html_lang(),
        css: CSS,
        home: &home,
    };
    let html = engine.render(lang, "404", &data, Escape::Html)?;
    Ok(SiteFile {
        bytes: html.into(),
        media_type: HTML,
    })
}
