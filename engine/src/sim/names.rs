//! Names that a server makes up: UIDs and random suffixes, here from a counter so that two runs agree.

use sha2::{Digest, Sha256};

/// The alphabet of `k8s.io/apimachinery/pkg/util/rand`: no vowels, nothing that looks like something else.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Makes names up.
#[derive(Clone, Debug, Default)]
pub struct Names {
    count: u64,
}

impl Names {
    fn next(&mut self, salt: &str) -> [u8; 32] {
        self.count += 1;
        let mut hash = Sha256::new();
        hash.update(self.count.to_be_bytes());
        hash.update(salt.as_bytes());
        hash.finalize().into()
    }

    /// A number that is new in this run.
    pub fn tick(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// A UID in the shape of a random UUID.
    pub fn uid(&mut self, salt: &str) -> String {
        let bytes = self.next(salt);
        let hex: String = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
    }

    /// Five characters as `generateName` appends them.
    pub fn suffix(&mut self, salt: &str) -> String {
        let letter = |byte: &u8| ALPHABET.get(usize::from(*byte) % ALPHABET.len()).copied().map_or('b', char::from);
        self.next(salt).iter().take(5).map(letter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_look_like_kubernetes_names() {
        let mut names = Names::default();
        let uid = names.uid("Namespace/dev");
        assert_eq!((uid.len(), uid.matches('-').count()), (36, 4));
        assert_ne!(uid, names.uid("Namespace/dev"));
        assert_eq!(names.suffix("ur-").len(), 5);
    }
}
