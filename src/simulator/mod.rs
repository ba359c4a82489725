//! The public API: a fleet of simulated servers inside of a test.

mod builder;
mod error;
mod faults;
mod handle;
mod listeners;
mod state;
#[cfg(test)]
mod tests;
mod threads;
mod world;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::node::NodeId;
pub use builder::Builder;
pub use error::Error;
pub use handle::Node;
pub use listeners::Addresses;
pub use state::{AgentPhase, Identity, Media, MediaStatus, NodeState, System};
use threads::Threads;
use world::World;

/// A fleet of simulated servers in this process, with a Redfish BMC each and, in a booted ramdisk, an Ironic Python Agent.
///
/// It has threads of its own, and works in a plain `#[test]` and in async code of any runtime. Several of them run in one
/// process. It stops when it is dropped.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = fauxmetal::Simulator::start(3)?;
/// let url = simulator.bmc_url().expect("it listens");
/// assert!(url.starts_with("https://127.0.0.1:"));
/// assert_eq!(simulator.node(2)?.identity().name, "generic-2");
/// # Ok(())
/// # }
/// ```
///
/// A method that waits has two forms. The plain one is for async code, such as [`advance`](Self::advance). The one that begins
/// with `blocking_` stops the calling thread, for a `#[test]`; inside of async code it would stop the test's own tasks.
pub struct Simulator {
    world: Arc<World>,
    threads: Threads,
}

impl Simulator {
    /// Starts `nodes` servers of the model `generic`. Their BMCs share an HTTPS listener, and their agents another one, each on
    /// a free port of 127.0.0.1. The user of every BMC is `admin`, with the password `password`.
    ///
    /// # Errors
    /// If the number of nodes is not allowed, or this host refuses a thread or a socket.
    pub fn start(nodes: u32) -> Result<Self, Error> {
        Self::builder().nodes("generic", nodes).start()
    }

    /// The settings of a new simulator, with the defaults of [`Simulator::start`].
    pub fn builder() -> Builder {
        Builder::new()
    }

    fn new(world: World, threads: Threads) -> Self {
        Self { world: Arc::new(world), threads }
    }

    /// The nodes in the order of their indexes.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + '_ {
        self.world.fleet.ids().map(|id| Node::new(&self.world, id))
    }

    /// The node with an index, counted from 0 in the order in which the [`Builder`] named the models.
    ///
    /// # Errors
    /// [`Error::NoSuchNode`] if there are fewer nodes.
    pub fn node(&self, index: u32) -> Result<Node, Error> {
        match self.world.fleet.identify(NodeId(index), |_, _| ()) {
            Some(()) => Ok(Node::new(&self.world, NodeId(index))),
            None => Err(self.no_such_node(index.to_string())),
        }
    }

    /// The node with a name, such as `generic-2`, or with a UUID.
    ///
    /// # Errors
    /// [`Error::NoSuchNode`] if no node has it.
    pub fn find(&self, name: &str) -> Result<Node, Error> {
        let fleet = &self.world.fleet;
        fleet
            .find_named(name)
            .map(|id| Node::new(&self.world, id))
            .ok_or_else(|| self.no_such_node(name.to_owned()))
    }

    fn no_such_node(&self, wanted: String) -> Error {
        let last = self.world.fleet.next_index().saturating_sub(1);
        let name = self.world.fleet.names(NodeId(last)).0;
        Error::NoSuchNode { wanted, last: format!("{last} ({name})") }
    }

    /// The URL of the service root that all nodes share, without a path: `https://127.0.0.1:PORT`. `None` without listeners,
    /// and with [`Addresses::Port`], where each node has its own ([`Node::bmc_url`]).
    pub fn bmc_url(&self) -> Option<String> {
        let urls = self.world.bmc_urls.as_ref().filter(|urls| !urls.are_own());
        urls.map(|urls| urls.of(0, String::new))
    }

    /// The certificate (PEM) with which clients verify the BMCs. `None` with plain HTTP and without listeners.
    ///
    /// A new CA is made for each simulator, in memory.
    pub fn ca_pem(&self) -> Option<&str> {
        self.world.ca_pem.as_deref()
    }

    /// The value of the header `Authorization` with which a client logs in to the BMCs (HTTP Basic, RFC 7617).
    pub fn authorization(&self) -> &str {
        &self.world.authorization
    }

    /// Answers a request at the service root that all nodes share, without a socket.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use fauxmetal::{Simulator, http::Request};
    ///
    /// let simulator = Simulator::builder().without_listeners().start()?;
    /// let answer = simulator.call_bmc(Request::get("/redfish/v1/").body("")?);
    /// assert_eq!(answer.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call_bmc(&self, request: http::Request<impl Into<Bytes>>) -> http::Response<Bytes> {
        self.world.redfish.call(&request.map(Into::into))
    }

    /// The present simulated time.
    pub fn now(&self) -> SystemTime {
        self.world.now()
    }

    /// Simulated seconds per real second. `None` for a clock that is moved by hand.
    pub fn speed(&self) -> Option<f64> {
        let clock = self.world.fleet.clock();
        (!clock.is_by_hand()).then(|| clock.speed())
    }

    /// Moves a clock that is set by hand ([`Builder::clock_by_hand`]) into the future, and returns the new time.
    ///
    /// Time goes from one deadline of a node to the next. Before each step, it stands still until all outgoing calls are
    /// answered, such as the reading of an image: so a boot of minutes takes milliseconds, and always the same simulated
    /// time. A call that is never answered is given up after its own limit of real time.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use fauxmetal::{PowerState, ResetType, Simulator, System};
    ///
    /// let simulator = Simulator::builder().without_listeners().clock_by_hand().start()?;
    /// let node = simulator.node(0)?;
    /// node.reset(ResetType::On)?;
    /// assert_eq!(node.state().power, PowerState::PoweringOn);
    /// simulator.blocking_advance(Duration::from_secs(600))?;
    /// assert_eq!(node.state().system, System::NothingToBoot);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::ClockRuns`] if the clock runs by itself.
    pub async fn advance(&self, by: Duration) -> Result<SystemTime, Error> {
        let world = Arc::clone(&self.world);
        self.world.threads.run(async move { world.advance(by).await }).await?
    }

    /// As [`advance`](Self::advance), for code that is not async.
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn blocking_advance(&self, by: Duration) -> Result<SystemTime, Error> {
        let world = Arc::clone(&self.world);
        self.world.threads.run_blocking(async move { world.advance(by).await })?
    }

    /// Moves a clock that is set by hand to the next moment at which something happens by time, lets it happen, and returns the
    /// moment. `None` if nothing will happen; then the clock stays where it is.
    ///
    /// All outgoing calls are answered before and after it, as with [`advance`](Self::advance).
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use fauxmetal::{PowerState, ResetType, Simulator};
    ///
    /// let simulator = Simulator::builder().without_listeners().clock_by_hand().start()?;
    /// assert_eq!(simulator.blocking_advance_to_next()?, None);
    /// let node = simulator.node(0)?;
    /// node.reset(ResetType::On)?;
    /// simulator.blocking_advance_to_next()?;
    /// assert_eq!(node.state().power, PowerState::On);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::ClockRuns`] if the clock runs by itself.
    pub async fn advance_to_next(&self) -> Result<Option<SystemTime>, Error> {
        let world = Arc::clone(&self.world);
        self.world.threads.run(async move { world.advance_to_next().await }).await?
    }

    /// As [`advance_to_next`](Self::advance_to_next), for code that is not async.
    ///
    /// # Errors
    /// As [`advance_to_next`](Self::advance_to_next).
    pub fn blocking_advance_to_next(&self) -> Result<Option<SystemTime>, Error> {
        let world = Arc::clone(&self.world);
        self.world.threads.run_blocking(async move { world.advance_to_next().await })?
    }

    /// Stops as a drop does, and waits until the ports are free again, at most a second.
    pub fn stop(self) {
        self.threads.stop();
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.world.fleet.len();
        f.debug_struct("Simulator")
            .field("nodes", &nodes)
            .field("bmc_url", &self.bmc_url())
            .finish_non_exhaustive()
    }
}
