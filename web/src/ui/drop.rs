//! Files dropped on the page, or picked, become files of the scenario; a folder gives all its YAML files.

use gloo::utils::document;
use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;
use yew::prelude::*;

use crate::state::{Action, State};

#[wasm_bindgen(inline_js = "
const wanted = (name) => /\\.(ya?ml|json)$/i.test(name);
async function walk(entry, path, out) {
  if (out.length >= 100) return;
  if (entry.isFile) {
    const file = await new Promise((done, fail) => entry.file(done, fail));
    if (file.size < 4 << 20 && (wanted(file.name) || !path)) out.push([path + file.name, await file.text()]);
  } else if (entry.isDirectory) {
    const reader = entry.createReader();
    for (let batch; (batch = await new Promise((done, fail) => reader.readEntries(done, fail))).length; )
      for (const child of batch) await walk(child, path + entry.name + '/', out);
  }
}
export function listenForDrops(target, over, dropped) {
  const files = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');
  const onover = (event) => { if (files(event)) { event.preventDefault(); over(true); } };
  const onleave = (event) => { if (!event.relatedTarget) over(false); };
  const ondrop = async (event) => {
    if (!files(event)) return;
    event.preventDefault();
    event.stopPropagation();
    over(false);
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const out = [];
    for (const entry of entries) await walk(entry, '', out);
    dropped(out);
  };
  target.addEventListener('dragover', onover, true);
  target.addEventListener('dragleave', onleave, true);
  target.addEventListener('drop', ondrop, true);
}")]
extern "C" {
    #[wasm_bindgen(js_name = listenForDrops)]
    fn listen(target: &JsValue, over: &Function, dropped: &Function);
}

/// Takes what is dropped; true while something hovers over the page.
#[hook]
pub fn use_drops(page: &UseReducerHandle<State>) -> bool {
    let over = use_state(|| false);
    let (page, set) = (page.dispatcher(), over.setter());
    use_effect_with((), move |()| {
        let hover = Closure::<dyn Fn(bool)>::new(move |on| set.set(on));
        let dropped = Closure::<dyn Fn(Array)>::new(move |files: Array| {
            for file in files.iter().map(JsCast::unchecked_into::<Array>) {
                if let (Some(name), Some(text)) = (file.get(0).as_string(), file.get(1).as_string()) {
                    page.dispatch(Action::Put(name, text.into()));
                }
            }
        });
        listen(&document(), hover.as_ref().unchecked_ref(), dropped.as_ref().unchecked_ref());
        // The page lives as long as they do.
        hover.forget();
        dropped.forget();
    });
    *over
}
