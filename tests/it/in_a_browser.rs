//! The pages in a real browser: the four cases as they are exported, ugly input and an exercise, in each language, light and dark,
//! narrow and wide, large, without script, on paper.

use crate::support::{browser, cases, fixture};
use fixture::{UGLY_NOW, exercise, site, ugly};

#[test]
fn every_kind_of_page_passes_axe_and_fits() {
    let app = cases::published();
    app.run(&["export", "site/real"]).ok();
    let folder = app.path().join("site");
    fixture::write(&site(&[ugly()], UGLY_NOW), &folder.join("ugly"));
    fixture::write(&exercise(), &folder.join("exercise"));
    let (folder, csp) = (folder.to_str().unwrap(), rundruf::formats::csp());
    browser::run("pages.mjs", "", &[("RUNDRUF_DIR", folder), ("RUNDRUF_CSP", &csp)]);
}
