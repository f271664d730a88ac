//! The engine's side of the worker: one message in, `[number, request]`; one message out, `[number, answer, milliseconds]`.
//! The first message out is the number 0 alone: the worker is ready.

use js_sys::{Array, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Performance};

/// Starts answering.
pub fn serve(call: fn(&str) -> String) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let clock = Reflect::get(&scope, &"performance".into()).ok().map(JsCast::unchecked_into::<Performance>);
    let now = move || clock.as_ref().map_or(0.0, Performance::now);
    let port = scope.clone();
    let answer = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
        let job: Array = event.data().unchecked_into();
        let began = now();
        let text = call(&job.get(1).as_string().unwrap_or_default());
        post(&port, &Array::of3(&job.get(0), &text.into(), &(now() - began).into()));
    });
    scope.set_onmessage(Some(answer.as_ref().unchecked_ref()));
    answer.forget();
    post(&scope, &Array::of1(&0.into()));
}

/// A message that cannot be posted leaves the page waiting, and its Stop button with it.
fn post(scope: &DedicatedWorkerGlobalScope, message: &JsValue) {
    let _ = scope.post_message(message);
}
