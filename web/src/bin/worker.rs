//! The engine's Web Worker.

use gloo::worker::Registrable;

fn main() {
    stepgate_web::worker::Engine::registrar().register();
}
