//! The file of users that sushy-tools reads (`emulator/auth_basic.py`): lines of `USER:HASH`, with a hash of bcrypt.

use std::path::Path;

use crate::file;

/// The longest file, in bytes.
const MAX_BYTES: u64 = 1 << 16;
/// The largest cost of a hash. One more doubles the time of a check; this one takes some seconds.
const MAX_COST: u32 = 16;
/// The smallest cost that bcrypt has.
const MIN_COST: u32 = 4;

/// A user with the hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Htpasswd {
    pub user: String,
    hash: String,
}

impl Htpasswd {
    /// Reads the one user of a file. Empty lines and lines without `:` are ignored, as sushy-tools does.
    ///
    /// # Errors
    /// If the file cannot be read, or has not exactly one user with a hash of bcrypt. The text has no hash.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = file::read(path, MAX_BYTES)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let text = String::from_utf8(text).map_err(|_| format!("{} is not UTF-8", path.display()))?;
        Self::parse(&text).map_err(|problem| format!("{}: {problem}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut users = text.lines().map(str::trim).filter_map(|line| line.split_once(':'));
        let Some((user, hash)) = users.next() else {
            return Err("it has no user; write one with: htpasswd -nbB admin PASSWORD".to_owned());
        };
        let others = users.count();
        if others > 0 {
            return Err(format!("it has {} users; each BMC has one account, so leave one line", others + 1));
        }
        let known = ["$2y$", "$2a$", "$2b$"].iter().find_map(|prefix| hash.strip_prefix(prefix));
        let cost = known.and_then(|rest| rest.split_once('$')).and_then(|(cost, _)| cost.parse::<u32>().ok());
        match cost {
            Some(cost) if !(MIN_COST..=MAX_COST).contains(&cost) => {
                Err(format!("the hash of '{user}' has the cost {cost}; allowed are {MIN_COST} to {MAX_COST}"))
            }
            Some(_) if hash.len() == 60 => Ok(Self { user: user.to_owned(), hash: hash.to_owned() }),
            _ => Err(format!(
                "the password of '{user}' is no hash of bcrypt; write one with: htpasswd -nbB {user} PASSWORD"
            )),
        }
    }

    /// Whether it is the password. It takes a time that the cost of the hash determines, from a millisecond to some seconds.
    pub fn is(&self, password: &str) -> bool {
        bcrypt::verify(password, &self.hash).unwrap_or(false)
    }
}

impl std::fmt::Debug for Htpasswd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Htpasswd").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `htpasswd -nbBC 4 admin password` writes.
    fn line() -> String {
        let hash = bcrypt::hash_with_result("password", 4).unwrap();
        format!("admin:{}\n", hash.format_for_version(bcrypt::Version::TwoY))
    }

    #[test]
    fn a_hash_of_bcrypt_proves_its_password_only() {
        let user = Htpasswd::parse(&format!("\n# users\n{}", line())).unwrap();
        assert_eq!(user.user, "admin");
        assert!(user.is("password"));
        assert!(!user.is("Password") && !user.is(""));
        assert!(!format!("{user:?}").contains("$2y$"));
    }

    #[test]
    fn another_file_is_refused_without_its_hash() {
        for (text, said) in [
            (String::new(), "it has no user"),
            ("admin:$apr1$abc".to_owned(), "the password of 'admin' is no hash of bcrypt"),
            (line() + &line(), "it has 2 users"),
            (line().replace("$04$", "$31$"), "the hash of 'admin' has the cost 31; allowed are 4 to 16"),
            (line()[..40].to_owned(), "the password of 'admin' is no hash of bcrypt"),
        ] {
            let problem = Htpasswd::parse(&text).unwrap_err();
            assert!(problem.starts_with(said) && !problem.contains("$2y$"), "{problem}");
        }
    }
}
