//! Mail against a real server, over STARTTLS and with a login: what arrives, what becomes of refusals, who leaves, who signs.

mod arrival;
mod digest;
mod dkim;
mod faults;
mod gate;
mod leaving;
mod returns;
mod suppressing;

use super::support::TestApp;
use super::support::app::Serve;
use super::support::mail::MailServer;

/// Three people, each in a language of their own.
const LIST: &str = "address,name,language,places\nanna@ex.example,Änne „A.“ Muster,de,\nbert@ex.example,,en,\ncem@ex.example,Cem,de-simple,\n";

/// An installation that writes to a list.
struct Office {
    app: TestApp,
    server: MailServer,
}

impl Office {
    /// Over STARTTLS, with a login; further keys of the channel as TOML.
    fn open(keys: &str) -> Option<Self> {
        let server = MailServer::with_login()?;
        let app = TestApp::new(&format!("[channel.email]\n{}{keys}\n", server.keys()));
        app.write("verteiler.csv", LIST);
        // The public address is an https one, as outside; the tests ask the listener behind it.
        let config = std::fs::read_to_string(app.path().join("channels.toml")).unwrap();
        let local = format!("[site]\nurl = \"{}\"", app.url());
        app.write(
            "channels.toml",
            &config.replace(&local, "[site]\nurl = \"https://info.potsdam.example\""),
        );
        Some(Self { app, server })
    }

    fn serve(&self) -> Serve {
        self.app.serve()
    }

    /// Publishes a notice with this headline; its number.
    fn publish(&self, headline: &str) -> u64 {
        let notice = format!(
            "headline = \"{headline}\"\nsummary = \"Bitte rufen Sie vor einem Besuch an.\"\ncontact.zentrale.phone = \"115\"\n"
        );
        self.app.publish(&notice, &[])["number"].as_u64().unwrap()
    }

    fn delivered(&self, number: u64, count: u64) {
        self.app.wait_for("email", number, "delivered", count);
    }
}
