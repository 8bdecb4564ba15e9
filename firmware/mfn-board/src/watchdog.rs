//! Tells the service manager that the program is ready and alive (systemd's `sd_notify` protocol: one
//! datagram of `KEY=VALUE` text to the socket named in NOTIFY_SOCKET). The caller says when: the watchdog
//! knows no clock.

use std::{
    env,
    ffi::OsStr,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

/// Who watches that the program lives.
pub trait Watchdog: Send {
    /// The program is ready: the camera is open and the line is closed.
    ///
    /// # Errors
    /// The watcher cannot be reached.
    fn ready(&mut self) -> io::Result<()>;

    /// The program made progress. To be called at least once every [`Watchdog::interval`].
    ///
    /// # Errors
    /// The watcher cannot be reached.
    fn alive(&mut self) -> io::Result<()>;

    /// The program is about to end of its own will.
    ///
    /// # Errors
    /// The watcher cannot be reached.
    fn stopping(&mut self) -> io::Result<()>;

    /// How often it wants to hear of life; `None` when it does not watch. Half of the time after which it
    /// restarts the program, as systemd's manual advises.
    fn interval(&self) -> Option<Duration>;
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWatchdog;

impl Watchdog for NoWatchdog {
    fn ready(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn alive(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn stopping(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn interval(&self) -> Option<Duration> {
        None
    }
}

/// systemd, with `Type=notify` and `WatchdogSec=` in the unit.
#[derive(Debug)]
pub struct SystemdWatchdog {
    socket: UnixDatagram,
    manager: SocketAddr,
    interval: Option<Duration>,
}

impl SystemdWatchdog {
    /// The manager that NOTIFY_SOCKET and WATCHDOG_USEC name; `None` when the program is no service.
    ///
    /// # Errors
    /// NOTIFY_SOCKET is no socket address.
    pub fn from_environment() -> io::Result<Option<SystemdWatchdog>> {
        let Some(name) = env::var_os("NOTIFY_SOCKET") else { return Ok(None) };
        let limit =
            env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok()).map(Duration::from_micros);
        SystemdWatchdog::new(&name, limit).map(Some)
    }

    /// A manager at this address: a path, or `@name` for an abstract socket. `limit` is the time after which
    /// it restarts a silent program.
    ///
    /// # Errors
    /// The name is no socket address.
    pub fn new(name: &OsStr, limit: Option<Duration>) -> io::Result<SystemdWatchdog> {
        let manager = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // A manager that does not read must not stop the door.
        socket.set_nonblocking(true)?;
        Ok(SystemdWatchdog { socket, manager, interval: limit.map(|t| t / 2) })
    }

    fn send(&self, state: &str) -> io::Result<()> {
        self.socket.send_to_addr(state.as_bytes(), &self.manager).map(drop)
    }
}

impl Watchdog for SystemdWatchdog {
    fn ready(&mut self) -> io::Result<()> {
        self.send("READY=1\n")
    }

    fn alive(&mut self) -> io::Result<()> {
        self.send("WATCHDOG=1\n")
    }

    fn stopping(&mut self) -> io::Result<()> {
        self.send("STOPPING=1\n")
    }

    fn interval(&self) -> Option<Duration> {
        self.interval
    }
}
