//! Sorting and sorted maps that share one sorting algorithm: the standard ones come once per type into the download.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Sorts like `slice::sort_by`: equal items keep their order.
pub fn sort_by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut places = sorted(items.len(), &mut |a, b| match (items.get(a), items.get(b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    });
    for target in 0..places.len() {
        let mut from = places.get(target).copied().unwrap_or(target);
        // What stood at `from` may have been swapped away already: follow it.
        while from < target {
            from = places.get(from).copied().unwrap_or(target);
        }
        items.swap(target, from);
        if let Some(place) = places.get_mut(target) {
            *place = from;
        }
    }
}

/// Sorts like `slice::sort_by_key`.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], mut key: impl FnMut(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// Sorts like `slice::sort`.
pub fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

fn sorted(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}

/// A map of these entries, the last one of a key winning; collecting into one would sort them first.
pub fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(entries);
    map
}

/// A set of these items.
pub fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_as_the_standard_library_does() {
        let items: Vec<(u32, usize)> = (0..200_u32).map(|n| (n * 7919 % 13, n as usize)).collect();
        let (mut ours, mut theirs) = (items.clone(), items);
        sort_by_key(&mut ours, |item| item.0);
        theirs.sort_by_key(|item| item.0);
        assert_eq!(ours, theirs);
    }

    #[test]
    fn sorts_what_is_empty_or_single() {
        sort::<u8>(&mut []);
        let mut one = ["a"];
        sort(&mut one);
        assert_eq!(one, ["a"]);
    }

    #[test]
    fn the_last_entry_of_a_key_wins() {
        assert_eq!(map([("a", 1), ("b", 2), ("a", 3)]), BTreeMap::from([("a", 3), ("b", 2)]));
        assert_eq!(set(["b", "a", "b"]), BTreeSet::from(["a", "b"]));
    }
}
