//! The engine's Web Worker.

fn main() {
    stepgate_web::worker::serve(call);
}

fn call(request: &str) -> String {
    stepgate_engine::api::call(request)
}
