//! The German help texts.

/// By path: `publish` for a command, `publish.key` for one of its arguments, `.json` for what every command takes.
pub(super) const TEXTS: &[(&str, &str)] = &[
    (
        "",
        "Eine Meldung, einmal geschrieben, erreicht alle: Website, Feeds, soziale Medien, SMS, E-Mail, Webhooks.",
    ),
    (".config", "Die Konfiguration"),
    (".data", "Der Ordner mit Speicher, Schlüssel und Sperre"),
    (".json", "Antwort als JSON, nie übersetzt"),
    (".yes", "Nicht nachfragen, auch wo sich nichts zurückholen lässt"),
    (".help", "Diese Hilfe zeigen"),
    (".version", "Die Version zeigen"),
    (
        "demo",
        "Alles vorführen, in einem Wegwerf-Ordner mit nachgebauten Diensten; nichts verlässt diese Maschine",
    ),
    ("demo.once", "Von selbst enden; ohne Terminal ist es immer so"),
    (
        "init",
        "Einrichten: fragt sechs Dinge, schreibt channels.toml und Schlüssel, prüft alles, schreibt das Notfallblatt",
    ),
    (
        "init.answers",
        "Eine TOML-Datei mit den sechs Antworten: name, land, phone, url, target, imprint. Dann wird nichts gefragt",
    ),
    (
        "init.sheet",
        "Nur das Notfallblatt noch einmal schreiben und zeigen, nach der Konfiguration, wie sie jetzt ist",
    ),
    (
        "new",
        "Eine Meldung zum Ausfüllen ausgeben, mit den Nummern des Vorfalls und dem, was zurzeit gilt",
    ),
    (
        "new.kind",
        "Was es werden soll; ohne Angabe die erste Meldung, oder die nächste, wenn ein Vorfall offen ist",
    ),
    (
        "new.incident",
        "Der Vorfall; nötig, wenn mehrere offen sind. Bei first: die Kennung des neuen",
    ),
    (
        "new.publisher",
        "Der Herausgeber; nötig, wenn es mehrere gibt und kein Vorfall genannt ist",
    ),
    (
        "serve",
        "Senden, Website und Verwaltung bereitstellen, bis es beendet wird",
    ),
    (
        "publish",
        "Eine Meldung (Datei oder „-“) auf allen Kanälen veröffentlichen",
    ),
    ("publish.notice", "Die Datei der Meldung; „-“ liest die Standardeingabe"),
    (
        "publish.key",
        "Schlüssel gegen Doppeltes: mit demselben Schlüssel erscheint dieselbe Meldung nur einmal",
    ),
    (
        "publish.after",
        "Die letzte Meldung, die Sie kennen: abgelehnt, wenn es eine neuere gibt",
    ),
    ("publish.channel", "Nur dieser Kanal (mehrfach möglich)"),
    ("publish.dry_run", "Zeigen, was hinausginge; nichts veröffentlichen"),
    (
        "publish.wait",
        "Warten, bis jeder Kanal fertig ist, angehalten ist oder später wieder versucht wird; höchstens 30 s",
    ),
    (
        "publish.as_name",
        "In wessen Namen (steht im Protokoll neben dem Benutzer des Betriebssystems)",
    ),
    (
        "publish.override_reason",
        "Warum keine zweite Person gefragt wurde (steht im Protokoll)",
    ),
    (
        "preview",
        "Zeigen, was jeder Kanal sagen wird. Ändert nichts, braucht kein Netz",
    ),
    ("preview.notice", "Die Datei der Meldung; „-“ liest die Standardeingabe"),
    ("preview.channel", "Nur dieser Kanal"),
    ("preview.lang", "Nur diese Sprache"),
    (
        "preview.now",
        "Als würde sie in diesem Moment veröffentlicht (RFC 3339)",
    ),
    ("retract", "Eine Meldung zurückziehen"),
    ("retract.number", "Nummer der Meldung"),
    ("retract.incident", "Der Vorfall; nötig, wenn mehrere offen sind"),
    (
        "retract.redact",
        "Dieses Feld der Meldung außerdem überall entfernen (summary, contact.zentrale.phone, …)",
    ),
    ("retract.reason", "Warum; das liest die Öffentlichkeit"),
    (
        "retract.override_reason",
        "Warum keine zweite Person gefragt wurde (steht im Protokoll)",
    ),
    ("incident", "Vorfälle zeigen, schließen, wieder öffnen"),
    ("incident list", "Alle Vorfälle, der neueste zuerst"),
    ("incident show", "Ein Vorfall mit seinen Meldungen"),
    ("incident show.incident", "2023-01-it oder potsdam/2023-01-it"),
    (
        "incident close",
        "Schließen: danach folgt nichts ohne reopen; private Kontakte verlassen das Archiv",
    ),
    ("incident close.incident", "2023-01-it oder potsdam/2023-01-it"),
    (
        "incident close.override_reason",
        "Warum keine zweite Person gefragt wurde (steht im Protokoll)",
    ),
    ("incident reopen", "Wieder öffnen"),
    ("incident reopen.incident", "2023-01-it oder potsdam/2023-01-it"),
    ("status", "Was angekommen ist, Kanal für Kanal"),
    (
        "status.incident",
        "Nur dieser Vorfall (2023-01-it oder potsdam/2023-01-it); sonst alle offenen",
    ),
    ("status.watch", "Bei jeder Änderung neu zeigen, bis Strg+C"),
    ("explain", "Die ganze Geschichte einer Zustellung"),
    (
        "explain.delivery",
        "Nummer einer Zustellung, oder b7 für die Zustellungen der Sendung b7 (Nummern: rundruf status)",
    ),
    (
        "decide",
        "Eine unklare Zustellung beenden: angekommen, noch einmal senden oder aufgeben",
    ),
    (
        "decide.what",
        "Nummer einer Zustellung, oder b7 für alles Unklare der Sendung b7",
    ),
    (
        "decide.decision",
        "there: angekommen; again: noch einmal senden; drop: aufgeben",
    ),
    (
        "channel",
        "Kanäle zeigen, prüfen, anhalten, freigeben, neu versuchen, umbenennen, aufgeben",
    ),
    (
        "channel list",
        "Alle Kanäle mit ihrem Stand, auch nicht mehr eingerichtete",
    ),
    (
        "channel test",
        "Einstellungen und Gegenstelle eines Kanals prüfen. Sendet keine Meldung",
    ),
    ("channel test.name", "Kanal"),
    ("channel hold", "Anhalten: nach der Antwort beginnt keine Sendung mehr"),
    ("channel hold.name", "Kanal"),
    ("channel hold.reason", "Warum; steht in der Übersicht"),
    ("channel release", "Freigeben; zeigt vorher, wer was bekommt"),
    ("channel release.name", "Kanal"),
    (
        "channel release.override_reason",
        "Freigeben, obwohl die Probe misslingt; der Grund steht im Protokoll und am Kanal",
    ),
    (
        "channel retry",
        "Jetzt wieder versuchen, nach einer Pause oder nach Fehlern",
    ),
    ("channel retry.name", "Kanal"),
    (
        "channel rename",
        "Das Wartende eines nicht mehr eingerichteten Kanals einem anderen Namen geben",
    ),
    ("channel rename.name", "Alter Name"),
    ("channel rename.to", "Neuer Name"),
    (
        "channel drop",
        "Das Wartende eines nicht mehr eingerichteten Kanals aufgeben",
    ),
    ("channel drop.name", "Kanal"),
    (
        "check",
        "Einstellungen, Vorlagen, Zugangsdaten und Gegenstellen prüfen. Sendet keine Meldung",
    ),
    (
        "check.clock_is_right",
        "Nach einem Vorspringen der Uhr: sagen, dass sie jetzt stimmt; was abgelaufen ist, endet dann wieder",
    ),
    (
        "measure",
        "Texte zählen, wie ein Dienst sie zählt: JSON-Zeilen hinein, JSON-Zeilen heraus",
    ),
    ("measure.platform", "Wessen Maß und Grenze gilt"),
    (
        "suppression",
        "Adressen, denen nicht mehr geschrieben wird: zeigen, eine hinzufügen, eine aufheben",
    ),
    (
        "suppression list",
        "Wer gesperrt ist, seit wann und warum; und wen Server als unbekannt melden, der weiter angeschrieben wird",
    ),
    ("suppression list.channel", "Nur dieser Kanal"),
    ("suppression add", "Einer Adresse nicht mehr schreiben"),
    ("suppression add.address", "Die Adresse, gleich in welcher Schreibweise"),
    (
        "suppression add.channel",
        "Nur auf diesem Kanal; sonst auf jedem, der an solche Adressen schreibt",
    ),
    ("suppression lift", "Einer Adresse wieder schreiben"),
    (
        "suppression lift.address",
        "Die Adresse, gleich in welcher Schreibweise",
    ),
    (
        "suppression lift.channel",
        "Nur auf diesem Kanal; sonst auf jedem, auf dem sie gesperrt ist",
    ),
    ("bounce", "Lesen, was an Mails zurückkommt"),
    (
        "bounce parse",
        "Sagen, was eine zurückgekommene Mail bedeutet: JSON auf der Standardausgabe",
    ),
    (
        "bounce parse.file",
        "Die Mail, wie sie ankam; „-“ liest die Standardeingabe",
    ),
    ("export", "Die Website in einen Ordner schreiben"),
    (
        "export.dir",
        "Wohin; wird angelegt. Was ein früherer Export dort ließ und nicht mehr dazugehört, verschwindet; anderes bleibt",
    ),
    (
        "export.now",
        "So, wie sie in diesem Moment steht (RFC 3339), ohne das, was einen späteren betrifft",
    ),
    (
        "verify",
        "Nachsehen, ob eine Kopie der Website (Ordner oder Adresse) ganz, unverändert und unterschrieben ist",
    ),
    ("verify.copy", "Ein Ordner, oder die Adresse einer Kopie (https://…)"),
    (
        "verify.key",
        "Der Schlüssel, mit dem sie unterschrieben sein muss, wie rundruf check beim Herausgeber ihn nennt. Ohne: der dieser Installation",
    ),
    (
        "verify.within",
        "Wie lange es dauern darf (500ms, 30s, 20m, 2h). Was bis dahin gefunden ist, wird gesagt",
    ),
    ("backup", "Speicher und Schlüssel in eine Datei sichern"),
    (
        "backup.file",
        "Die Datei; darf es noch nicht geben. Sie enthält den Schlüssel: ebenso sicher verwahren",
    ),
    (
        "backup.mark_moved",
        "Umzug auf eine andere Maschine: dieser Speicher sendet danach nicht mehr",
    ),
    (
        "restore",
        "Eine Sicherung zurückholen; alle Kanäle außer der Website sind danach angehalten",
    ),
    ("restore.file", "Die Sicherung"),
];

pub(super) const AFTER: &str = "Zum Kennenlernen: rundruf demo führt alles auf dieser Maschine vor und sendet nichts.
Zum Einrichten: rundruf init stellt sechs Fragen.
Eine Meldung braucht fünf Zeilen: rundruf new > meldung.toml gibt sie zum Ausfüllen aus,
rundruf preview meldung.toml zeigt, was hinausgeht, rundruf publish meldung.toml veröffentlicht es.
rundruf status sagt, was angekommen ist; rundruf channel hold NAME hält einen Kanal an.

Ende: 0 getan · 1 abgelehnt, passt nicht oder Widerspruch · 2 Aufruf oder Konfiguration";

pub(super) const SUPPRESSION: &str =
    "Gesperrt wird eine Adresse, wenn sich ihr Besitzer abmeldet, wenn ihr Mailserver sie zweimal als unbekannt
meldet (bei Mails, zwischen denen ein Tag liegt), wenn der Empfänger eines Webhooks mit 410
antwortet, oder von Hand. Das bleibt so, was auch in der Empfängerliste steht, bis es jemand
aufhebt.";

pub(super) const MEASURE: &str = "Eingabe, ein JSON-Objekt je Zeile („spoiler“ zählt nur bei mastodon):
  {\"text\": \"Siehe https://www.potsdam.de/it\", \"spoiler\": \"IT-Störung\"}

Ausgabe, eine Antwort je Zeile in derselben Reihenfolge:
  {\"length\": 29, \"limit\": 280, \"fits\": true}
  sms zählt in Zeichen der Kodierung bis zu zehn SMS (1530, mit teuren Zeichen 670; längere
  Texte nehmen Gateways nicht) und nennt auch encoding, segments und costly: die Zeichen,
  die den Preis verdoppeln
  bluesky nennt auch bytes und facets (Links, Schlagworte, Erwähnungen)";
