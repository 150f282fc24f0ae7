//! `reflector hold`: every unforced close is frozen, while a provider has an incident or a back-up was restored.

use clap::ValueEnum;

use super::{CommandError, Office};

/// Whether closes are to be on hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hold {
    /// Nothing is closed because it is empty; what is closed by force still is.
    On,
    /// Closes go on as the rules say.
    Off,
}

/// Puts closes on hold, or lifts it, for all servers of the database.
pub(crate) async fn run(office: &Office, hold: Hold) -> Result<(), CommandError> {
    office.store().hold((hold == Hold::On).then_some(office.now)).await?;
    match office.store().held_since().await? {
        Some(since) => {
            println!("unforced closes are on hold since {since}; end it with `reflector hold off`")
        }
        None => println!("closes go on as the rules say"),
    }
    Ok(())
}
