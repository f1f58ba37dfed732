//! How an answer is divided: between seeders and leechers, between IPv4 and IPv6. Holds no peers; `large.rs` draws as
//! many of each as it is told here.

/// Divides `count` between two kinds of which there are `a` and `b`: by their numbers, but at least a quarter to each if
/// there are so many, and never more than there are.
pub(super) fn share(count: usize, a: usize, b: usize) -> (usize, usize) {
    if a + b <= count {
        return (a, b);
    }
    let by_number = (count as u64 * a as u64 / (a + b) as u64) as usize;
    let quarter = count.div_ceil(4);
    let of_a = by_number
        .max(quarter.min(a))
        .min(count - quarter.min(b).min(count));
    let of_a = of_a.clamp(count.saturating_sub(b), a);
    (of_a, count - of_a)
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn an_answer_is_divided_by_numbers_with_a_quarter_for_the_few() {
        assert_eq!(share(50, 10, 20), (10, 20));
        assert_eq!(share(50, 1000, 1000), (25, 25));
        assert_eq!(share(50, 3000, 1000), (37, 13));
        assert_eq!(share(50, 100_000, 3), (47, 3));
        assert_eq!(share(50, 3, 100_000), (3, 47));
        assert_eq!(share(50, 100_000, 200), (37, 13));
        assert_eq!(share(1, 10, 10).0 + share(1, 10, 10).1, 1);
        assert_eq!(share(0, 10, 10), (0, 0));
        assert_eq!(share(7, 0, 10), (0, 7));
    }

    #[test]
    fn nothing_is_lost_and_nobody_is_asked_for_more_than_there_is() {
        for count in 0..40 {
            for a in 0..60 {
                for b in 0..60 {
                    let (of_a, of_b) = share(count, a, b);
                    assert!(of_a <= a && of_b <= b, "{count} {a} {b}");
                    assert_eq!(of_a + of_b, count.min(a + b), "{count} {a} {b}");
                }
            }
        }
    }
}
