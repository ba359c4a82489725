//! Extension `flow`: runs several commands as one. Ironic's drivers do not use it.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::command::{Command, Mode, Params, Signature, Situation, Stop};
use super::{EXTENSIONS, parse, split};
use crate::ipa::failure;
use crate::node::ipa::{CommandEnd, IpaError, Then, Work};
use crate::time::Span;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "start_flow",
    method: "FlowExtension.start_flow",
    mode: Mode::Async,
    signature: Signature { required: &["flow"], optional: &[], open: false },
    validate: Some(check),
    run: start,
}];

const MAX_COMMANDS: usize = 64;

/// A list of objects. Each maps names of commands to their parameters.
type Flow<'a> = Vec<BTreeMap<String, &'a RawValue>>;

fn flow<'a>(params: &Params<'a>) -> Result<Flow<'a>, IpaError> {
    let raw = params.get("flow").map_or("[]", |raw| raw.get());
    let wrong =
        |why: &dyn std::fmt::Display| failure::params(format!("'flow' must be a list of objects: {why}"));
    let flow: Flow<'a> = serde_json::from_str(raw).map_err(|error| wrong(&error))?;
    let count = flow.iter().map(BTreeMap::len).sum::<usize>();
    if count > MAX_COMMANDS {
        return Err(wrong(&format_args!(
            "it holds {count} commands, and at most {MAX_COMMANDS} are allowed"
        )));
    }
    Ok(flow)
}

/// Checks that every command exists, before the first one starts.
fn check(_: &Situation<'_>, params: &Params<'_>) -> Result<(), IpaError> {
    for name in flow(params)?.iter().flat_map(BTreeMap::keys) {
        let Ok((extension, command)) = split(name) else {
            return Err(failure::command("Command name must be of the form <extension>.<name>".to_owned()));
        };
        let Some((_, commands)) = EXTENSIONS.iter().find(|(known, _)| *known == extension) else {
            return Err(failure::not_found("Extension", extension));
        };
        if !commands.iter().any(|known| known.name == command) {
            return Err(failure::params(format!("Extension {extension} doesn't provide {command} method")));
        }
    }
    Ok(())
}

/// Runs the commands one after the other. Commands that write an image or end the agent are not supported in a flow.
fn start(at: &Situation<'_>, params: &Params<'_>) -> Result<Work, Stop> {
    let (mut total, mut effect) = (Span::exactly_ms(0), Then::Nothing);
    for (name, raw) in flow(params)?.into_iter().flatten() {
        let failed = || failure::execution(format!("{name} was failed"));
        let inner: Params<'_> = serde_json::from_str(raw.get()).map_err(|_| failed())?;
        match parse(at, &name, &inner).map_err(|_| failed())?.work {
            Work::Done(CommandEnd::Succeeded(_)) => {}
            Work::Timed(span, CommandEnd::Succeeded(_) | CommandEnd::StepSucceeded { .. }, then) => {
                let sum = |a: u32, b: u32| a.saturating_add(b).min(Span::MAX_MS);
                total = Span::ms(sum(total.min_ms, span.min_ms), sum(total.max_ms, span.max_ms));
                effect = if then == Then::Nothing { effect } else { then };
            }
            Work::Done(_) | Work::Timed(..) => return Err(failed().into()),
            Work::Image(_) | Work::PowerOff | Work::Reboot | Work::Close(..) => {
                return Err(failure::execution(format!("{name} cannot be part of a flow here")).into());
            }
        }
    }
    Ok(Work::Timed(total, CommandEnd::Succeeded("null".into()), effect))
}
