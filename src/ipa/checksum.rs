//! The hash algorithms with which an image can be verified.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    Md5,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl ChecksumAlgorithm {
    /// The algorithm that `os_hash_algo` names.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "md5" => Some(Self::Md5),
            "sha224" => Some(Self::Sha224),
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The algorithm of a checksum without a name, by its number of hex digits.
    ///
    /// # Errors
    /// In IPA's words, if the length is that of no algorithm, or that of MD5 while MD5 is not allowed.
    pub fn by_length(checksum: &str, md5_enabled: bool) -> Result<Self, &'static str> {
        match checksum.len() {
            128 => Ok(Self::Sha512),
            64 => Ok(Self::Sha256),
            32 if md5_enabled => Ok(Self::Md5),
            32 => Err("MD5 support is disabled."),
            _ => Err(
                "Unable to identify checksum algorithm used, and a value is not specified in the os_hash_algo setting.",
            ),
        }
    }
}
