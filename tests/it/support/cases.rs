//! The four cases of `examples`, published in order by the program itself, for five publishers and one that has nothing to say.

use super::{TestApp, root};

/// Who speaks.
pub const PUBLISHERS: [(&str, &str); 6] = [
    ("potsdam", "Landeshauptstadt Potsdam"),
    ("schwerin", "Landeshauptstadt Schwerin"),
    ("soest", "Kreis und Kommunen Soest"),
    ("provider", "Dienstleister"),
    ("gemeinde", "Gemeinde Beispiel"),
    ("ruhe", "Gemeinde ohne Meldung"),
];

/// The notice files of one case, by its folder, in order.
pub fn files(case: &str) -> Vec<String> {
    let mut files: Vec<String> = std::fs::read_dir(root().join("examples").join(case))
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".toml"))
        .collect();
    files.sort();
    files
}

/// A publisher in three languages with everything a public page has to have.
pub fn publisher(id: &str, name: &str) -> String {
    format!(
        "[publisher.{id}]\nname = \"{name}\"\nlanguages = [\"de\", \"de-simple\", \"en\"]\ntimezone = \"Europe/Berlin\"\nphone = \"115\"\n\
         [publisher.{id}.imprint]\nname = \"{name}\"\naddress = \"Beispielweg 1, 14469 Beispielstadt\"\nrepresented_by = \"Der Oberbürgermeister\"\n\
         phone = \"115\"\nemail = \"presse@stadt.example\"\nresponsible = \"Pressestelle\"\n"
    )
}

/// All of them in one installation with a website in the folder `public`, which is up to date when this returns.
pub fn published() -> TestApp {
    let publishers: String = PUBLISHERS.iter().map(|(id, name)| publisher(id, name)).collect();
    let list: Vec<String> = PUBLISHERS.iter().map(|(id, _)| format!("\"{id}\"")).collect();
    let channel = format!(
        "[channel.website]\nkind = \"website\"\ntargets = [\"file:public\"]\npublishers = [{}]\n",
        list.join(", ")
    );
    let app = TestApp::with_publishers(&publishers, &channel);
    let files: Vec<String> = ["a-potsdam", "b-schwerin", "c-soest", "d-sit"]
        .into_iter()
        .flat_map(files)
        .collect();
    assert_eq!(files.len(), 18);
    for (at, file) in files.iter().enumerate() {
        let mut args = vec!["publish", file, "--yes"];
        if at + 1 == files.len() {
            args.push("--wait");
        }
        assert_eq!(app.json(&args)["created"], true, "{file}");
    }
    app
}
