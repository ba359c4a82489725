//! The parts of a running simulator, which nodes and the simulator share.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use super::error::Error;
use super::threads::Hands;
use crate::address::Urls;
use crate::effect::EffectRunner;
use crate::fleet::Fleet;
use crate::ipa;
use crate::redfish::Redfish;
use crate::time::SimTime;

pub(super) struct World {
    pub(super) fleet: Arc<Fleet>,
    pub(super) redfish: Arc<Redfish>,
    pub(super) agents: Arc<ipa::Api>,
    pub(super) outside: Arc<EffectRunner>,
    /// `None` without listeners; so is the next one.
    pub(super) bmc_urls: Option<Urls>,
    pub(super) agent_urls: Option<Urls>,
    /// Each node has a service root of its own.
    pub(super) own_roots: bool,
    pub(super) ca_pem: Option<String>,
    pub(super) authorization: String,
    pub(super) threads: Hands,
    /// Held while a clock is moved by hand, so that two moves follow each other.
    pub(super) moving: Mutex<()>,
}

impl World {
    pub(super) fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.fleet.clock().now().ms())
    }

    /// Moves the clock from deadline to deadline. No other task settles nodes at their deadlines, so none is passed.
    pub(super) async fn advance(&self, by: Duration) -> Result<SystemTime, Error> {
        let clock = self.fleet.clock();
        if !clock.is_by_hand() {
            return Err(Error::ClockRuns { speed: clock.speed() });
        }
        let _one_at_a_time = self.moving.lock().await;
        let end =
            clock.now().after_ms(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)).min(SimTime::LATEST);
        loop {
            self.outside.until_idle().await;
            self.redfish.events.until_idle().await;
            let next = self.fleet.wake_due().min(self.redfish.settle(clock.now()));
            if !self.outside.is_idle() || !self.redfish.events.is_idle() {
                continue;
            }
            if next > end {
                clock.set(end.max(clock.now()));
                return Ok(self.now());
            }
            clock.set(next.max(clock.now()));
        }
    }
}
