//! GRUB's `[ … ]` (the GRUB manual, "test").

/// `[ … ]`. No files are looked at: a test for one fails, as it does for the fonts and saved environments that
/// configurations ask for.
pub(super) fn test(arguments: &[&str]) -> bool {
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
