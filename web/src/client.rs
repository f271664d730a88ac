//! The page's side of the worker: sends requests, gives each answer to who asked, ends a worker that runs away.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker};

use crate::assets;

/// What becomes of a request: the engine's answer and the milliseconds it took, or nothing when the worker died.
pub type Done = Box<dyn FnOnce(Option<(String, f64)>)>;

/// A worker that is started when it is first needed. Clones are the same client.
#[derive(Clone, Default)]
pub struct Client(Rc<RefCell<Inner>>);

#[derive(Default)]
struct Inner {
    worker: Option<Started>,
    last: u32,
    waiting: Vec<(u32, Done)>,
}

struct Started {
    worker: Worker,
    ready: bool,
    queue: Vec<Array>,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(JsValue)>,
}

thread_local! {
    static SHARED: Client = Client::default();
}

impl Client {
    /// The page's one client.
    pub fn shared() -> Self {
        SHARED.with(Clone::clone)
    }

    /// Asks; `done` is called once.
    pub fn ask(&self, request: &str, done: impl FnOnce(Option<(String, f64)>) + 'static) {
        self.start();
        let mut inner = self.0.borrow_mut();
        inner.last += 1;
        let seq = inner.last;
        inner.waiting.push((seq, Box::new(done)));
        let message = Array::of2(&seq.into(), &request.into());
        match &mut inner.worker {
            Some(started) if started.ready => {
                let _ = started.worker.post_message(&message);
            }
            Some(started) => started.queue.push(message),
            None => {}
        }
    }

    /// Starts the worker, so that the first request does not wait for it.
    pub fn start(&self) {
        if self.0.borrow().worker.is_some() {
            return;
        }
        let Ok(worker) = Worker::new(&assets::url("worker")) else { return };
        let client = self.clone();
        let on_message = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            client.receive(&event.data().unchecked_into())
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let client = self.clone();
        let on_error = Closure::<dyn Fn(JsValue)>::new(move |_| client.stop());
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        self.0.borrow_mut().worker =
            Some(Started { worker, ready: false, queue: Vec::new(), _on_message: on_message, _on_error: on_error });
    }

    /// Ends the worker at once, whatever it does. The next request starts another.
    pub fn stop(&self) {
        let (started, waiting) = {
            let mut inner = self.0.borrow_mut();
            (inner.worker.take(), std::mem::take(&mut inner.waiting))
        };
        if let Some(started) = started {
            started.worker.terminate();
            // The closures may be running right now: they go after this turn of the event loop.
            gloo::timers::callback::Timeout::new(0, move || drop(started)).forget();
        }
        for (_, done) in waiting {
            done(None);
        }
    }

    fn receive(&self, message: &Array) {
        let seq = message.get(0).as_f64().unwrap_or_default() as u32;
        if seq == 0 {
            if let Some(started) = &mut self.0.borrow_mut().worker {
                started.ready = true;
                for message in started.queue.drain(..) {
                    let _ = started.worker.post_message(&message);
                }
            }
            return;
        }
        let done = {
            let waiting = &mut self.0.borrow_mut().waiting;
            waiting.iter().position(|(asked, _)| *asked == seq).map(|at| waiting.remove(at).1)
        };
        if let (Some(done), Some(answer)) = (done, message.get(1).as_string()) {
            done(Some((answer, message.get(2).as_f64().unwrap_or_default())));
        }
    }
}
