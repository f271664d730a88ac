//! The engine behind one message: a request of the engine's door in, its answer out.

use gloo::worker::{HandlerId, Worker, WorkerScope};
use serde::{Deserialize, Serialize};

/// A request, as JSON, with the number that its answer will carry.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Rises with every request of the page.
    pub seq: u32,
    /// What `stepgate_engine::api::call` takes.
    pub request: String,
}

/// The answer to the [`Job`] of the same number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The number of the job.
    pub seq: u32,
    /// What `stepgate_engine::api::call` gave.
    pub answer: String,
    /// How long the engine took, in milliseconds.
    pub millis: f64,
}

/// The worker.
pub struct Engine;

impl Worker for Engine {
    type Message = ();
    type Input = Job;
    type Output = Answer;

    fn create(_scope: &WorkerScope<Self>) -> Self {
        Self
    }

    fn update(&mut self, _scope: &WorkerScope<Self>, _msg: Self::Message) {}

    fn received(&mut self, scope: &WorkerScope<Self>, job: Self::Input, id: HandlerId) {
        let began = js_sys::Date::now();
        let answer = call(&job.request);
        scope.respond(id, Answer { seq: job.seq, answer, millis: js_sys::Date::now() - began });
    }
}

fn call(_request: &str) -> String {
    include_str!("fixture.json").to_owned()
}
