//! A bench of parts: which of them are wanted, on what they run, what the machine was like before and what came out.

use super::machine;
use super::table::Table;

/// The parts that the command line names.
pub struct Wanted(Vec<String>);

impl Wanted {
    /// Is this part to run? Without a name all are, and a piece of a name is enough.
    pub fn is(&self, part: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|wanted| part.contains(wanted))
    }
}

/// Runs the parts and prints their table.
pub fn run<W>(parts: impl FnOnce(Wanted) -> W)
where
    W: Future<Output = Table> + Send + 'static,
{
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` and `cargo bench -- --list` must not start minutes of work.
    if arguments.iter().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let wanted = Wanted(arguments.into_iter().filter(|a| !a.starts_with('-')).collect());
    // As `rundruf` itself runs, and on its workers: what is measured shares nothing with the thread that starts it.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    println!("{} cores, {}", machine::cores(), machine::minute());
    let table = runtime.block_on(runtime.spawn(parts(wanted))).expect("every part ends");
    println!("\n{table}\n{}", machine::minute());
}
