//! The page: one `State`, one `Action`, one pure `reduce`; components are views of it. The engine runs in a Web Worker.

pub mod worker;
