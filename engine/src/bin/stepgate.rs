//! The command line of Stepgate; see `stepgate --help`.

fn main() -> std::process::ExitCode {
    stepgate_engine::cli::main(std::env::args().skip(1))
}
