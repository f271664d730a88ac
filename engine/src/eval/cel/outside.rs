//! The view of an evaluation as expressions ask it.

use serde_json::Value;

use crate::eval::view;
use crate::expr::cel::outside::{Answer, ApiCall, Outside};
use crate::object::gvk::{Gvk, Gvr};

/// A view that answers expressions.
pub struct Seen<'a>(pub &'a dyn view::View);

impl Outside for Seen<'_> {
    fn now(&self) -> (i64, u32) {
        self.0.now()
    }

    fn get(&self, gvk: &Gvk, namespace: &str, name: &str) -> Option<Value> {
        self.0.get(gvk, namespace, name)
    }

    fn list(&self, gvk: &Gvk, namespace: Option<&str>) -> Vec<Value> {
        self.0.list(gvk, namespace)
    }

    fn resource_of(&self, gvk: &Gvk) -> Option<Gvr> {
        self.0.resource_of(gvk)
    }

    fn kind_of(&self, gvr: &Gvr) -> Option<Gvk> {
        self.0.kind_of(gvr)
    }

    fn api_call(&self, call: &ApiCall) -> Answer {
        let ApiCall { method, url_path, url, data } = call.clone();
        answer(self.0.api_call(&view::ApiCall { method, url_path, url, data }))
    }

    fn global_context(&self, name: &str) -> Answer {
        answer(self.0.global_context(name))
    }

    fn image_data(&self, image: &str) -> Answer {
        answer(self.0.image_data(image))
    }

    fn stand_in(&self) -> bool {
        self.0.stand_in()
    }

    fn image_verified(&self, image: &str, attestor: &Value) -> Answer {
        answer(self.0.image_verified(image, attestor))
    }
}

fn answer(from: view::Answer) -> Answer {
    match from {
        view::Answer::Data(data) => Answer::Data(data),
        view::Answer::Failed(words) => Answer::Failed(words),
        view::Answer::Unavailable => Answer::Unavailable,
    }
}
