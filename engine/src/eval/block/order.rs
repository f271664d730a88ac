//! The order of keys in Go's YAML libraries: numbers in names count as numbers.
//!
//! Follows `keyList.Less` of `sorter.go` of yaml v2 and v3.

use std::cmp::Ordering;

use super::emit::Dialect;

/// The keys in the order in which they are written.
pub(super) fn sorted<'k>(keys: impl Iterator<Item = &'k str>, dialect: Dialect) -> Vec<&'k str> {
    let mut keys: Vec<&str> = keys.collect();
    keys.sort_by(|left, right| compare(left, right, dialect));
    keys
}

fn compare(left: &str, right: &str, dialect: Dialect) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(left, right)| left != right) else {
        return left.len().cmp(&right.len());
    };
    let (Some((before, [a, ..])), Some((_, [b, ..]))) = (left.split_at_checked(at), right.split_at_checked(at)) else {
        return Ordering::Equal;
    };
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => return a.cmp(b),
        (false, false) => {}
        (left_is_letter, _) => {
            // A letter goes after other signs, but in v3 before a longer number.
            let in_number = dialect == Dialect::V3 && before.last().is_some_and(char::is_ascii_digit);
            return if left_is_letter == in_number { Ordering::Less } else { Ordering::Greater };
        }
    }
    let zero = *a == '0' || *b == '0';
    let digits_before = before.iter().rev().take_while(|c| c.is_ascii_digit());
    let lead = u64::from(zero && digits_before.into_iter().any(|digit| *digit != '0'));
    let (a_number, a_length) = number(&left, at, lead);
    let (b_number, b_length) = number(&right, at, lead);
    a_number.cmp(&b_number).then(a_length.cmp(&b_length)).then(a.cmp(b))
}

/// The number from a position on, and how many digits it has.
fn number(text: &[char], at: usize, lead: u64) -> (u64, usize) {
    let digits = text.iter().skip(at).map_while(|c| c.to_digit(10));
    digits
        .fold((lead, 0), |(number, length), digit| (number.wrapping_mul(10).wrapping_add(u64::from(digit)), length + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        let keys = ["rule-10", "rule-2", "rule", "rule-b", "a"];
        assert_eq!(sorted(keys.into_iter(), Dialect::V3), ["a", "rule", "rule-2", "rule-10", "rule-b"]);
        assert_eq!(sorted(["a1b", "a12"].into_iter(), Dialect::V3), ["a1b", "a12"]);
        assert_eq!(sorted(["a1b", "a12"].into_iter(), Dialect::V2), ["a12", "a1b"]);
    }
}
