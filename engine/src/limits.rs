//! Fuel and sizes: what keeps a hostile or looping scenario from running for ever.

/// Bytes of one file that are read; the rest of a larger file is refused with a message.
pub const MAX_FILE_BYTES: usize = 4 << 20;
/// Nesting depth of one document.
pub const MAX_DEPTH: usize = 1000;
/// Nodes that one document may expand to through aliases.
pub const MAX_NODES: usize = 2_000_000;
/// Events of one timeline; a loop of policies that feed each other stops here, and so do more requests than one can read.
pub const MAX_EVENTS: usize = 20_000;
