//! Mounts the page.

fn main() {
    stepgate_web::mount();
}
