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
    // `-o` joins terms of `-a`. Each argument is looked at a fixed number of times.
    arguments
        .split(|argument| *argument == "-o")
        .any(|term| term.split(|argument| *argument == "-a").all(holds))
}

/// Evaluates a comparison, after any number of `!`.
fn holds(arguments: &[&str]) -> bool {
    let negations = arguments.iter().take_while(|argument| **argument == "!").count();
    compare(&arguments[negations..]) != (negations % 2 == 1)
}

fn compare(arguments: &[&str]) -> bool {
    match arguments {
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
        assert!(holds("! ! a = a -a ! b = c -o x = y") && !holds("! ! ! a") && holds("!"));
        assert!(test(&["-z", ""]) && !test(&[""]) && !test(&["-n", ""]));
    }
}
