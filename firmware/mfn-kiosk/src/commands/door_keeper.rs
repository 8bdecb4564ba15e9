//! `door-keeper`: the hidden command by which `run` starts the door's own process.

use crate::cli::KeeperArgs;
use crate::config::DoorSetup;
use crate::exit::{Exit, Failure, OrExit};
use crate::{keeper, limits};

pub fn execute(args: &KeeperArgs) -> Result<Exit, Failure> {
    limits::no_core_dumps()?;
    let door = serde_json::from_str(&args.door).or_exit(Exit::Usage)?;
    let setup =
        DoorSetup::check(&door).map_err(|(key, e)| Failure::new(Exit::Usage, format!("{key}: {e}")))?;
    keeper::keep(&setup).or_exit(Exit::Door)?;
    Ok(Exit::Ok)
}
