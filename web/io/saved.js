// The dialog Saved: keep the scenario under a name; open, rename, duplicate, delete; what was left behind unsaved.
import { button, count, h } from "./dom.js";
import { put, recent, remove, saved } from "./store.js";

export function savedSheet(host, page) {
  const scenario = JSON.parse(page.scenario());
  const said = h("p", { class: "io-said", role: "status" });
  const lists = h("div", {});
  const name = h("input", { class: "io-name", "aria-label": "Name", maxlength: "120", value: scenario.title || "Untitled", oninput: () => label() });
  const keep = button("Save", () => {}, { class: "btn pri", type: "submit" });
  const form = h("form", { class: "link-row", onsubmit: (event) => {
    event.preventDefault();
    const title = name.value.trim() || "Untitled";
    attempt(() => put(title, { ...scenario, title }, same()?.key), `“${title}” is saved in this browser.`, () => page.act("saved", title));
  } }, name, keep);
  const same = () => saved().find((one) => one.name === name.value.trim());
  const label = () => (keep.textContent = same() ? "Replace" : "Save");

  /** Changes the storage and says how it went. */
  function attempt(work, words, then = () => {}) {
    try {
      work();
      said.className = "io-said quiet";
      said.textContent = words;
      then();
    } catch (error) {
      said.className = "io-said tone-deny io-wrong";
      said.textContent = error.message;
    }
    list();
  }

  function list() {
    label();
    const [mine, left] = [saved(), recent()];
    lists.replaceChildren(
      h("h3", {}, "Saved"),
      mine.length ? h("ul", { class: "io-list" }, mine.map((one) => line(one, true))) : h("p", { class: "quiet" }, "Nothing yet."),
      ...(left.length ? [h("h3", {}, "Left behind"), h("p", { class: "quiet" }, "Kept by itself when something else was opened: the last ten."), h("ul", { class: "io-list" }, left.map((one) => line(one, false)))] : []),
    );
  }

  function line(one, named) {
    const files = Object.keys(one.scenario.files).length;
    const item = h("li", {});
    const show = () => item.replaceChildren(
      h("button", { class: "example", type: "button", onclick: () => page.act("open", JSON.stringify(one.scenario)) },
        h("b", {}, one.name), h("span", {}, `${new Date(one.at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })} · ${count(files, "file")}`)),
      h("div", { class: "chips" },
        named ? small("Rename", rename) : null,
        small(named ? "Duplicate" : "Keep", () => attempt(() => put(named ? free(one.name) : one.name, one.scenario), named ? `“${one.name}” is there twice now.` : `“${one.name}” is saved.`, () => named || remove(one.key))),
        small("Delete", () => {
          remove(one.key);
          item.replaceChildren(h("span", { class: "quiet" }, `“${one.name}” is deleted.`), button("Undo", () => attempt(() => put(one.name, one.scenario, one.key, one.at), `“${one.name}” is back.`)));
          item.querySelector("button").focus();
          label();
        })));
    const small = (text, onclick) => button(text, onclick, { "aria-label": `${text} ${one.name}` });
    const free = (wish) => {
      const names = saved().map((other) => other.name);
      for (let n = 2; ; n++) if (!names.includes(`${wish} (${n})`)) return `${wish} (${n})`;
    };
    function rename() {
      const input = h("input", { class: "io-name", "aria-label": "New name", maxlength: "120", value: one.name });
      const done = (event) => {
        event.preventDefault();
        const title = input.value.trim();
        if (!title || title === one.name) return show();
        attempt(() => put(title, { ...one.scenario, title }, one.key), `It is called “${title}” now.`);
      };
      item.replaceChildren(h("form", { class: "link-row", onsubmit: done }, input, button("Rename", () => {}, { type: "submit" }), button("Leave it", show)));
      input.select();
    }
    show();
    return item;
  }

  host.append(h("p", { class: "quiet" }, "Scenarios are kept in this browser only. What you are working on survives a reload without being saved."), form, said, lists);
  list();
  name.focus();
  name.select();
}
