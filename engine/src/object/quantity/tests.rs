use super::*;

fn q(text: &str) -> Quantity {
    Quantity::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn canonical_form() {
    for (text, wanted) in [
        ("0", "0"),
        ("0Gi", "0"),
        ("1.5", "1500m"),
        ("1.5Gi", "1536Mi"),
        ("1024Ki", "1Mi"),
        ("1025Ki", "1025Ki"),
        ("1000m", "1"),
        ("1000", "1k"),
        ("100000", "100k"),
        ("12e6", "12e6"),
        ("12E6", "12E6"),
        ("1e3", "1e3"),
        ("1000e3", "1e6"),
        ("0.1", "100m"),
        ("0.0000000001", "1n"),
        ("0.1Mi", "104857600m"),
        ("-1.5Gi", "-1536Mi"),
        ("512Mi", "512Mi"),
        ("1100Mi", "1100Mi"),
        ("1.1i", "err"),
        ("0.5Ki", "512"),
        ("+5", "+5"),
        ("007", "007"),
        ("10.0", "10"),
        ("9223372036854775807", "9223372036854775807"),
        ("100Ei", "9223372036854775807"),
        ("1.000000000001Ki", "1024000000002n"),
        ("", "err"),
        ("1x", "err"),
        ("1 Gi", "err"),
        ("5d", "err"),
        ("1.2.3", "err"),
        ("Gi", "0"),
        (".", "0"),
        ("1.", "1."),
    ] {
        let found = Quantity::parse(text).map_or("err".to_owned(), |q| q.to_string());
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn order() {
    for (a, b, wanted) in [
        ("1Gi", "1024Mi", Ordering::Equal),
        ("1", "1000m", Ordering::Equal),
        ("100m", "0.1", Ordering::Equal),
        ("1G", "1Gi", Ordering::Less),
        ("-1", "1", Ordering::Less),
        ("-2", "-1", Ordering::Less),
        ("0", "0Ki", Ordering::Equal),
        ("1e100", "1e99", Ordering::Greater),
        ("10e99", "1e100", Ordering::Equal),
        ("2e99", "1e100", Ordering::Less),
        ("0.1Gi", "107374182400m", Ordering::Equal),
        ("1.5", "1", Ordering::Greater),
    ] {
        assert_eq!(q(a).compare(&q(b)), wanted, "{a} {b}");
    }
}

#[test]
fn arithmetic_keeps_the_family_of_the_left() {
    assert_eq!(q("12Ki").add(&q("4Ki")).to_string(), "16Ki");
    assert_eq!(q("1Gi").add(&q("1M")).to_string(), "1074741824");
    assert_eq!(q("0").add(&q("1Gi")).to_string(), "1Gi");
    assert_eq!(q("10").sub(&q("10500m")).to_string(), "-500m");
    assert_eq!(q("12Ki").mul_scalar(2.0).unwrap().to_string(), "24Ki");
    assert_eq!(q("1Gi").mul_scalar(1e6).unwrap().to_string(), "1000000Gi");
    assert_eq!(q("10Ki").div_scalar(3.0).unwrap().to_string(), "3413");
    assert_eq!(q("10").div_scalar(0.5).unwrap().to_string(), "20");
    assert_eq!(q("12Ki").div(&q("2Ki")), Ok(6.0));
    assert_eq!(q("13Ki").modulo(&q("5Ki")).unwrap().to_string(), "3Ki");
    assert_eq!(q("1500m").modulo(&q("1")), Err(Error::NonInteger));
    assert_eq!(q("1").div(&q("0")), Err(Error::ZeroDivision));
    assert!(q("1").mul_scalar(f64::NAN).is_err());
}

#[test]
fn numbers() {
    assert!((q("1.5Gi").approximate_f64() - 1_610_612_736.0).abs() < 1e-3);
    assert_eq!(q("100m").approximate_f64(), 0.1);
    assert_eq!(q("1.5").as_i64(), None);
    assert_eq!(q("2000m").as_i64(), Some(2));
    assert_eq!((q("1.2").value(), q("1.2").milli_value()), (2, 1200));
}

#[test]
fn hostile_exponents_end() {
    for text in ["1e1000000000", "1e-1000000000", "1e99999999999", "123456789012345678901234567890123456789012E"] {
        let value = q(text);
        let _ = (value.to_string(), value.add(&q("1")).to_string(), value.compare(&q("1")), value.approximate_f64());
        let _ = (value.mul_scalar(1e300), value.div_scalar(1e-300), value.value());
    }
}

proptest::proptest! {
    #[test]
    fn canonical_text_means_the_same(text in "[+-]?[0-9]{1,12}(\\.[0-9]{0,9})?(n|u|m|k|M|G|T|P|Ki|Mi|Gi|Ti|e3|E-2|)") {
        let value = q(&text);
        let again = q(&value.to_string());
        proptest::prop_assert_eq!(value.compare(&again), Ordering::Equal, "{} {}", value, again);
        proptest::prop_assert_eq!(value.canonical(), again.canonical());
        proptest::prop_assert_eq!(value.sub(&again).sign(), 0);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
        let _ = Quantity::parse(&text).map(|value| value.to_string());
        let _ = crate::object::duration::Duration::parse(&text);
        let _ = crate::object::time::Time::parse_rfc3339(&text);
        let _ = crate::object::time::Time::parse(&text, &text).map(|time| time.format(&text));
    }
}
