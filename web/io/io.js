// What comes into the page and what goes out: the dialogs Open, Saved and Share. Loaded when first needed; `ui/sheet.rs` calls it.
//
// `page` has what the dialogs need of it: `scenario()` and `facts()` as JSON, `ask(request)`, which resolves to the engine's
// answer, and `act(kind, data)`, which makes the page do something.
import { gather } from "./gather.js";
import { importSheet, receive } from "./import.js";
import { savedSheet } from "./saved.js";
import { shareSheet } from "./share.js";
import css from "./io.css";

let styled = false;

/** Draws a dialog's contents into `host`. */
export function draw(which, host, page) {
  if (!styled) document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  styled = true;
  ({ import: importSheet, saved: savedSheet, share: shareSheet })[which](host, page);
}

/** Takes what was dropped, pasted or named by the address: `{text}`, `{entries}` or `{files}`; `direct` opens it at once. */
export async function bring(brought, page) {
  await receive(await gather(brought), page, brought.direct ?? false);
}
