//! The result of a run as JUnit XML, so that CI names what failed.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::summary::{Outcome, Summary};
use super::text::count;
use crate::plan::Operation;

/// The result of a run: a test case for the run, for each assertion, each rule of faults, and each operation of each group.
///
/// Failed operations fail their case only if the run does not hold: a plan may allow failures.
///
/// # Errors
/// If a text cannot be written as XML.
pub fn junit(summary: &Summary) -> Result<String, String> {
    let mut report = Report::new(format!("fauxmetal run {}", summary.facts.id));
    report.set_time(std::time::Duration::from_secs_f64(summary.seconds.clamp(0.0, 1e9)));
    report.add_test_suites(
        [run(summary), assertions(summary), faults(summary), operations(summary)].into_iter().flatten(),
    );
    report.to_string().map_err(|error| error.to_string())
}

fn case(name: impl Into<String>, class: &str, failure: Option<(String, String)>) -> TestCase {
    let status = match failure {
        None => TestCaseStatus::success(),
        Some((message, description)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(message).set_type("fauxmetal");
            if !description.is_empty() {
                status.set_description(description);
            }
            status
        }
    };
    let mut case = TestCase::new(name.into(), status);
    case.set_classname(format!("fauxmetal.{class}"));
    case
}

fn suite(name: &str, cases: Vec<TestCase>) -> Option<TestSuite> {
    let mut suite = TestSuite::new(name);
    suite.add_test_cases(cases);
    (suite.tests > 0).then_some(suite)
}

fn run(summary: &Summary) -> Option<TestSuite> {
    let says = || (format!("the run {}", summary.outcome.text()), summary.warnings.join("\n"));
    // What does not hold has a case of its own.
    let failed = summary.outcome > Outcome::NotHeld;
    suite("run", vec![case("the run goes to its end", "run", failed.then(says))])
}

fn assertions(summary: &Summary) -> Option<TestSuite> {
    let cases = summary.assertions.iter().map(|judged| {
        let value = judged.value.as_deref().unwrap_or("no item to compute it from");
        case(
            &judged.assertion,
            "assert",
            (!judged.holds).then(|| (format!("the value is {value}"), String::new())),
        )
    });
    suite("assertions", cases.collect())
}

fn faults(summary: &Summary) -> Option<TestSuite> {
    let cases = summary.rules.iter().map(|rule| {
        case(
            &rule.name,
            "faults",
            (!rule.reached).then(|| ("the rule was never reached".to_owned(), String::new())),
        )
    });
    suite("faults", cases.collect())
}

fn operations(summary: &Summary) -> Option<TestSuite> {
    let cases = summary.groups.iter().flat_map(|(group, operations)| {
        operations.iter().map(move |(operation, ends)| {
            let says = format!("{} of {} failed", count(ends.failed), count(ends.failed + ends.succeeded));
            let name = format!("{group}: {}", operation.name());
            let failed = ends.failed > 0 && summary.outcome != Outcome::Held;
            let mut case =
                case(name, "operations", failed.then(|| (says.clone(), causes(summary, *operation))));
            if ends.failed > 0 && !failed {
                case.set_system_out(format!(
                    "{says}, which the plan allows\n{}",
                    causes(summary, *operation)
                ));
            }
            case
        })
    });
    suite("operations", cases.collect())
}

/// The causes of the failures of an operation, in all groups.
fn causes(summary: &Summary, operation: Operation) -> String {
    let failures = summary.failures.iter().filter(|failure| failure.operation == operation);
    let lines = failures.map(|failure| {
        let names: Vec<_> = failure.names.iter().map(String::as_str).collect();
        format!("{} in all groups: {} ({})", count(failure.count), failure.cause, names.join(", "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::RuleUse;
    use crate::report::testing::{items, samples, summary};

    #[test]
    fn ci_sees_what_failed() {
        let items = items("r1", 0..40);
        let mut summary = summary("r1", &items, &samples("r1", &items, 5.0));
        summary.rules = vec![RuleUse { name: "lost heartbeats".into(), ..RuleUse::default() }];
        insta::assert_snapshot!(junit(&summary).unwrap());
        // A run that holds has no failed case, whatever its operations did.
        summary.finish(Outcome::Held, 0, summary.seconds);
        (summary.assertions, summary.rules) = (Vec::new(), Vec::new());
        let held = junit(&summary).unwrap();
        assert!(!held.contains("<failure") && held.contains("which the plan allows"), "{held}");
        // A run that was killed says so.
        summary.outcome = Outcome::Running;
        summary.warn("a \u{1} <control> character");
        let killed = junit(&summary).unwrap();
        assert!(killed.contains("the run still runs, or was killed"), "{killed}");
        assert!(roxmltree::Document::parse(&killed).is_ok());
    }
}
