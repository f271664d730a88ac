//! The functions of jq.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde_json::{Value, json};

use super::Expr;
use super::run::{Results, Variables, change, run};
use super::values::{calculate, contains, everything, kind, number_of, order, plain, same, truth};

pub(super) fn call(name: &str, args: &[Expr], value: &Value, vars: &Variables, depth: usize) -> Results {
    let run_on = |expr: &Expr, value: &Value| run(expr, value, vars, depth + 1);
    let argument = |at: usize| -> Result<Value, String> {
        let expr = args.get(at).ok_or_else(|| format!("{name} needs an argument"))?;
        Ok(run_on(expr, value)?.into_iter().next().unwrap_or_default())
    };
    let text = || value.as_str().ok_or_else(|| format!("{} cannot be matched, as it is not a string", kind(value)));
    let items = || value.as_array().cloned().ok_or_else(|| format!("{} is not an array", kind(value)));
    let keyed = || -> Result<Vec<(Value, Value)>, String> {
        let key = |item: Value| -> Result<(Value, Value), String> {
            let key = args.first().map_or_else(|| Ok(vec![item.clone()]), |by| run_on(by, &item))?;
            Ok((Value::Array(key), item))
        };
        let mut keyed = items()?.into_iter().map(key).collect::<Result<Vec<_>, _>>()?;
        keyed.sort_by(|(a, _), (b, _)| order(a, b));
        Ok(keyed)
    };
    let one = match name {
        "empty" => return Ok(Vec::new()),
        "error" => return Err(plain(&args.first().map_or_else(|| Ok(value.clone()), |_| argument(0))?)),
        "select" => {
            let count = args.first().map_or_else(|| Ok(Vec::new()), |test| run_on(test, value))?;
            return Ok(count.iter().filter(|one| truth(one)).map(|_| value.clone()).collect());
        }
        "recurse" => {
            let mut out = Vec::new();
            everything(value, &mut out);
            return Ok(out);
        }
        "map" => {
            let body = args.first().ok_or("map needs an argument")?;
            let mut out = Vec::new();
            for item in run(&Expr::Each(Expr::Identity.into()), value, vars, depth + 1)? {
                out.extend(run_on(body, &item)?);
            }
            Value::Array(out)
        }
        "map_values" => {
            let body = args.first().ok_or("map_values needs an argument")?;
            let mut changed = value.clone();
            change(&Expr::Each(Expr::Identity.into()), &mut changed, vars, &mut |old| {
                Ok(run_on(body, old)?.into_iter().next())
            })?;
            changed
        }
        "del" => {
            let mut changed = value.clone();
            change(args.first().ok_or("del needs an argument")?, &mut changed, vars, &mut |_| Ok(None))?;
            changed
        }
        "length" => match value {
            Value::Null => json!(0),
            Value::Array(items) => json!(items.len()),
            Value::Object(map) => json!(map.len()),
            Value::String(text) => json!(text.chars().count()),
            Value::Number(number) => number_of(number.as_f64().unwrap_or(0.0).abs()),
            Value::Bool(_) => return Err("boolean has no length".into()),
        },
        "not" => json!(!truth(value)),
        "keys" | "keys_unsorted" => match value {
            Value::Object(map) => {
                let mut keys: Vec<&String> = map.keys().collect();
                if name == "keys" {
                    keys.sort();
                }
                json!(keys)
            }
            Value::Array(items) => json!((0..items.len()).collect::<Vec<_>>()),
            other => return Err(format!("{} has no keys", kind(other))),
        },
        "values" => return Ok(if value.is_null() { Vec::new() } else { vec![value.clone()] }),
        "has" => match (value, argument(0)?) {
            (Value::Object(map), Value::String(key)) => json!(map.contains_key(&key)),
            (Value::Array(items), at) => json!(at.as_u64().is_some_and(|at| (at as usize) < items.len())),
            (other, _) => return Err(format!("Cannot check whether {} has a key", kind(other))),
        },
        "in" => json!(argument(0)?.get(plain(value)).is_some()),
        "contains" => json!(contains(value, &argument(0)?)),
        "inside" => json!(contains(&argument(0)?, value)),
        "add" => {
            let mut total = Value::Null;
            for item in run(&Expr::Each(Expr::Identity.into()), value, vars, depth + 1)? {
                total = calculate("+", &total, &item)?;
            }
            total
        }
        "any" | "all" => {
            let list = match args {
                [source, _] => run_on(source, value)?,
                _ => items()?,
            };
            let holds = |item: &Value| match args.last() {
                Some(test) => run_on(test, item).map(|found| found.iter().any(truth)),
                None => Ok(truth(item)),
            };
            let found = list.iter().map(holds).collect::<Result<Vec<_>, _>>()?;
            json!(if name == "any" { found.contains(&true) } else { !found.contains(&false) })
        }
        "first" | "last" if args.is_empty() => {
            let list = items()?;
            (if name == "first" { list.first() } else { list.last() }).cloned().unwrap_or_default()
        }
        "first" | "last" | "limit" => {
            let found = run_on(args.last().ok_or("an argument is missing")?, value)?;
            let count = found.len();
            return Ok(match name {
                "first" => found.into_iter().take(1).collect(),
                "last" => found.into_iter().skip(count.saturating_sub(1)).collect(),
                _ => found.into_iter().take(argument(0)?.as_u64().unwrap_or(0) as usize).collect(),
            });
        }
        "range" => {
            let (from, to) = if args.len() > 1 { (argument(0)?, argument(1)?) } else { (json!(0), argument(0)?) };
            let (from, to) = (from.as_i64().unwrap_or(0), to.as_i64().unwrap_or(0));
            return Ok((from..to.min(from + 10_000)).map(Value::from).collect());
        }
        "type" => json!(kind(value)),
        "tostring" => json!(plain(value)),
        "tojson" => json!(value.to_string()),
        "fromjson" => serde_json::from_str(text()?).map_err(|error| error.to_string())?,
        "tonumber" => match value {
            Value::String(text) => {
                number_of(text.trim().parse().map_err(|_| format!("Cannot parse '{text}' as number"))?)
            }
            other => other.clone(),
        },
        "ascii_downcase" => json!(text()?.to_lowercase()),
        "ascii_upcase" => json!(text()?.to_uppercase()),
        "startswith" => json!(text()?.starts_with(argument(0)?.as_str().unwrap_or(""))),
        "endswith" => json!(text()?.ends_with(argument(0)?.as_str().unwrap_or(""))),
        "ltrimstr" => json!(value.as_str().map_or_else(
            || plain(value),
            |text| {
                let prefix = argument(0).map(|prefix| plain(&prefix)).unwrap_or_default();
                text.strip_prefix(prefix.as_str()).unwrap_or(text).to_owned()
            }
        )),
        "rtrimstr" => json!(value.as_str().map_or_else(
            || plain(value),
            |text| {
                let suffix = argument(0).map(|suffix| plain(&suffix)).unwrap_or_default();
                text.strip_suffix(suffix.as_str()).unwrap_or(text).to_owned()
            }
        )),
        "trim" => json!(text()?.trim()),
        "split" => {
            let mark = plain(&argument(0)?);
            text()?.split(mark.as_str()).map(Value::from).collect()
        }
        "join" => {
            let mark = plain(&argument(0)?);
            let texts: Vec<String> =
                items()?.iter().map(|item| if item.is_null() { String::new() } else { plain(item) }).collect();
            json!(texts.join(&mark))
        }
        "test" | "match" | "capture" | "scan" | "sub" | "gsub" => {
            let mut source = plain(&argument(0)?);
            let flags = if matches!(name, "sub" | "gsub") { 2 } else { 1 };
            if args.len() > flags && plain(&argument(flags)?).contains('i') {
                source = format!("(?i){source}");
            }
            let regex = Regex::new(&source).map_err(|_| format!("{source} is not a valid regex"))?;
            let text = text()?;
            match name {
                "test" => json!(regex.is_match(text)),
                "scan" => return Ok(regex.find_iter(text).map(|found| json!(found.as_str())).collect()),
                "sub" => json!(regex.replacen(text, 1, regex::NoExpand(&plain(&argument(1)?)))),
                "gsub" => json!(regex.replace_all(text, regex::NoExpand(&plain(&argument(1)?)))),
                "match" => match regex.find(text) {
                    Some(found) => json!({"offset": found.start(), "length": found.len(), "string": found.as_str()}),
                    None => return Ok(Vec::new()),
                },
                _ => match regex.captures(text) {
                    Some(found) => {
                        let named = regex.capture_names().flatten();
                        named.map(|name| (name.to_owned(), json!(found.name(name).map(|one| one.as_str())))).collect()
                    }
                    None => return Ok(Vec::new()),
                },
            }
        }
        "to_entries" => {
            let map = value.as_object().ok_or_else(|| format!("{} has no keys", kind(value)))?;
            map.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
        }
        "from_entries" => {
            let entry = |item: &Value| {
                let key = ["key", "k", "name"].iter().find_map(|name| item.get(name)).map(plain).unwrap_or_default();
                (key, ["value", "v"].iter().find_map(|name| item.get(name)).cloned().unwrap_or_default())
            };
            Value::Object(items()?.iter().map(entry).collect())
        }
        "with_entries" => {
            let body = Expr::Call("map".into(), args.to_vec());
            let entries = run(&Expr::Call("to_entries".into(), Vec::new()), value, vars, depth + 1)?;
            let changed = run_on(&body, entries.first().unwrap_or(&Value::Null))?;
            return run_on(&Expr::Call("from_entries".into(), Vec::new()), changed.first().unwrap_or(&Value::Null));
        }
        "sort" | "sort_by" => keyed()?.into_iter().map(|(_, item)| item).collect(),
        "unique" | "unique_by" => {
            let mut keyed = keyed()?;
            keyed.dedup_by(|(a, _), (b, _)| same(a, b));
            keyed.into_iter().map(|(_, item)| item).collect()
        }
        "group_by" => {
            let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
            for (key, item) in keyed()? {
                match groups.last_mut().filter(|(last, _)| same(last, &key)) {
                    Some((_, group)) => group.push(item),
                    None => groups.push((key, vec![item])),
                }
            }
            groups.into_iter().map(|(_, group)| Value::Array(group)).collect()
        }
        "min" | "min_by" => keyed()?.into_iter().next().map(|(_, item)| item).unwrap_or_default(),
        "max" | "max_by" => keyed()?.into_iter().next_back().map(|(_, item)| item).unwrap_or_default(),
        "reverse" => items()?.into_iter().rev().collect(),
        "flatten" => {
            let mut out = Vec::new();
            let mut rest = items()?;
            while !rest.is_empty() {
                match rest.remove(0) {
                    Value::Array(inner) => drop(rest.splice(0..0, inner)),
                    item => out.push(item),
                }
            }
            Value::Array(out)
        }
        "index" => json!(text()?.find(plain(&argument(0)?).as_str())),
        "floor" => number_of(value.as_f64().unwrap_or(0.0).floor()),
        "@base64" => json!(STANDARD.encode(plain(value))),
        "@base64d" => {
            let bytes = STANDARD.decode(text()?).map_err(|_| "string is not valid base64 data")?;
            json!(String::from_utf8_lossy(&bytes))
        }
        "@json" | "@text" => json!(if name == "@json" { value.to_string() } else { plain(value) }),
        "@csv" | "@tsv" => {
            let (mark, quote) = if name == "@csv" { (",", "\"") } else { ("\t", "") };
            let cell = |item: &Value| match item {
                Value::String(text) => format!("{quote}{text}{quote}"),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            json!(items()?.iter().map(cell).collect::<Vec<_>>().join(mark))
        }
        "env" => json!({}),
        _ => return Err(format!("{name}/{} is not defined", args.len())),
    };
    Ok(vec![one])
}
