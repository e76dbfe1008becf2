//! `rundruf demo`.
/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// End by itself.
    #[arg(long)]
    pub once: bool,
}
/// Runs it.
pub async fn run(_args: DemoArgs, _out: &super::output::Output) -> Result<u8, super::output::Failure> {
    Ok(0)
}
