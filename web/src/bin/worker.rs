//! The engine's Web Worker.

fn main() {
    stepgate_web::worker::serve(call);
}

fn call(_request: &str) -> String {
    include_str!("../fixture.json").to_owned()
}
