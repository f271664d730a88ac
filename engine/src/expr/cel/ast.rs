//! The expression tree that is checked and evaluated: calls resolved to functions, macros kept whole.

use std::sync::Arc;

use super::lib::LibFn;
use super::value::Val;

/// A node of an expression.
#[derive(Clone, Debug)]
pub struct Node {
    /// The parser's number of the node; [`super::place`] turns it into a place in the text.
    pub id: u64,
    /// What it is.
    pub expr: Expr,
}

/// What a node does.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A literal.
    Const(Val),
    /// A variable or a type name.
    Ident(Arc<str>),
    /// `a.b`, `has(a.b)` or `a.?b`.
    Select {
        /// What is selected from.
        operand: Box<Node>,
        /// The field.
        field: Arc<str>,
        /// Which of the three it is.
        kind: Select,
    },
    /// `a[b]` or `a[?b]`.
    Index {
        /// The list or map.
        operand: Box<Node>,
        /// The index or key.
        index: Box<Node>,
        /// `[?b]`.
        optional: bool,
    },
    /// `!a`.
    Not(Box<Node>),
    /// `-a`.
    Negate(Box<Node>),
    /// `a && b`.
    And(Box<Node>, Box<Node>),
    /// `a || b`.
    Or(Box<Node>, Box<Node>),
    /// `a ? b : c`.
    Conditional(Box<[Node; 3]>),
    /// An arithmetic or comparison operator, or `in`.
    Binary(Op, Box<Node>, Box<Node>),
    /// A function; the receiver of a member call is the first argument.
    Call(Box<Call>),
    /// `[a, ?b]`: the items, each with its `?`.
    List(Vec<(Node, bool)>),
    /// `{a: b, ?c: d}`.
    Map(Vec<(Node, Node, bool)>),
    /// `Object{a: b}`.
    Struct {
        /// Type name.
        type_name: Arc<str>,
        /// The parser's number of the field, name, value, `?`.
        fields: Vec<(u64, Arc<str>, Node, bool)>,
    },
    /// A comprehension macro.
    Fold(Box<Fold>),
    /// `cel.bind(name, value, body)`.
    Bind(Arc<str>, Box<[Node; 2]>),
    /// An expression that does not compile: it fails with these words.
    Broken(Arc<str>),
    /// `target.optMap(name, body)`, `target.optFlatMap(name, body)` (true).
    OptMap(Arc<str>, Box<[Node; 2]>, bool),
}

/// The kinds of field selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// `a.b`.
    Plain,
    /// `has(a.b)`.
    Test,
    /// `a.?b`.
    Optional,
}

/// Binary operators that evaluate both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `==`
    Equals,
    /// `!=`
    NotEquals,
    /// `<`
    Less,
    /// `<=`
    LessEquals,
    /// `>`
    Greater,
    /// `>=`
    GreaterEquals,
    /// `in`
    In,
}

impl Op {
    const ALL: [(Self, &'static str, &'static str); 12] = [
        (Self::Add, "_+_", "+"),
        (Self::Subtract, "_-_", "-"),
        (Self::Multiply, "_*_", "*"),
        (Self::Divide, "_/_", "/"),
        (Self::Modulo, "_%_", "%"),
        (Self::Equals, "_==_", "=="),
        (Self::NotEquals, "_!=_", "!="),
        (Self::Less, "_<_", "<"),
        (Self::LessEquals, "_<=_", "<="),
        (Self::Greater, "_>_", ">"),
        (Self::GreaterEquals, "_>=_", ">="),
        (Self::In, "@in", "in"),
    ];

    /// From the parser's function name.
    #[must_use]
    pub fn of(function: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name, _)| *name == function).map(|(op, ..)| *op)
    }

    /// The function name, for messages.
    #[must_use]
    pub fn function(self) -> &'static str {
        Self::ALL.iter().find(|(op, ..)| *op == self).map_or("", |(_, name, _)| name)
    }

    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        Self::ALL.iter().find(|(op, ..)| *op == self).map_or("", |(.., symbol)| symbol)
    }
}

/// A call of a library function.
#[derive(Clone, Debug)]
pub struct Call {
    /// The full name, `math.greatest` or `split`.
    pub name: Arc<str>,
    /// Whether the first argument is a receiver.
    pub member: bool,
    /// The libraries that declare the name; the first that accepts the arguments answers. Empty: undeclared.
    pub libs: Vec<LibFn>,
    /// Receiver (of a member call) and arguments.
    pub args: Vec<Node>,
}

/// A comprehension macro.
#[derive(Clone, Debug)]
pub struct Fold {
    /// Which.
    pub kind: FoldKind,
    /// The list or map.
    pub range: Node,
    /// First variable: the element, or with a second one the index or key.
    pub var: Arc<str>,
    /// Second variable: the element or value.
    pub var2: Option<Arc<str>>,
    /// The condition of `map(x, filter, f)` and of the transform macros.
    pub filter: Option<Node>,
    /// The predicate or transformation.
    pub body: Node,
}

/// The comprehension macros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldKind {
    /// `all`.
    All,
    /// `exists`.
    Exists,
    /// `exists_one`, `existsOne`.
    ExistsOne,
    /// `map`.
    Map,
    /// `filter`.
    Filter,
    /// `transformList`.
    TransformList,
    /// `transformMap`.
    TransformMap,
    /// `transformMapEntry`.
    TransformMapEntry,
    /// `sortBy`: the body is the key of an element.
    SortBy,
}

impl FoldKind {
    /// The macro's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Map => "map",
            Self::Filter => "filter",
            Self::TransformList => "transformList",
            Self::TransformMap => "transformMap",
            Self::TransformMapEntry => "transformMapEntry",
            Self::SortBy => "sortBy",
        }
    }
}
