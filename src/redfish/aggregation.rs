//! Changes of aggregates, and the actions on many resources: some at the request, and the rest when they are due.

use std::collections::HashSet;

use super::aggregate_change::{Act, Asking, On};
use super::aggregates::{Aggregates, Doing, Due, Element, GroupTask, Kind};
use super::body::Body;
use super::error::Problem;
use super::message::{CREATE_LIMIT_REACHED, Message, OPERATION_NOT_ALLOWED};
use super::render;
use super::resource::Outcome;
use super::row::{Part, Target};
use super::service::{At, Redfish};
use super::task::AskedAt;
use crate::node::Node;
use crate::node::bmc::tasks::End;
use crate::node::event::{Of, TaskEvent, What};
use crate::time::SimTime;

impl Redfish {
    /// Makes a change of the aggregation service. The caller has locked `service_changes`.
    pub(super) fn change_aggregates(&self, asking: Asking, uri: &str) -> Result<Outcome, Problem> {
        let (now, aggregates) = (self.fleet.clock().now(), &self.aggregates);
        let exists = |element: &Element| self.fleet.find(element.uuid).is_some();
        let members = |id| aggregates.elements(id).ok_or_else(|| Problem::not_found(uri));
        let changed = |id| self.events.happened(vec![What::Changed(Of::Aggregate(id))], now);
        match asking {
            Asking::Create(named) => {
                let id = aggregates.create(named.elements(exists)?);
                let id = id.ok_or_else(|| Problem::from(&CREATE_LIMIT_REACHED))?;
                self.events.happened(vec![What::Created(Of::Aggregate(id))], now);
                return Ok(Outcome::Created { id: id.to_string(), token: None, message: None });
            }
            Asking::Add(id, named) => {
                let mut all = members(id)?;
                let known: HashSet<Element> = all.iter().copied().collect();
                all.extend(named.elements(exists)?.into_iter().filter(|element| !known.contains(element)));
                if all.len() > Aggregates::MAX_ELEMENTS {
                    return Err((&CREATE_LIMIT_REACHED).into());
                }
                aggregates.set(id, Some(all));
                changed(id);
            }
            Asking::Remove(id, named) => {
                let mut all = members(id)?;
                let known: HashSet<Element> = all.iter().copied().collect();
                let gone: HashSet<_> =
                    named.elements(|element| known.contains(element))?.into_iter().collect();
                all.retain(|element| !gone.contains(element));
                aggregates.set(id, Some(all));
                changed(id);
            }
            Asking::Delete(id) => {
                members(id)?;
                aggregates.set(id, None);
                self.events.happened(vec![What::Removed(Of::Aggregate(id))], now);
            }
            Asking::Act(act) => {
                let elements = match &act.on {
                    On::Aggregate(id) => members(*id)?,
                    On::Named(named) => named.elements(|element| {
                        let fits = act.doing != Doing::SetDefaultBootOrder || element.kind == Kind::Systems;
                        fits && exists(element)
                    })?,
                };
                return self.begin_group(act, elements, now);
            }
            Asking::DeleteTask(number) => {
                let event = match aggregates.cancel(number, now) {
                    true => TaskEvent::Cancelled,
                    false => {
                        aggregates.remove(number);
                        TaskEvent::Removed
                    }
                };
                self.events.happened(vec![What::Task(number, event)], now);
            }
            Asking::DeleteMonitor(number) => {
                if aggregates.cancel(number, now) {
                    self.events.happened(vec![What::Task(number, TaskEvent::Cancelled)], now);
                }
            }
        }
        Ok(Outcome::Done)
    }

    fn begin_group(&self, act: Act, mut elements: Vec<Element>, now: SimTime) -> Result<Outcome, Problem> {
        let settings = self.task_settings.get();
        if act.doing == Doing::SetDefaultBootOrder {
            // An aggregate may have other resources, too.
            elements.retain(|element| element.kind == Kind::Systems);
        }
        let all = u32::try_from(elements.len()).unwrap_or(u32::MAX).max(1);
        let batch = if act.batch == 0 { all } else { act.batch };
        let task = GroupTask {
            doing: act.doing,
            elements,
            batch,
            delay_s: act.delay_s,
            started: now,
            payload: act.payload,
            keep_minutes: settings.auto_delete_minutes,
        };
        let (number, gone) = self.aggregates.begin(task, settings)?;
        let gone = gone.into_iter().map(|number| What::Task(number, TaskEvent::Removed));
        self.events.happened(gone.chain([What::Task(number, TaskEvent::Started)]).collect(), now);
        // What is short is done before the answer.
        self.act_on_due(now);
        Ok(Outcome::Accepted(format!("/redfish/v1/TaskService/TaskMonitors/{number}")))
    }

    /// The next moment for [`Redfish::act_on_due`]. What cannot be stored is done later.
    pub(super) fn next_of_aggregates(&self, now: SimTime) -> SimTime {
        /// Time between two looks at a disk that is full or fails, ms.
        const RECHECK_MS: u64 = 500;
        let next = self.aggregates.next_deadline();
        if next <= now && self.fleet.may_change().is_err() { now.after_ms(RECHECK_MS) } else { next }
    }

    /// Acts on some of the elements that are due. The caller has locked `service_changes`.
    pub(super) fn act_on_due(&self, now: SimTime) {
        let Some(due) = self.aggregates.due(now) else { return };
        let refusal = |element: &Element| {
            let problem = self.act_on(element, due.doing).err()?;
            let why = problem.messages.first().map(Message::text).unwrap_or_default();
            Some(format!("{}: {why}", element.uri()).into_boxed_str())
        };
        let refusals = due.elements.iter().filter_map(refusal).collect();
        self.end_group(&due, refusals);
    }

    fn end_group(&self, due: &Due, refusals: Vec<Box<str>>) {
        let event = match self.aggregates.done(due, refusals) {
            Some(End::Completed) => TaskEvent::Completed,
            Some(End::Failed(_)) => TaskEvent::Failed,
            Some(End::Cancelled) => TaskEvent::Cancelled,
            None => return,
        };
        self.events.happened(vec![What::Task(due.task, event)], due.at);
    }

    /// Does to an element what a request to the element itself would do.
    fn act_on(&self, element: &Element, doing: Doing) -> Result<Outcome, Problem> {
        let uri = element.uri();
        let (action, body) = doing.request(element.kind);
        let missing = || Problem::not_found(&uri);
        let target = [&uri, "/Actions/", action].concat();
        let route = self.tree.find(&target, false).ok_or_else(missing)?;
        let Target::Node(row, Part::Action(action)) = route.target else { return Err(missing()) };
        let uuid = element.uuid.to_string();
        let act = |node: &mut Node, now: SimTime| {
            node.bmc().check_running(now)?;
            let cx = self.node_cx(node, At { uuid: &uuid, own_root: false, uri: &uri, now }, &[]);
            if !render::exists(&cx, row) || !render::offers(&cx, row, action) {
                return Err(Problem::from(&OPERATION_NOT_ALLOWED));
            }
            let mut body = Body::parse(&body, Some(action.name()))?;
            let command = (action.run)(&cx, &mut body)?;
            let messages = body.finish(|_| false);
            let Some(command) = command.filter(|_| messages.is_empty()) else {
                return Err(Problem { messages, retry_after_s: None });
            };
            self.apply(node, command, AskedAt { own_root: false, now }, || None)
        };
        let id = self.fleet.find(element.uuid).ok_or_else(missing)?;
        self.fleet.with(id, act).ok_or_else(missing)?
    }
}
