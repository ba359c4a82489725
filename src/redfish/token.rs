//! Tokens of sessions: the secret in hexadecimal digits. DMTF's protocol validator can judge the randomness of such tokens only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::node::bmc::session::Secret;

/// Digits of eight bytes of a secret.
const DIGITS: usize = 16;

/// The token with that secret.
pub(super) fn of(secret: &Secret) -> Box<str> {
    let (words, _) = secret.as_chunks();
    let [a, b, c] = std::array::from_fn(|n| u64::from_be_bytes(words[n]));
    format!("{a:016x}{b:016x}{c:016x}").into()
}

/// The secret in a token. An earlier version has written it in base64.
pub(super) fn secret(token: &str) -> Option<Secret> {
    let mut secret = Secret::default();
    if token.len() != 2 * secret.len() {
        let length = URL_SAFE_NO_PAD.decode_slice(token, &mut secret).ok()?;
        return (length == secret.len()).then_some(secret);
    }
    if !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let (words, _) = secret.as_chunks_mut();
    for (n, word) in words.iter_mut().enumerate() {
        *word = u64::from_str_radix(&token[n * DIGITS..(n + 1) * DIGITS], 16).ok()?.to_be_bytes();
    }
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_secret_in_hexadecimal_digits() {
        let bytes: Secret = std::array::from_fn(|n| n as u8 * 7);
        let token = of(&bytes);
        assert!(token.starts_with("00070e15") && token.len() == 48, "{token}");
        assert_eq!(secret(&token), Some(bytes));
        assert_eq!(secret(&URL_SAFE_NO_PAD.encode(bytes)), Some(bytes), "a token of an earlier version");
        for wrong in ["", "x", &token[1..], &format!("+{}", &token[1..]), &format!("é{}", &token[2..])] {
            assert_eq!(secret(wrong), None, "{wrong}");
        }
    }
}
