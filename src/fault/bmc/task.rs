//! Tasks of a BMC that do not end as they should.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A task that never ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct TaskHangs {}

impl Fault for TaskHangs {
    const NAME: &'static str = "task-hangs";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str = "TaskState stays Running, and the task monitor answers 202 for ever";
    const ENDS: &'static str = "the task goes on and ends";
    const STAYS: &'static str = "the time that has passed; a task that a client has cancelled";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_task_that_never_ends";

    fn occasion(&self) -> Occasion {
        Occasion::Task
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::HoldTask(None))
    }
}

/// A task that fails.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct TaskFails {
    /// The part of its work after which it fails, percent, from 0 to 99. Work whose length is not known counts as a minute.
    #[cfg_attr(feature = "cli", schema(minimum = 0, maximum = 99))]
    pub percent: u8,
}

impl Default for TaskFails {
    fn default() -> Self {
        Self { percent: 50 }
    }
}

impl Fault for TaskFails {
    const NAME: &'static str = "task-fails";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str =
        "TaskState becomes Exception, at that part of PercentComplete where the length of the work is known";
    const ENDS: &'static str = "later tasks succeed again";
    const STAYS: &'static str = "the task that failed, and what it has not changed";
    const TEST: &'static str = "tests/it/faults/bmc.rs, a_task_that_fails";

    fn occasion(&self) -> Occasion {
        Occasion::Task
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::HoldTask(Some(self.percent)))
    }

    fn check(&self) -> Result<(), String> {
        if self.percent > 99 {
            return Err(format!("'percent' is {}; allowed are 0 to 99", self.percent));
        }
        Ok(())
    }
}
