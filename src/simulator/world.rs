//! The parts of a running simulator, which nodes and the simulator share.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::error::Error;
use super::threads::Hands;
use crate::address::Urls;
use crate::clock::Clock;
use crate::effect::Mover;
use crate::fleet::Fleet;
use crate::ipa;
use crate::redfish::Redfish;
use crate::time::SimTime;

pub(super) struct World {
    pub(super) fleet: Arc<Fleet>,
    pub(super) redfish: Arc<Redfish>,
    pub(super) agents: Arc<ipa::Api>,
    /// `None` without listeners; so is the next one.
    pub(super) bmc_urls: Option<Urls>,
    pub(super) agent_urls: Option<Urls>,
    /// Each node has a service root of its own.
    pub(super) own_roots: bool,
    pub(super) ca_pem: Option<String>,
    pub(super) authorization: String,
    pub(super) threads: Hands,
    pub(super) mover: Mover,
}

impl World {
    pub(super) fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.fleet.clock().now().ms())
    }

    /// Moves the clock from deadline to deadline. No other task settles nodes at their deadlines, so none is passed.
    pub(super) async fn advance(&self, by: Duration) -> Result<SystemTime, Error> {
        let clock = self.by_hand()?;
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        let end = clock.now().after_ms(by).min(SimTime::LATEST);
        // A call that is never answered is given up after its own limit.
        self.mover.advance(end, Duration::MAX).await;
        Ok(self.now())
    }

    /// Moves the clock to the next moment at which something happens.
    pub(super) async fn advance_to_next(&self) -> Result<Option<SystemTime>, Error> {
        self.by_hand()?;
        let coming = self.mover.coming(Duration::MAX).await.ok().flatten();
        let Some(coming) = coming.filter(|coming| coming.at <= SimTime::LATEST) else { return Ok(None) };
        self.mover.advance(coming.at, Duration::MAX).await;
        Ok(Some(self.now()))
    }

    fn by_hand(&self) -> Result<&Clock, Error> {
        let clock = self.fleet.clock();
        if clock.is_by_hand() { Ok(clock) } else { Err(Error::ClockRuns { speed: clock.speed() }) }
    }
}
