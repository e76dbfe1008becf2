//! What people see on a terminal fits 80 columns, and numbers one is told to type are on the screen before.

use super::{WEBSITE, hook, nobody, notice};
use crate::support::TestApp;

#[test]
fn screens_fit_eighty_columns_whatever_is_long() {
    let port = nobody();
    let deep = "ordner".repeat(12);
    let name = "ein_kanal_mit_einem_sehr_langen_namen_wie_ihn_jemand_waehlt";
    let app = TestApp::new(&format!(
        "{WEBSITE}[channel.fern]\nkind = \"website\"\ntargets = [\"file:{deep}/{deep}\"]\n{}",
        hook(name, port.first())
    ));
    // A file in the way: the reason names a long path.
    app.write(&deep, "");
    let title = "Die gesamte Informationstechnik der Landeshauptstadt ist vorsorglich abgeschaltet, auch die Telefone";
    app.write(
        "meldung.toml",
        &format!("incident = \"2026-01-it\"\ntitle = \"{title}\"\n{}", notice(1)),
    );
    for german in [false, true] {
        let run = |args: &[&str]| if german { app.german(args) } else { app.run(args) };
        let mut screens = vec![run(&["publish", "meldung.toml", "--wait"]).ok().out];
        // Before the table stand sentences, and the link, which whoever opens it needs whole.
        let table = |line: &&str| !line.starts_with(if german { "Kanal" } else { "channel" });
        screens[0] = screens[0].lines().skip_while(table).collect::<Vec<_>>().join("\n");
        for args in [
            &["status"][..],
            &["explain", "b1"],
            &["explain", "b2"],
            &["explain", "b3"],
            &["channel", "list"],
            &["incident", "list"],
            &["incident", "show", "2026-01-it"],
        ] {
            screens.push(run(args).ok().out);
        }
        for screen in screens {
            // Sentences are as long as they are; the terminal wraps them.
            for line in screen.lines().filter(|line| !line.contains("rundruf serve")) {
                assert!(
                    line.chars().count() <= 80,
                    "{} columns: {line}\n{screen}",
                    line.chars().count()
                );
            }
        }
    }
}

#[test]
fn the_number_that_explain_wants_stands_in_status() {
    let app = TestApp::new(WEBSITE);
    app.publish(&notice(1), &["--wait"]);
    let status = app.run(&["status"]).ok().out;
    let id = format!("b{}", app.broadcast("website", 1)["id"]);
    let row = status.lines().find(|line| line.starts_with("website")).unwrap();
    assert_eq!(row.split_whitespace().nth(2), Some(id.as_str()), "{status}");
    assert!(app.run(&["explain", &id]).ok().out.contains("up to date"));
    let help = app.run(&["explain", "--help"]).ok().out;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("rundruf status`"), "{help}");
}

#[test]
fn a_preview_in_one_language_says_which_channels_speak_another() {
    let port = nobody();
    let app = TestApp::new(&format!("{WEBSITE}{}", hook("hook", port.first())));
    app.write("meldung.toml", &notice(1));
    let preview = app.run(&["preview", "meldung.toml", "--lang", "en"]).ok().out;
    assert!(preview.contains("── hook (webhook) speaks only: de"), "{preview}");
    assert!(preview.contains("── website (website) http://"), "{preview}");
}
