//! The few lines of JavaScript that bindings cannot say (`web/page.js`), and the editor's module.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

#[wasm_bindgen(js_namespace = stepgate)]
extern "C" {
    /// Loads a module.
    #[wasm_bindgen(catch)]
    pub async fn load(url: &str) -> Result<JsValue, JsValue>;
    /// Keeps the page for when there is no network.
    pub fn keep();
    /// What is dropped or pasted on `target`: `over(bool)` while files hover, `brought(what)` then.
    pub fn listen(target: &JsValue, over: &Function, brought: &Function);
    /// The text in base64url of raw deflate, of at most `limit` bytes.
    #[wasm_bindgen(catch)]
    pub async fn unpack(packed: &str, limit: u32) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// The module `web/editor/editor.js`.
    pub type EditorModule;
    /// An editor in an element.
    #[wasm_bindgen(method)]
    pub fn create(this: &EditorModule, parent: &HtmlElement, on: &JsValue) -> Editor;
    /// A read-only view of a change.
    #[wasm_bindgen(method)]
    pub fn diff(this: &EditorModule, parent: &HtmlElement, before: &str, after: &str) -> Diff;

    /// The editor.
    pub type Editor;
    /// Shows a file.
    #[wasm_bindgen(method)]
    pub fn show(this: &Editor, id: u32, epoch: u32, name: &str, text: &str, anew: bool);
    /// Underlines.
    #[wasm_bindgen(method, js_name = setDiagnostics)]
    pub fn set_diagnostics(this: &Editor, list: &JsValue);
    /// Gutter.
    #[wasm_bindgen(method, js_name = setMarks)]
    pub fn set_marks(this: &Editor, list: &JsValue);
    /// The line of the current event.
    #[wasm_bindgen(method, js_name = setNow)]
    pub fn set_now(this: &Editor, now: &JsValue, reveal: bool);
    /// Puts the caret on a line.
    #[wasm_bindgen(method, js_name = goTo)]
    pub fn go_to(this: &Editor, line: usize);
    /// The line of a JSON pointer in the document around a byte; 0 when it is not there.
    #[wasm_bindgen(method, js_name = lineOf)]
    pub fn line_of(this: &Editor, start: usize, pointer: &str) -> usize;
    /// Formats the shown file.
    #[wasm_bindgen(method)]
    pub fn format(this: &Editor);
    /// Takes itself away.
    #[wasm_bindgen(method)]
    pub fn destroy(this: &Editor);

    /// The module `web/io/io.js`.
    pub type IoModule;
    /// Draws a dialog's contents.
    #[wasm_bindgen(method)]
    pub fn draw(this: &IoModule, which: &str, host: &HtmlElement, page: &JsValue);
    /// Takes what was dropped, pasted or named by the address.
    #[wasm_bindgen(method, catch)]
    pub async fn bring(this: &IoModule, brought: &JsValue, page: &JsValue) -> Result<(), JsValue>;

    /// The module `web/io/frame.js`.
    pub type FrameModule;
    /// Answers the page around this one; `connect` once, `tell` after every change.
    #[wasm_bindgen(method)]
    pub fn connect(this: &FrameModule, page: &JsValue);
    /// Tells the page around this one what has changed.
    #[wasm_bindgen(method)]
    pub fn tell(this: &FrameModule);

    /// The view of a change.
    pub type Diff;
    /// Takes itself away.
    #[wasm_bindgen(method, js_name = destroy)]
    pub fn remove(this: &Diff);
}
