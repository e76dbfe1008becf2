//! Help and command-line errors in German. The English texts stand beside the arguments they explain; a test of this file
//! fails for every argument that has no German one.

mod texts;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use texts::{AFTER, MEASURE, SUPPRESSION, TEXTS};

const PAGE: &str = "{about-with-newline}\nAufruf: {usage}\n\n{all-args}{after-help}";

fn text(key: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(k, _)| *k == key).map(|(_, text)| *text)
}

/// The command line with German help.
pub fn in_german(root: Command) -> Command {
    let flag = |name: &'static str, short, action| {
        Arg::new(name)
            .short(short)
            .long(name)
            .action(action)
            .help(text(&format!(".{name}")).unwrap_or_default())
    };
    let root = root
        .disable_help_flag(true)
        .disable_version_flag(true)
        // `rundruf help publish` is read as `rundruf publish --help` before it comes here.
        .disable_help_subcommand(true)
        .arg(flag("help", 'h', ArgAction::Help).global(true))
        .arg(flag("version", 'V', ArgAction::Version))
        .after_help(AFTER);
    translated(root, "")
        .mut_subcommand("measure", |measure| measure.after_long_help(MEASURE))
        .mut_subcommand("suppression", |suppression| suppression.after_help(SUPPRESSION))
}

/// What stands for a value in a call and in an error, by its English name. NAME and the like are the same word.
const VALUES: &[(&str, &str)] = &[("WHAT", "NUMMER"), ("DECISION", "ENTSCHEIDUNG"), ("ADDRESS", "ADRESSE")];

fn value_name(arg: Arg) -> Arg {
    let english = arg.get_value_names().and_then(|names| names.first());
    let german = english.and_then(|name| VALUES.iter().find(|(known, _)| *known == name.as_str()));
    match german {
        Some((_, german)) => arg.value_name(*german),
        None => arg,
    }
}

fn translated(command: Command, path: &str) -> Command {
    let command = command
        .about(text(path).unwrap_or_default())
        .help_template(PAGE)
        .subcommand_help_heading("Befehle")
        .mut_args(|arg| {
            let help = text(&format!("{path}.{}", arg.get_id())).or_else(|| text(&format!(".{}", arg.get_id())));
            let heading = if arg.is_positional() { "Angaben" } else { "Optionen" };
            let arg = value_name(arg.long_help(None).help_heading(heading));
            let help = help.unwrap_or_default();
            let words = match arg.get_action() {
                ArgAction::Set | ArgAction::Append => arg.get_possible_values(),
                _ => Vec::new(),
            };
            if words.is_empty() {
                return arg.help(help);
            }
            // clap would explain each word in English.
            let words: Vec<&str> = words.iter().map(clap::builder::PossibleValue::get_name).collect();
            let help = format!("{help} [möglich: {}]", words.join(", "));
            arg.help(help).hide_possible_values(true)
        });
    command.mut_subcommands(|below| {
        let path = format!("{path} {}", below.get_name());
        translated(below, path.trim_start())
    })
}

/// What is wrong with the command line, in German; `None` where only clap's own words say it.
pub fn error(error: &clap::Error) -> Option<String> {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        Some(ContextValue::Strings(words)) => Some(words.join(", ")),
        _ => None,
    };
    let arg = word(ContextKind::InvalidArg);
    let near = |kind| {
        word(kind)
            .map(|near| format!(" Meinten Sie {near}?"))
            .unwrap_or_default()
    };
    let said = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let found = word(ContextKind::InvalidSubcommand)?;
            format!(
                "Einen Befehl „{found}“ gibt es nicht.{}",
                near(ContextKind::SuggestedSubcommand)
            )
        }
        ErrorKind::UnknownArgument => format!("„{}“ passt hier nicht.{}", arg?, near(ContextKind::SuggestedArg)),
        ErrorKind::MissingRequiredArgument => format!("Es fehlt: {}.", arg?),
        ErrorKind::InvalidValue if word(ContextKind::InvalidValue).is_some_and(|v| v.is_empty()) => {
            format!("Hinter {} fehlt der Wert.", arg?)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let allowed = word(ContextKind::ValidValue)
                .map(|list| format!(" Möglich sind: {list}."))
                .unwrap_or_default();
            format!(
                "„{}“ passt nicht zu {}.{allowed}",
                word(ContextKind::InvalidValue)?,
                arg?
            )
        }
        _ => return None,
    };
    Some(said)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn missing(command: &Command, path: &str, found: &mut Vec<String>) {
        if text(path).is_none() {
            found.push(path.to_owned());
        }
        for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let key = format!("{path}.{}", arg.get_id());
            if text(&key).is_none() && text(&format!(".{}", arg.get_id())).is_none() {
                found.push(key);
            }
        }
        for below in command.get_subcommands() {
            missing(below, format!("{path} {}", below.get_name()).trim_start(), found);
        }
    }

    #[test]
    fn every_command_and_argument_is_explained_in_german_and_nothing_else_is() {
        let mut found = Vec::new();
        missing(&crate::cli::Cli::command(), "", &mut found);
        assert!(found.is_empty(), "{found:?}");
        let english = crate::cli::Cli::command();
        for (key, _) in TEXTS.iter().filter(|(key, _)| !key.is_empty() && !key.starts_with('.')) {
            let (path, arg) = key.split_once('.').unwrap_or((key, ""));
            let command = path
                .split(' ')
                .try_fold(&english, |command, name| command.find_subcommand(name));
            let command = command.unwrap_or_else(|| panic!("{key}"));
            assert!(
                arg.is_empty() || command.get_arguments().any(|a| a.get_id() == arg),
                "{key}"
            );
        }
    }

    #[test]
    fn the_german_command_line_is_sound_and_reads_the_same() {
        in_german(crate::cli::Cli::command()).debug_assert();
        let help = in_german(crate::cli::Cli::command()).render_long_help().to_string();
        assert!(
            help.contains("Befehle:") && help.contains("Optionen:") && !help.contains("Print"),
            "{help}"
        );
    }
}
