//! The few lines of JavaScript that bindings cannot say (`web/page.js`), and the editor's module.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

#[wasm_bindgen(js_namespace = stepgate)]
extern "C" {
    /// Loads a module.
    #[wasm_bindgen(catch)]
    pub async fn load(url: &str) -> Result<JsValue, JsValue>;
    /// Raw deflate.
    #[wasm_bindgen(catch)]
    pub async fn deflate(bytes: &[u8]) -> Result<JsValue, JsValue>;
    /// Files and folders dropped on `target`: `over(bool)` while they hover, `dropped([[name, text], …])` then.
    #[wasm_bindgen(js_name = listenForDrops)]
    pub fn listen_for_drops(target: &JsValue, over: &Function, dropped: &Function);
    /// Raw inflate of at most `limit` bytes.
    #[wasm_bindgen(catch)]
    pub async fn inflate(bytes: &[u8], limit: u32) -> Result<JsValue, JsValue>;
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
    pub fn show(this: &Editor, id: u32, epoch: u32, name: &str, text: &str);
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
    /// Takes itself away.
    #[wasm_bindgen(method)]
    pub fn destroy(this: &Editor);

    /// The view of a change.
    pub type Diff;
    /// Takes itself away.
    #[wasm_bindgen(method, js_name = destroy)]
    pub fn remove(this: &Diff);
}
