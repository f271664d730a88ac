// The dialog Open: paste, files, a folder, a ZIP, an address; what was found, what could not be carried over, and what to do with it.
import { ask, button, count, h, messages } from "./dom.js";
import { address, fetchFile, gather } from "./gather.js";

/** What was brought before the dialog was there. */
let waiting = null;

/** Takes gathered files: bare manifests that were dropped become files of the scenario; anything else opens the dialog. */
export async function receive(gathered, page, direct) {
  const link = ownLink(Object.values(gathered.files));
  if (link) return void (location.hash = link);
  const found = await look(gathered, page).catch((error) => ({ found: [], wrong: [{ message: error.message }], skipped: [] }));
  const { found: [only], wrong, skipped } = found;
  const said = wrong.length + skipped.length + (only?.leftOut.length ?? 0);
  if (found.found.length === 1 && direct) {
    page.act("follow", JSON.stringify(only.scenario));
    if (said) show(page, { ...found, opened: true });
  } else if (found.found.length === 1 && !said && only.from === "YAML" && gathered.dropped) {
    add(page, only);
  } else {
    show(page, found);
  }
}

function show(page, found) {
  waiting = found;
  page.act("sheet", "import");
  window.dispatchEvent(new CustomEvent("stepgate-brought"));
}

/** What the engine makes of the files. */
async function look({ files, skipped }, page) {
  if (!Object.keys(files).length) return { found: [], wrong: [], skipped };
  return { ...(await ask(page, { op: "import", files })), skipped };
}

/** The part after # of a link of our own that is the only thing in a text. */
function ownLink(texts) {
  const text = texts.length === 1 ? texts[0].trim() : "";
  return /^\S*#(z1\.|ex=)\S+$/.test(text) ? text.slice(text.indexOf("#")) : null;
}

function open(page, one) {
  page.act("open", JSON.stringify(one.scenario));
}

function add(page, one) {
  page.act("put", JSON.stringify(Object.entries(one.scenario.files)));
}

export function importSheet(host, page) {
  const result = h("div", { class: "io-result", "aria-live": "polite" });
  const area = h("textarea", {
    class: "io-paste", rows: "5", spellcheck: "false", "aria-label": "Paste here",
    placeholder: "YAML, a playground link, the address of a file on GitHub",
    oninput: () => offer(),
  });
  const go = h("div", { class: "chips" });
  const pick = (props) => {
    const input = h("input", { type: "file", class: "unseen", tabindex: "-1", "aria-hidden": "true", ...props, onchange: async () => take(await gather({ files: [...input.files] })) });
    return input;
  };
  const files = pick({ multiple: true, accept: ".yaml,.yml,.json,.zip,.txt,.md" });
  const folder = pick({ webkitdirectory: true });

  async function take(gathered) {
    const link = ownLink(Object.values(gathered.files));
    if (link) {
      page.act("close", "");
      return void (location.hash = link);
    }
    result.replaceChildren(h("p", { class: "quiet" }, "Reading…"));
    try {
      outcome(await look(gathered, page));
    } catch (error) {
      failed(error.message);
    }
  }
  const failed = (words) => result.replaceChildren(h("p", { class: "tone-deny io-wrong", role: "alert" }, words));

  function offer() {
    const where = address(area.value);
    result.replaceChildren();
    if (!area.value.trim()) go.replaceChildren();
    else if (where?.why) go.replaceChildren(h("p", { class: "tone-warn" }, where.why));
    else if (where) {
      go.replaceChildren(
        button(`Fetch from ${where.host}`, async () => {
          result.replaceChildren(h("p", { class: "quiet" }, "Fetching…"));
          try {
            await take(await fetchFile(where));
          } catch (error) {
            failed(error.message);
          }
        }, { class: "btn pri" }),
        h("span", { class: "quiet" }, "This asks GitHub for the file. Nothing of yours is sent."),
      );
    } else go.replaceChildren(button("Read", async () => take(await gather({ text: area.value })), { class: "btn pri" }));
  }

  function outcome({ found, wrong, skipped, opened }) {
    const nothing = !found.length && !wrong.length && !skipped.length;
    result.replaceChildren(
      ...[
        opened ? h("p", {}, "Opened. Not everything could be carried over:") : null,
        ...found.map((one) => card(one, found.length, opened)),
        messages(found.length ? "Could not be read" : "This cannot be opened", [...wrong, ...skipped]),
        nothing ? h("p", { class: "tone-warn" }, "There is no file here that can be read.") : null,
      ].filter(Boolean),
    );
    result.scrollIntoView?.({ block: "nearest" });
    result.querySelector("button")?.focus();
  }

  function card(one, all, opened = false) {
    const { scenario } = one;
    const names = Object.keys(scenario.files);
    const title = scenario.title || names[0] || "Untitled";
    const what = [one.from, count(names.length, "file"), scenario.steps?.length ? count(scenario.steps.length, "step") : null].filter(Boolean).join(" · ");
    return h("div", { class: "io-card" },
      h("div", { class: "io-head" }, h("b", {}, title), h("span", { class: "quiet" }, what)),
      messages("Not carried over", one.leftOut),
      opened ? button("All right", () => page.act("close", "")) : h("div", { class: "chips" },
        button(all > 1 ? `Open “${title}”` : "Open", () => open(page, one), { class: "btn pri" }),
        one.from === "YAML" ? button("Add to this scenario", () => add(page, one)) : null));
  }

  host.append(
    h("p", { class: "quiet io-lead" }, "Policies and resources, links and exports of the official playground, kyverno-test.yaml and Chainsaw folders, ZIP archives. What you have open is kept under ", h("button", { class: "link", type: "button", onclick: () => page.act("sheet", "saved") }, "Saved"), "."),
    area, go,
    h("div", { class: "chips io-pick" }, button("Choose files", () => files.click()), button("Choose a folder", () => folder.click()), h("span", { class: "quiet wide-only" }, "or drop them anywhere on the page"), files, folder),
    result,
  );
  const shown = () => {
    if (!host.isConnected) return window.removeEventListener("stepgate-brought", shown);
    if (waiting) outcome(waiting);
    waiting = null;
  };
  window.addEventListener("stepgate-brought", shown);
  if (waiting) shown();
  else area.focus();
}
