//! The helpers templates may use: `t` (a standing word), `say` (a text that may be in another language than the page).

use std::sync::Arc;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, PathAndJson, RenderContext, RenderErrorReason,
};

use super::words::Words;
use crate::text::lang::Lang;

/// A strict registry with the helpers bound to the words of its language.
pub(super) fn registry(lang: Lang, words: Option<Arc<Words>>) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_helper("t", Box::new(Word(lang, words)));
    registry.register_helper("say", Box::new(Say));
    registry
}

/// `{{t "page.notice" number=3}}`.
struct Word(Lang, Option<Arc<Words>>);

impl HelperDef for Word {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let words = self.1.as_deref().unwrap_or_else(|| Words::of(self.0));
        let key = h
            .param(0)
            .and_then(|p| p.value().as_str())
            .ok_or(RenderErrorReason::ParamNotFoundForIndex("t", 0))?;
        if !words.has(key) {
            return Err(RenderErrorReason::Other(format!("no word \"{key}\" in words.toml")).into());
        }
        let values: Vec<(&str, String)> = h
            .hash()
            .iter()
            .map(|(name, value)| {
                let value = value.value();
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (*name, text)
            })
            .collect();
        let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let word = words.fill(key, &values);
        out.write(&registry.get_escape_fn()(&word))?;
        Ok(())
    }
}

/// `{{say name}}` for a text of [`crate::render::times::Text`]: in a `span` with `lang` where it is not the page's language.
struct Say;

impl HelperDef for Say {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = h
            .param(0)
            .map(PathAndJson::value)
            .ok_or(RenderErrorReason::ParamNotFoundForIndex("say", 0))?;
        let Some(text) = value.get("text").and_then(|t| t.as_str()) else {
            let found = RenderErrorReason::Other("say wants a text with its language".to_owned());
            return Err(found.into());
        };
        let text = registry.get_escape_fn()(text);
        match value.get("lang").and_then(|l| l.as_str()) {
            Some(lang) => out.write(&format!("<span lang=\"{lang}\">{text}</span>"))?,
            None => out.write(&text)?,
        }
        Ok(())
    }
}
