//! Floor 2: the handlebars engine and what channel texts are made of. Templates are embedded, a folder overrides them file by
//! file, and what a folder holds is compiled and checked for unknown words when it is loaded, so that no fault waits for 3 a.m.

pub mod compose;
pub mod earlier;
mod helpers;
pub mod message;
pub mod times;
pub mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use handlebars::{Handlebars, Template};

use crate::domain::incident::IncidentView;
use crate::domain::notice::Notice;
use crate::domain::publisher::Publisher;
use crate::text::lang::Lang;
use words::Words;

/// The folder of structure that needs no language of its own; a template of the same name under a language comes first.
const SHARED: &str = "shared";

#[derive(rust_embed::RustEmbed)]
#[folder = "templates"]
struct Embedded;

/// The text of an embedded file.
fn embedded(path: &str) -> Option<String> {
    let file = Embedded::get(path)?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}

/// How a template's values are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Escape {
    /// HTML (pages).
    Html,
    /// Nothing (posts, SMS: plain text).
    Plain,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("template {template}: {message}")]
pub struct RenderError {
    /// `de/post`.
    pub template: String,
    /// What is wrong, with line where known.
    pub message: String,
}

/// One language: its words and its templates.
struct Tongue {
    lang: Lang,
    /// Where a folder has words of its own.
    words: Option<Arc<Words>>,
    /// By template name.
    chosen: BTreeMap<String, Chosen>,
}

/// The template a language has under a name.
struct Chosen {
    /// Where it stands among the sources.
    place: usize,
    /// With all that it draws in, escaped for pages.
    html: OnceLock<Handlebars<'static>>,
    /// For plain text.
    plain: OnceLock<Handlebars<'static>>,
}

/// All templates: embedded ones, overridden file by file by a folder. Each is compiled when it is first needed, as a command needs
/// three of forty, and compiling all takes longer than all else it does; [`Engine::check`] compiles all.
pub struct Engine {
    sources: Vec<Source>,
    tongues: BTreeMap<Lang, Tongue>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self
            .tongues
            .values()
            .flat_map(|tongue| tongue.chosen.values().map(|chosen| &self.sources[chosen.place].file))
            .collect();
        f.debug_struct("Engine").field("templates", &names).finish()
    }
}

impl Engine {
    /// Reads every template; those of a folder are compiled at once, and the first fault is an error that names the file. What is
    /// delivered is compiled by a test.
    pub fn load(overrides: Option<&Path>) -> Result<Self, RenderError> {
        let engine = Self::read(overrides)?;
        if overrides.is_some() {
            engine.check()?;
        }
        Ok(engine)
    }

    /// Compiles what is not compiled yet, on all cores.
    ///
    /// # Errors
    /// The first template that is none, or that asks for a word there is not.
    pub fn check(&self) -> Result<(), RenderError> {
        side_by_side(&self.sources, |source| source.template().map(|_| ()))?;
        for tongue in self.tongues.values() {
            for chosen in tongue.chosen.values() {
                let source = &self.sources[chosen.place];
                check_words(&source.file, &source.text, tongue.words())?;
            }
        }
        Ok(())
    }

    fn read(overrides: Option<&Path>) -> Result<Self, RenderError> {
        let mut texts: BTreeMap<String, (String, String)> = Embedded::iter()
            .filter_map(|path| Some((path.to_string(), (path.to_string(), embedded(&path)?))))
            .collect();
        let own = overrides.map(read_folder).transpose()?.unwrap_or_default();
        texts.extend(own.clone());
        let used = |folder: &str| folder == SHARED || Lang::ALL.iter().any(|lang| lang.tag() == folder);
        let sources: Vec<Source> = texts
            .into_iter()
            .filter_map(|(path, (file, text))| {
                let (folder, name) = path.strip_suffix(".hbs")?.split_once('/')?;
                used(folder).then(|| Source {
                    folder: folder.to_owned(),
                    name: name.to_owned(),
                    file,
                    text,
                    compiled: OnceLock::new(),
                })
            })
            .collect();
        let tongues = Lang::ALL
            .into_iter()
            .map(|lang| Ok((lang, Tongue::load(lang, &sources, &own)?)))
            .collect::<Result<_, RenderError>>()?;
        Ok(Self { sources, tongues })
    }

    /// The standing words of a language, with what the folder overrides.
    pub fn words(&self, lang: Lang) -> &Words {
        self.tongues[&lang].words()
    }

    /// [`message::Message::of`] with the words of the override folder.
    pub fn message(
        &self,
        publisher: &Publisher,
        view: &IncidentView,
        notice: &Notice,
        lang: Lang,
        site: &str,
    ) -> message::Message {
        message::Message::in_words(self.words(lang), publisher, view, notice, site)
    }

    /// Renders `templates/<lang>/<name>.hbs` strictly: an unknown variable is an error. A language without a template of its
    /// own takes the shared one with its own words; plain German takes German before that.
    pub fn render<T: serde::Serialize>(
        &self,
        lang: Lang,
        name: &str,
        data: &T,
        escape: Escape,
    ) -> Result<String, RenderError> {
        let tongue = &self.tongues[&lang];
        let Some(chosen) = tongue.chosen.get(name) else {
            return Err(RenderError {
                template: name.to_owned(),
                message: "is not there".to_owned(),
            });
        };
        let made = match escape {
            Escape::Html => &chosen.html,
            Escape::Plain => &chosen.plain,
        };
        let registry = match made.get() {
            Some(registry) => registry,
            None => {
                let registry = self.registry(tongue, name, escape)?;
                made.get_or_init(|| registry)
            }
        };
        registry.render(name, data).map_err(|fault| {
            let at = fault.template_name.clone().unwrap_or_else(|| name.to_owned());
            let place = tongue.chosen.get(&at).map(|chosen| chosen.place);
            let line = fault.line_no.map_or_else(String::new, |l| format!("line {l}: "));
            RenderError {
                template: place.map_or(at, |place| self.sources[place].file.clone()),
                message: format!("{line}{}", fault.reason()),
            }
        })
    }

    /// A template and all it draws in.
    fn registry(&self, tongue: &Tongue, name: &str, escape: Escape) -> Result<Handlebars<'static>, RenderError> {
        let mut registry = helpers::registry(tongue.lang, tongue.words.clone());
        registry.register_escape_fn(match escape {
            Escape::Html => handlebars::html_escape,
            Escape::Plain => handlebars::no_escape,
        });
        let mut wanted = vec![name];
        while let Some(name) = wanted.pop() {
            // `@partial-block` is what stands between the tags.
            let Some(chosen) = tongue.chosen.get(name).filter(|_| !registry.has_template(name)) else {
                continue;
            };
            let source = &self.sources[chosen.place];
            registry.register_template(name, source.template()?.clone());
            wanted.extend(source.draws_in(tongue.chosen.keys()));
        }
        Ok(registry)
    }
}

/// The work on each item, in their order, shared out among the cores; of several errors the first.
fn side_by_side<I: Sync, O: Send>(
    items: &[I],
    work: impl Fn(&I) -> Result<O, RenderError> + Sync,
) -> Result<Vec<O>, RenderError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // Whoever is free takes the next one: some take a hundred times as long as others.
    let next = AtomicUsize::new(0);
    let take = || {
        let mine = std::iter::from_fn(|| {
            let place = next.fetch_add(1, Ordering::Relaxed);
            items.get(place).map(|item| (place, work(item)))
        });
        mine.collect::<Vec<_>>()
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..cores.min(items.len())).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, output)| output).collect()
}

/// A template's text and where it came from.
struct Source {
    folder: String,
    name: String,
    file: String,
    text: String,
    compiled: OnceLock<Template>,
}

impl Source {
    fn template(&self) -> Result<&Template, RenderError> {
        if let Some(template) = self.compiled.get() {
            return Ok(template);
        }
        let compiled = Template::compile_with_name(&self.text, self.name.clone()).map_err(|fault| {
            let line = fault.pos().map_or_else(String::new, |(l, _)| format!("line {l}: "));
            RenderError {
                template: self.file.clone(),
                message: format!("{line}{}", fault.reason()),
            }
        })?;
        Ok(self.compiled.get_or_init(|| compiled))
    }

    /// The templates named behind `{{>` or `{{#>`; all of them where a name is only known when rendering (`{{> (lookup …)}}`).
    fn draws_in<'a>(&'a self, all: impl Iterator<Item = &'a String> + Clone) -> Vec<&'a str> {
        let mut names = Vec::new();
        for tag in self.text.split("{{").skip(1) {
            let Some(name) = tag.trim_start_matches(['~', '#']).trim_start().strip_prefix('>') else {
                continue;
            };
            let name = name.trim_start();
            if name.starts_with('(') {
                return all.map(String::as_str).collect();
            }
            let name = name.trim_start_matches(['"', '\'', '[']);
            names.extend(name.split(|c: char| c.is_whitespace() || "~}\"']".contains(c)).next());
        }
        names
    }
}

impl Tongue {
    fn load(lang: Lang, sources: &[Source], own: &BTreeMap<String, (String, String)>) -> Result<Self, RenderError> {
        let words = match own.contains_key(&words::path(lang)) {
            true => Some(Arc::new(Words::load(lang, own)?)),
            false => None,
        };
        let mut folders = vec![SHARED];
        if lang == Lang::DeSimple {
            folders.push(Lang::De.tag());
        }
        folders.push(lang.tag());
        let mut chosen = BTreeMap::new();
        for folder in folders {
            let here = sources.iter().enumerate().filter(|(_, source)| source.folder == folder);
            chosen.extend(here.map(|(place, source)| {
                let each = Chosen {
                    place,
                    html: OnceLock::new(),
                    plain: OnceLock::new(),
                };
                (source.name.clone(), each)
            }));
        }
        Ok(Self { lang, words, chosen })
    }

    fn words(&self) -> &Words {
        self.words.as_deref().unwrap_or_else(|| Words::of(self.lang))
    }
}

/// Every `t "key"` of a template must have a word: a spelling mistake is found when loading, not when rendering.
fn check_words(file: &str, text: &str, words: &Words) -> Result<(), RenderError> {
    for (number, line) in text.lines().enumerate() {
        for part in line.split("t \"").skip(1) {
            let before_is_helper = part.split_once('"');
            if let Some((key, _)) = before_is_helper
                && key.contains('.')
                && key.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'-'))
                && !words.has(key)
            {
                return Err(RenderError {
                    template: file.to_owned(),
                    message: format!("line {}: no word \"{key}\" in words.toml", number + 1),
                });
            }
        }
    }
    Ok(())
}

/// The templates of a folder: `de/post.hbs` to its full path and text. Two levels, at most 1 MiB a file.
fn read_folder(folder: &Path) -> Result<BTreeMap<String, (String, String)>, RenderError> {
    let fault = |at: &Path, e: &std::io::Error| RenderError {
        template: at.display().to_string(),
        message: format!("cannot be read: {e}"),
    };
    let mut found = BTreeMap::new();
    let mut folders: Vec<&str> = Lang::ALL.iter().map(|l| l.tag()).collect();
    folders.push(SHARED);
    std::fs::read_dir(folder).map_err(|e| fault(folder, &e))?;
    for tag in folders {
        let inner = folder.join(tag);
        let Ok(list) = std::fs::read_dir(&inner) else {
            continue;
        };
        for entry in list {
            let path = entry.map_err(|e| fault(&inner, &e))?.path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
            if !(name.ends_with(".hbs") || name.ends_with(".toml")) {
                continue;
            }
            let size = std::fs::metadata(&path).map_err(|e| fault(&path, &e))?.len();
            if size > 1 << 20 {
                return Err(RenderError {
                    template: path.display().to_string(),
                    message: format!("is {size} bytes long; at most 1 MiB is read"),
                });
            }
            let text = std::fs::read_to_string(&path).map_err(|e| fault(&path, &e))?;
            found.insert(format!("{tag}/{name}"), (path.display().to_string(), text));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
