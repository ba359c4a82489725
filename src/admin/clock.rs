//! The clock of the fleet: shown, held, released, stepped, made faster, moved forward.
//!
//! A change is on disk before it is answered. A change after which time is later than before is on disk before clients can see that
//! time, so that a restart never goes back.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;

use super::api::{Clock, ClockJump, ClockSpeed, ClockStep, NoMembers, Occasion, Problem, Stepped};
use super::control::Control;
use super::extract::Json;
use crate::clock::{self, Going};
use crate::effect::{Coming, Ended};
use crate::fleet::persist::Seen;
use crate::store::StoredClock;
use crate::time::SimTime;

/// The longest step, simulated time: 366 days.
pub(super) const MAX_STEP_S: u64 = 366 * 24 * 3600;
/// The longest time of a step, real time. It ends before the request does.
const STEP_TIME: Duration = Duration::from_secs(300);
/// The shortest step or jump, seconds.
pub(super) const MIN_S: f64 = 0.001;

type Answer = Result<axum::Json<Clock>, Problem>;

/// Shows the simulated time of the fleet
#[utoipa::path(
    get,
    path = "/clock",
    operation_id = "show_clock",
    tag = "clock",
    responses(
        (status = 200, description = "The clock", body = Clock),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn show(State(control): State<Arc<Control>>) -> Answer {
    control.shown().await
}

/// Holds the clock of the fleet
///
/// Time stands still until the clock is released: no node moves by time, and requests are answered. A clock that is held already accepts
/// it too.
#[utoipa::path(
    post,
    path = "/clock/hold",
    operation_id = "hold_clock",
    tag = "clock",
    request_body = NoMembers,
    responses(
        (status = 200, description = "The clock is held", body = Clock),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn hold(State(control): State<Arc<Control>>, _body: Json<NoMembers>) -> Answer {
    let changing = control.moves.changing.lock().await;
    control.fleet.may_change()?;
    if !control.fleet.clock().going().held {
        let at = control.fleet.clock().hold();
        tracing::info!(time = %at.rfc3339(), "the clock is held: no node moves by time until it is released");
    }
    control.keep().await?;
    drop(changing);
    control.shown().await
}

/// Releases the clock of the fleet
///
/// Time goes on from where it stands still. A clock that runs already accepts it too. A step that is under way ends.
#[utoipa::path(
    post,
    path = "/clock/run",
    operation_id = "run_clock",
    tag = "clock",
    request_body = NoMembers,
    responses(
        (status = 200, description = "The clock runs", body = Clock),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn run(State(control): State<Arc<Control>>, _body: Json<NoMembers>) -> Answer {
    let changing = control.moves.changing.lock().await;
    let going = control.fleet.clock().going();
    if going.held {
        control.change(Going { held: false, ..control.latest(going) }, clock::Clock::release).await?;
        tracing::info!(time = %going.now.rfc3339(), speed = going.speed, "the clock is released");
    }
    drop(changing);
    control.shown().await
}

/// Steps a clock that is held
///
/// The clock goes from one moment at which something is due to the next, and stands still at each until all outgoing calls are
/// answered. So a boot of minutes takes milliseconds, and the same simulated time each time. A step of more than 300 s of real time ends
/// where it is.
#[utoipa::path(
    post,
    path = "/clock/step",
    operation_id = "step_clock",
    tag = "clock",
    request_body = ClockStep,
    responses(
        (status = 200, description = "The clock has moved, as far as the answer says", body = Stepped),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 409, response = inline(super::answers::NotNow)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn step(
    State(control): State<Arc<Control>>,
    Json(request): Json<ClockStep>,
) -> Result<axum::Json<Stepped>, Problem> {
    let ms = milliseconds(request.seconds, MAX_STEP_S)?;
    let _one_at_a_time = control.begin_step()?;
    let from = control.held_at()?;
    let end = within_time(from.after_ms(ms), "seconds", &request.seconds.to_string())?;
    control.step(from, end, None).await
}

/// Steps a clock that is held to the next thing that happens
///
/// The clock moves to the next moment at which something is due, and stays there until it has happened and all outgoing calls are
/// answered.
#[utoipa::path(
    post,
    path = "/clock/next",
    operation_id = "step_clock_to_next",
    tag = "clock",
    request_body = NoMembers,
    responses(
        (status = 200, description = "The clock has moved, and the answer says what has happened", body = Stepped),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 409, response = inline(super::answers::NotNow)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn next(
    State(control): State<Arc<Control>>,
    _body: Json<NoMembers>,
) -> Result<axum::Json<Stepped>, Problem> {
    let _one_at_a_time = control.begin_step()?;
    let from = control.held_at()?;
    let coming = control.mover.coming(STEP_TIME).await.map_err(|calls| conflict(unanswered(calls)))?;
    let coming = coming.filter(|coming| coming.at <= SimTime::LATEST).ok_or_else(|| {
        conflict("nothing will happen by time: no node waits for a moment; change a node, or step a duration")
    })?;
    control.step(from, coming.at, Some(coming)).await
}

/// Changes the speed of the clock
///
/// Simulated time goes on without a gap. The speed is kept in the state directory; `--speed` of a later start takes precedence.
#[utoipa::path(
    post,
    path = "/clock/speed",
    operation_id = "set_clock_speed",
    tag = "clock",
    request_body = ClockSpeed,
    responses(
        (status = 200, description = "The clock has the speed", body = Clock),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn speed(State(control): State<Arc<Control>>, Json(request): Json<ClockSpeed>) -> Answer {
    let speed = request.speed;
    if !clock::Clock::SPEED.contains(&speed) {
        let (slowest, fastest) = (clock::Clock::SPEED.start(), clock::Clock::SPEED.end());
        let detail =
            format!("'speed' is no number from {slowest} to {fastest} simulated seconds per real second");
        return Err(Problem::wrong("speed", &speed.to_string(), detail));
    }
    let changing = control.moves.changing.lock().await;
    let going = control.fleet.clock().going();
    control.change(Going { speed, has_new_speed: true, ..going }, |clock| clock.set_speed(speed)).await?;
    drop(changing);
    tracing::info!(from = going.speed, to = speed, held = going.held, "the clock has another speed");
    control.shown().await
}

/// Moves the clock forward at once
///
/// What is overdue then happens at its own moment, as after a restart of the daemon. Outgoing calls are made after the jump, and not in
/// between as with a step.
#[utoipa::path(
    post,
    path = "/clock/jump",
    operation_id = "jump_clock",
    tag = "clock",
    request_body = ClockJump,
    responses(
        (status = 200, description = "The clock has moved", body = Clock),
        (status = 400, response = inline(super::answers::Wrong)),
        (status = 409, response = inline(super::answers::NotNow)),
        (status = 413, response = inline(super::answers::TooLarge)),
        (status = 415, response = inline(super::answers::NotJson)),
        (status = 503, response = inline(super::answers::Busy)),
    )
)]
pub(super) async fn jump(State(control): State<Arc<Control>>, Json(request): Json<ClockJump>) -> Answer {
    let wanted = Wanted::of(&request)?;
    let changing = control.moves.changing.lock().await;
    let going = control.fleet.clock().going();
    let (field, value) = wanted.field();
    let to = match &wanted {
        Wanted::By { ms, .. } => going.now.after_ms(*ms),
        Wanted::To { at, text } if *at < going.now => {
            let now = going.now.rfc3339();
            let detail = format!("'to' is {text}, which has passed; time goes forward only, and it is {now}");
            return Err(Problem::wrong("to", text, detail).with(StatusCode::CONFLICT));
        }
        Wanted::To { at, .. } => *at,
    };
    let to = within_time(to, field, &value)?;
    let planned = Going { now: to, ..going };
    control
        .change(planned, |clock| match wanted {
            // Time has gone on meanwhile.
            Wanted::By { ms, .. } => clock.jump(ms),
            Wanted::To { at, .. } => clock.jump_to(at),
        })
        .await?;
    drop(changing);
    tracing::info!(from = %going.now.rfc3339(), to = %to.rfc3339(), "the clock has jumped");
    control.shown().await
}

/// The end of a jump.
enum Wanted {
    By { ms: u64, seconds: f64 },
    To { at: SimTime, text: String },
}

impl Wanted {
    fn of(request: &ClockJump) -> Result<Self, Problem> {
        match (request.seconds, &request.to) {
            (Some(seconds), None) => {
                Ok(Self::By { ms: milliseconds(seconds, SimTime::LATEST.ms() / 1000)?, seconds })
            }
            (None, Some(text)) => {
                let moment: jiff::Timestamp = text.parse().map_err(|_| {
                    let detail = format!(
                        "'to' is no moment; write RFC 3339 such as 2031-01-01T00:00:00Z, and not '{text}'"
                    );
                    Problem::wrong("to", text, detail)
                })?;
                // A moment before 1970 has passed, too.
                let at = SimTime::from_ms(u64::try_from(moment.as_millisecond()).unwrap_or(0));
                Ok(Self::To { at, text: text.clone() })
            }
            (None, None) => {
                let detail = "the end of the jump is missing; write 'seconds' or 'to'";
                Err(Problem::new(StatusCode::BAD_REQUEST, detail))
            }
            (Some(_), Some(text)) => {
                let detail = "'seconds' and 'to' exclude each other; write one of them";
                Err(Problem::wrong("to", text, detail))
            }
        }
    }

    fn field(&self) -> (&'static str, String) {
        match self {
            Self::By { seconds, .. } => ("seconds", seconds.to_string()),
            Self::To { text, .. } => ("to", text.clone()),
        }
    }
}

/// A member `seconds` in milliseconds.
fn milliseconds(seconds: f64, most: u64) -> Result<u64, Problem> {
    if !(MIN_S..=most as f64).contains(&seconds) {
        let detail = format!("'seconds' is no number of seconds from {MIN_S} to {most}");
        return Err(Problem::wrong("seconds", &seconds.to_string(), detail));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the range above")]
    Ok((seconds * 1000.0).round() as u64)
}

fn within_time(at: SimTime, field: &str, value: &str) -> Result<SimTime, Problem> {
    if at <= SimTime::LATEST {
        return Ok(at);
    }
    let latest = SimTime::LATEST.rfc3339();
    let detail = format!("'{field}' leads beyond {latest}, the last moment of simulated time");
    Err(Problem::wrong(field, value, detail).with(StatusCode::CONFLICT))
}

fn conflict(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::CONFLICT, detail)
}

fn unanswered(calls: u64) -> String {
    let s = if calls == 1 { " is" } else { "s are" };
    format!("{calls} outgoing call{s} not answered within {} s of real time", STEP_TIME.as_secs())
}

impl Control {
    async fn shown(&self) -> Answer {
        let mover = Arc::clone(&self.mover);
        let coming = self.on_fleet(move |_| mover.look()).await?;
        Ok(axum::Json(self.clock(coming)))
    }

    fn clock(&self, coming: Option<Coming>) -> Clock {
        let going = self.fleet.clock().going();
        let ahead_ms = going.now.ms() as f64 - clock::unix_ms() as f64;
        Clock {
            now: going.now.rfc3339(),
            held: going.held,
            speed: going.speed,
            ahead_seconds: ahead_ms / 1000.0,
            next: coming.map(|coming| self.occasion(coming)),
        }
    }

    fn occasion(&self, coming: Coming) -> Occasion {
        Occasion { at: coming.at.rfc3339(), node: coming.node.map(|id| self.fleet.names(id).0) }
    }

    fn begin_step(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Problem> {
        let busy = "another step is under way; wait until it ends, or end it with `fauxmetal clock run`";
        self.moves.stepping.try_lock().map_err(|_| conflict(busy))
    }

    /// The moment at which the clock is held.
    fn held_at(&self) -> Result<SimTime, Problem> {
        let going = self.fleet.clock().going();
        let runs = "the clock runs, and only a clock that is held is stepped; hold it first with `fauxmetal clock hold`";
        if going.held { Ok(going.now) } else { Err(conflict(runs)) }
    }

    /// Moves the clock to `end`, and answers where it is then. If the client goes away, the step ends at a deadline.
    async fn step(
        &self,
        from: SimTime,
        end: SimTime,
        coming: Option<Coming>,
    ) -> Result<axum::Json<Stepped>, Problem> {
        let begun = self.moves.changing.lock().await;
        self.fleet.may_change()?;
        *self.moves.end.lock() = Some(end);
        let stepping = Stepping(self);
        self.keep().await?;
        drop(begun);
        let moved = self.mover.advance(end, STEP_TIME).await;
        let ended = self.moves.changing.lock().await;
        let ((), seen) = self.fleet.noting(|| drop(stepping));
        self.fleet.until_persisted(seen).await?;
        drop(ended);
        let reason = match moved.ended {
            Ended::Arrived => None,
            Ended::Released => Some("the clock was released".to_owned()),
            Ended::TooLong { calls: 0 } => Some(format!(
                "the step has taken {} s of real time; step again to go on",
                STEP_TIME.as_secs()
            )),
            Ended::TooLong { calls } => Some(unanswered(calls)),
        };
        let axum::Json(clock) = self.shown().await?;
        tracing::info!(from = %from.rfc3339(), to = clock.now, deadlines = moved.deadlines, complete = reason.is_none(), "the clock was stepped");
        Ok(axum::Json(Stepped {
            from: from.rfc3339(),
            deadlines: moved.deadlines,
            complete: reason.is_none(),
            reason,
            happened: coming.filter(|_| moved.ended == Ended::Arrived).map(|coming| self.occasion(coming)),
            clock,
        }))
    }

    /// Makes a change after which time can be later than before: the plan is on disk before it, and the result after it.
    async fn change<R>(
        &self,
        planned: Going,
        change: impl FnOnce(&clock::Clock) -> R,
    ) -> Result<(), Problem> {
        self.fleet.may_change()?;
        let seen = self.record(&StoredClock::before(self.latest(planned)));
        self.fleet.until_persisted(seen).await?;
        change(self.fleet.clock());
        self.keep().await
    }

    /// Waits until the clock as it goes now is on disk.
    async fn keep(&self) -> Result<(), Problem> {
        let seen = self.record(&self.stored());
        Ok(self.fleet.until_persisted(seen).await?)
    }

    fn stored(&self) -> StoredClock {
        StoredClock::of(self.latest(self.fleet.clock().going()))
    }

    /// A clock that is being stepped counts as one at the end of the step: by then, clients will have seen the time in between.
    fn latest(&self, going: Going) -> Going {
        let end = self.moves.end.lock().filter(|_| going.held);
        Going { now: end.map_or(going.now, |end| end.max(going.now)), ..going }
    }

    fn record(&self, stored: &StoredClock) -> Seen {
        let write = || self.fleet.ledger().map(|ledger| stored.write(ledger));
        self.fleet.noting(write).1
    }
}

/// A step that is under way. However it ends, the record then has the moment at which the clock stands.
struct Stepping<'a>(&'a Control);

impl Drop for Stepping<'_> {
    fn drop(&mut self) {
        *self.0.moves.end.lock() = None;
        if let Some(ledger) = self.0.fleet.ledger() {
            self.0.stored().write(ledger);
        }
    }
}
