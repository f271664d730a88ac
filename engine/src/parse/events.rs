//! YAML events from libyaml (the scanner that Go's yaml.v2 is a port of): the one file with unsafe code.
#![allow(unsafe_code, reason = "libyaml-rs has a C interface; every call into it is in this file")]

use std::ffi::CStr;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use libyaml_rs as sys;

/// A place in the text that is parsed: byte offset, line and column (in code points), all from 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub index: usize,
    pub line: usize,
    pub column: usize,
}

/// What an event is.
#[derive(Debug)]
pub(super) enum Kind {
    StreamStart,
    StreamEnd,
    /// Minor version of a `%YAML 1.x` directive.
    DocumentStart(Option<i32>),
    DocumentEnd,
    Alias(String),
    Scalar {
        value: String,
        plain: bool,
    },
    SequenceStart {
        flow: bool,
    },
    SequenceEnd,
    MappingStart {
        flow: bool,
    },
    MappingEnd,
}

/// One event with its place.
#[derive(Debug)]
pub(super) struct Event {
    pub kind: Kind,
    pub anchor: Option<String>,
    pub tag: Option<String>,
    pub start: Mark,
    pub end: Mark,
}

/// Why a text is no YAML.
#[derive(Debug)]
pub(super) struct Problem {
    /// libyaml's words.
    pub words: String,
    /// What it was doing, or empty.
    pub context: String,
    pub mark: Mark,
    /// The mark is a byte offset only: the text holds a character that YAML does not allow.
    pub offset_only: bool,
}

/// A parser of one text.
///
/// Invariant: the boxed parser is initialised and reads from a slice that outlives it (`'a`); it never moves.
pub(super) struct Parser<'a> {
    raw: Box<MaybeUninit<sys::yaml_parser_t>>,
    text: PhantomData<&'a [u8]>,
}

impl<'a> Parser<'a> {
    /// `None` only when memory runs out.
    pub fn new(text: &'a str) -> Option<Self> {
        let mut raw = Box::new(MaybeUninit::<sys::yaml_parser_t>::uninit());
        // SAFETY: `raw` is valid for writes; initialize fills it before anything reads it.
        let ready = unsafe { sys::yaml_parser_initialize(raw.as_mut_ptr()) };
        if ready.fail {
            return None;
        }
        let mut parser = Self { raw, text: PhantomData };
        let length = u64::try_from(text.len()).ok()?;
        // SAFETY: the parser is initialised; pointer and length are those of a slice that lives for `'a`.
        unsafe {
            sys::yaml_parser_set_encoding(parser.raw.as_mut_ptr(), sys::YAML_UTF8_ENCODING);
            sys::yaml_parser_set_input_string(parser.raw.as_mut_ptr(), text.as_ptr(), length);
        }
        Some(parser)
    }

    /// The next event; not to be called again after an error or the end of the stream.
    pub fn next(&mut self) -> Result<Event, Problem> {
        let mut raw = MaybeUninit::<sys::yaml_event_t>::uninit();
        // SAFETY: the parser is initialised, the event is valid for writes and zeroed first by libyaml.
        let parsed = unsafe { sys::yaml_parser_parse(self.raw.as_mut_ptr(), raw.as_mut_ptr()) };
        if parsed.fail {
            return Err(self.problem());
        }
        // SAFETY: parse succeeded, so the event is initialised and the union member is the one its type names; strings
        // are copied before the event is deleted, and it is deleted once.
        unsafe {
            let event = read_event(raw.assume_init_ref());
            sys::yaml_event_delete(raw.as_mut_ptr());
            Ok(event)
        }
    }

    fn problem(&self) -> Problem {
        // SAFETY: the parser is initialised; problem and context are null or static C strings.
        unsafe {
            let parser = self.raw.assume_init_ref();
            let offset_only = parser.error == sys::YAML_READER_ERROR;
            let mark = if offset_only {
                Mark { index: size(parser.problem_offset), line: 0, column: 0 }
            } else {
                read_mark(&parser.problem_mark)
            };
            let words = |pointer: *const i8| {
                if pointer.is_null() {
                    String::new()
                } else {
                    CStr::from_ptr(pointer.cast()).to_string_lossy().into_owned()
                }
            };
            Problem { words: words(parser.problem), context: words(parser.context), mark, offset_only }
        }
    }
}

impl Drop for Parser<'_> {
    fn drop(&mut self) {
        // SAFETY: initialised in `new` and deleted only here.
        unsafe { sys::yaml_parser_delete(self.raw.as_mut_ptr()) }
    }
}

/// # Safety
/// The event is one that libyaml has just produced.
unsafe fn read_event(raw: &sys::yaml_event_t) -> Event {
    let (mut anchor, mut tag) = (None, None);
    // SAFETY: the caller's promise: the union member that `type_` names is the live one, its pointers are null or point
    // at NUL-terminated strings (scalars: at `length` bytes), all of them UTF-8 as the input was.
    let kind = unsafe {
        match raw.type_ {
            sys::YAML_STREAM_END_EVENT => Kind::StreamEnd,
            sys::YAML_DOCUMENT_START_EVENT => {
                let version = raw.data.document_start.version_directive;
                Kind::DocumentStart(if version.is_null() { None } else { Some((*version).minor) })
            }
            sys::YAML_DOCUMENT_END_EVENT => Kind::DocumentEnd,
            sys::YAML_ALIAS_EVENT => Kind::Alias(text(raw.data.alias.anchor).unwrap_or_default()),
            sys::YAML_SCALAR_EVENT => {
                let scalar = &raw.data.scalar;
                (anchor, tag) = (text(scalar.anchor), text(scalar.tag));
                let bytes = std::slice::from_raw_parts(scalar.value, size(scalar.length));
                let value = String::from_utf8_lossy(bytes).into_owned();
                Kind::Scalar { value, plain: scalar.style == sys::YAML_PLAIN_SCALAR_STYLE }
            }
            sys::YAML_SEQUENCE_START_EVENT => {
                let start = &raw.data.sequence_start;
                (anchor, tag) = (text(start.anchor), text(start.tag));
                Kind::SequenceStart { flow: start.style == sys::YAML_FLOW_SEQUENCE_STYLE }
            }
            sys::YAML_SEQUENCE_END_EVENT => Kind::SequenceEnd,
            sys::YAML_MAPPING_START_EVENT => {
                let start = &raw.data.mapping_start;
                (anchor, tag) = (text(start.anchor), text(start.tag));
                Kind::MappingStart { flow: start.style == sys::YAML_FLOW_MAPPING_STYLE }
            }
            sys::YAML_MAPPING_END_EVENT => Kind::MappingEnd,
            _ => Kind::StreamStart,
        }
    };
    Event { kind, anchor, tag, start: read_mark(&raw.start_mark), end: read_mark(&raw.end_mark) }
}

/// # Safety
/// The pointer is null or at a NUL-terminated string.
unsafe fn text(pointer: *const u8) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { CStr::from_ptr(pointer.cast()) }.to_string_lossy().into_owned())
}

fn read_mark(mark: &sys::yaml_mark_t) -> Mark {
    Mark { index: size(mark.index), line: size(mark.line), column: size(mark.column) }
}

fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
