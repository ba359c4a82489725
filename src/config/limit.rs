//! `--limit NAME=VALUE`, read with the table of limits.

use super::error::suggestion;
use crate::limit::Limit;

/// # Errors
/// If there is no such limit, or the value is not allowed.
pub(super) fn parse(text: &str) -> Result<(Limit, u64), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' has no value; write NAME=VALUE, such as connections=1000"))?;
    let limit = Limit::named(name).ok_or_else(|| {
        let near = suggestion(name, Limit::ALL.iter().map(|limit| limit.name().to_owned()));
        format!("there is no limit '{name}'{near}")
    })?;
    let allowed = limit.allowed();
    let value = value.parse().ok().filter(|value| allowed.contains(value));
    let (least, most) = (allowed.start(), allowed.end());
    let value = value.ok_or_else(|| format!("'{text}' is not allowed; {name} can be {least} to {most}"))?;
    Ok((limit, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_read_by_its_name() {
        for limit in Limit::ALL {
            let value = *limit.allowed().end();
            assert_eq!(parse(&format!("{}={value}", limit.name())), Ok((*limit, value)));
        }
    }

    #[test]
    fn errors_say_what_is_allowed() {
        for (text, said) in [
            ("sessions", "'sessions' has no value; write NAME=VALUE, such as connections=1000"),
            ("session=5", "there is no limit 'session'; did you mean sessions?"),
            ("idle-time=0", "'idle-time=0' is not allowed; idle-time can be 1 to 86400"),
            ("calls=many", "'calls=many' is not allowed; calls can be 1 to 65536"),
        ] {
            assert_eq!(parse(text).unwrap_err(), said);
        }
    }
}
