//! Evaluates expressions of jq: every expression gives any number of values.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::functions::call;
use super::values::{calculate, everything, index, kind, number_of, plain, slice, truth};
use super::{Expr, MAX_DEPTH};

pub(super) type Results = Result<Vec<Value>, String>;
pub(super) type Variables = BTreeMap<String, Value>;

pub(super) fn run(expr: &Expr, value: &Value, vars: &Variables, depth: usize) -> Results {
    if depth > MAX_DEPTH {
        return Err("nested too deeply".into());
    }
    let run_on = |expr: &Expr, value: &Value| run(expr, value, vars, depth + 1);
    let first =
        |expr: &Expr| -> Result<Value, String> { Ok(run_on(expr, value)?.into_iter().next().unwrap_or_default()) };
    let mut out = Vec::new();
    match expr {
        Expr::Identity => out.push(value.clone()),
        Expr::Everything => everything(value, &mut out),
        Expr::Literal(value) => out.push(value.clone()),
        Expr::Text(parts) => {
            let texts = parts.iter().map(|part| first(part).map(|value| plain(&value)));
            out.push(json!(texts.collect::<Result<String, _>>()?));
        }
        Expr::Variable(name) => {
            out.push(vars.get(name).cloned().ok_or_else(|| format!("${name} is not defined"))?);
        }
        Expr::Key(of, key) => {
            for of in run_on(of, value)? {
                for key in run_on(key, value)? {
                    out.push(index(&of, &key)?);
                }
            }
        }
        Expr::Slice(of, from, to) => {
            let bound = |bound: &Option<Box<Expr>>| match bound {
                Some(bound) => first(bound).map(|bound| bound.as_i64()),
                None => Ok(None),
            };
            let (from, to) = (bound(from)?, bound(to)?);
            for of in run_on(of, value)? {
                out.push(slice(&of, from, to));
            }
        }
        Expr::Each(of) => {
            for of in run_on(of, value)? {
                match of {
                    Value::Array(items) => out.extend(items),
                    Value::Object(map) => out.extend(map.into_iter().map(|(_, value)| value)),
                    other => return Err(format!("Cannot iterate over {}", kind(&other))),
                }
            }
        }
        Expr::Try(body) => out.extend(run_on(body, value).unwrap_or_default()),
        Expr::Pipe(left, right) => {
            for value in run_on(left, value)? {
                out.extend(run_on(right, &value)?);
            }
        }
        Expr::Comma(left, right) => {
            out.extend(run_on(left, value)?);
            out.extend(run_on(right, value)?);
        }
        Expr::Bind(source, name, body) => {
            for bound in run_on(source, value)? {
                let mut vars = vars.clone();
                vars.insert(name.clone(), bound);
                out.extend(run(body, value, &vars, depth + 1)?);
            }
        }
        Expr::Reduce(source, name, start, step) => {
            let mut total = first(start)?;
            for item in run_on(source, value)? {
                let mut vars = vars.clone();
                vars.insert(name.clone(), item);
                total = run(step, &total, &vars, depth + 1)?.into_iter().next().unwrap_or_default();
            }
            out.push(total);
        }
        Expr::Negative(body) => {
            for value in run_on(body, value)? {
                out.push(number_of(-value.as_f64().ok_or("cannot be negated")?));
            }
        }
        Expr::If(branches, otherwise) => {
            for (condition, body) in branches {
                if run_on(condition, value)?.iter().any(truth) {
                    return run_on(body, value);
                }
            }
            return run_on(otherwise, value);
        }
        Expr::List(inner) => {
            let items = inner.as_ref().map_or_else(|| Ok(Vec::new()), |inner| run_on(inner, value))?;
            out.push(Value::Array(items));
        }
        Expr::Object(fields) => {
            let mut objects = vec![Map::new()];
            for (key, of) in fields {
                let key = plain(&first(key)?);
                let values = run_on(of, value)?;
                let with = |object: &Map<String, Value>, value: &Value| {
                    let mut object = object.clone();
                    object.insert(key.clone(), value.clone());
                    object
                };
                objects = objects.iter().flat_map(|object| values.iter().map(|value| with(object, value))).collect();
            }
            out.extend(objects.into_iter().map(Value::Object));
        }
        Expr::Binary(operator @ ("=" | "|=" | "+=" | "-=" | "//="), target, source) => {
            let mut changed = value.clone();
            let fixed = if *operator == "|=" { Value::Null } else { first(source)? };
            change(target, &mut changed, vars, &mut |old| {
                Ok(Some(match *operator {
                    "=" => fixed.clone(),
                    "|=" => run_on(source, old)?.into_iter().next().unwrap_or_default(),
                    "+=" => calculate("+", old, &fixed)?,
                    "-=" => calculate("-", old, &fixed)?,
                    _ => {
                        if truth(old) {
                            old.clone()
                        } else {
                            fixed.clone()
                        }
                    }
                }))
            })?;
            out.push(changed);
        }
        Expr::Binary("//", left, right) => {
            let found: Vec<Value> = run_on(left, value).unwrap_or_default().into_iter().filter(truth).collect();
            return if found.is_empty() { run_on(right, value) } else { Ok(found) };
        }
        Expr::Binary(operator @ ("and" | "or"), left, right) => {
            let left = truth(&first(left)?);
            let decided = (*operator == "or") == left;
            out.push(json!(if decided { left } else { truth(&first(right)?) }));
        }
        Expr::Binary(operator, left, right) => {
            for right in run_on(right, value)? {
                for left in run_on(left, value)? {
                    out.push(calculate(operator, &left, &right)?);
                }
            }
        }
        Expr::Call(name, args) => return call(name, args, value, vars, depth),
    }
    Ok(out)
}

/// Changes what a path expression leads to; `None` from `make` takes it away.
pub(super) fn change(
    target: &Expr,
    value: &mut Value,
    vars: &Variables,
    make: &mut dyn FnMut(&Value) -> Result<Option<Value>, String>,
) -> Result<(), String> {
    match target {
        Expr::Identity => {
            *value = make(value)?.unwrap_or_default();
            Ok(())
        }
        Expr::Pipe(left, right) => change(left, value, vars, &mut |old| {
            let mut new = old.clone();
            change(right, &mut new, vars, make)?;
            Ok(Some(new))
        }),
        Expr::Comma(left, right) => {
            change(left, value, vars, make)?;
            change(right, value, vars, make)
        }
        Expr::Call(name, args) if name == "select" => {
            let holds = args.first().map_or(Ok(Vec::new()), |test| run(test, value, vars, 0))?.iter().any(truth);
            if holds {
                *value = make(value)?.unwrap_or_default();
            }
            Ok(())
        }
        Expr::Key(of, key) => {
            let key = run(key, value, vars, 0)?.into_iter().next().unwrap_or_default();
            change(of, value, vars, &mut |old| {
                let mut new = old.clone();
                match (&key, make(&index(old, &key)?)?) {
                    (Value::String(key), Some(made)) => {
                        if new.is_null() {
                            new = json!({});
                        }
                        if let Some(map) = new.as_object_mut() {
                            map.insert(key.clone(), made);
                        }
                    }
                    (Value::String(key), None) => drop(new.as_object_mut().and_then(|map| map.shift_remove(key))),
                    (key, made) => {
                        let at = usize::try_from(key.as_i64().unwrap_or(0)).unwrap_or(0);
                        match (new.as_array_mut(), made) {
                            (Some(items), Some(made)) => {
                                items.get_mut(at).into_iter().for_each(|item| *item = made.clone())
                            }
                            (Some(items), None) if at < items.len() => drop(items.remove(at)),
                            _ => {}
                        }
                    }
                }
                Ok(Some(new))
            })
        }
        Expr::Each(of) => change(of, value, vars, &mut |old| {
            Ok(Some(match old {
                Value::Array(items) => {
                    let made = items.iter().map(&mut *make).collect::<Result<Vec<_>, _>>()?;
                    Value::Array(made.into_iter().flatten().collect())
                }
                Value::Object(map) => {
                    let mut new = Map::new();
                    for (key, value) in map {
                        if let Some(made) = make(value)? {
                            new.insert(key.clone(), made);
                        }
                    }
                    Value::Object(new)
                }
                other => other.clone(),
            }))
        }),
        _ => Err("Invalid path expression".into()),
    }
}
