//! The conditions of GRUB scripts: `[ … ]` and the commands around it (GRUB manual, "test").

/// Runs `!`, `[`, `test`, `true` or `false`, whose only effect is success or failure.
pub(super) fn condition<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let words: Vec<&str> = words.collect();
    match words.as_slice() {
        ["!", rest @ ..] => !test(rest),
        ["[", rest @ .., "]"] | ["test", rest @ ..] => test(rest),
        ["false", ..] => false,
        _ => true,
    }
}

/// Evaluates the arguments of `[ … ]`. No file is looked up, so a test for a file fails. This is also the normal result
/// of the tests for fonts and for saved environments.
fn test(arguments: &[&str]) -> bool {
    if let Some(at) = arguments.iter().position(|argument| *argument == "-o") {
        return test(&arguments[..at]) || test(&arguments[at + 1..]);
    }
    if let Some(at) = arguments.iter().position(|argument| *argument == "-a") {
        return test(&arguments[..at]) && test(&arguments[at + 1..]);
    }
    match arguments {
        ["!", rest @ ..] => !test(rest),
        ["-n", value] => !value.is_empty(),
        ["-z", value] => value.is_empty(),
        ["-n" | "-d" | "-e" | "-f" | "-s", ..] => false,
        ["-z"] => true,
        [value] => !value.is_empty(),
        [a, "=" | "==", b] => a == b,
        [a, "!=", b] => a != b,
        [a, "-eq", b] => number(a) == number(b),
        [a, "-ne", b] => number(a) != number(b),
        [a, "-lt", b] => number(a) < number(b),
        [a, "-le", b] => number(a) <= number(b),
        [a, "-gt", b] => number(a) > number(b),
        [a, "-ge", b] => number(a) >= number(b),
        _ => false,
    }
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_numbers_and_combinations_are_compared() {
        let holds = |text: &str| test(&text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>());
        for text in
            ["a", "a = a", "a != b", "! a = b", "2 -lt 10", "a = b -o a", "a -a b != c", "! -f /x", "-z"]
        {
            assert!(holds(text), "{text}");
        }
        for text in ["", "a = b", "! a", "10 -le 2", "-e /boot", "a -a b = c", "-n", "a b", "-s /grubenv"] {
            assert!(!holds(text), "{text}");
        }
        assert!(test(&["-z", ""]) && !test(&[""]) && !test(&["-n", ""]));
    }
}
