// Speaks with the page around an embed by postMessage, protocol version 1; `static/embed.js` is the other side.
//
// In: `{kp: 1, id, call, data}`; out: `{kp: 1, id, reply}` or `{kp: 1, id, error}`, and `{kp: 1, event, data}`. `ready` is
// announced to anyone, without data, until somebody calls; from then on only that origin is heard and told.
import { ask } from "./dom.js";
import { base, pack } from "./link.js";
import { markdown } from "./markdown.js";

const LARGEST = 4 << 20;
let page;
let origin = null;
let began = null;
let known = {};
let timer;

const post = (message) => origin !== null && window.parent.postMessage({ kp: 1, ...message }, origin === "null" ? "*" : origin);
const facts = () => JSON.parse(page.facts());
const scenario = () => JSON.parse(page.scenario());
const link = async () => {
  const { anchor } = facts();
  return `${base()}#${await pack(scenario())}${anchor ? `&at=${encodeURIComponent(anchor)}` : ""}`;
};

const calls = {
  hello: () => ({ version: 1 }),
  async setScenario(given) {
    if (JSON.stringify(given ?? null).length > LARGEST) throw new Error("The scenario is too large.");
    let one = given;
    if (typeof given?.text === "string") {
      const { found, wrong } = await ask(page, { op: "import", files: { [given.name || "policy.yaml"]: given.text } });
      if (!found.length) throw new Error(wrong[0]?.message ?? "nothing here is a scenario");
      one = { ...found[0].scenario, ...(given.view ? { view: { ...found[0].scenario.view, ...given.view } } : {}) };
    }
    began = one;
    page.act("open", JSON.stringify(one));
  },
  reset: () => began && page.act("open", JSON.stringify(began)),
  goTo: (where) => page.act("go", String(where)),
  step: (by) => page.act("go", String(Math.max(0, Math.min(facts().events - 1, facts().index + Number(by || 1))))),
  theme: (name) => page.act("theme", String(name)),
  scenario,
  result: () => facts(),
  shareUrl: link,
  markdown: async () => markdown(scenario(), facts(), await link()),
};

async function hear({ source, origin: from, data }) {
  if (source !== window.parent || source === window || data?.kp !== 1 || !Object.hasOwn(calls, data.call)) return;
  if (origin !== null && origin !== from) return;
  const first = origin === null;
  origin = from;
  try {
    post({ id: data.id, reply: (await calls[data.call](data.data)) ?? null });
  } catch (error) {
    post({ id: data.id, error: String(error.message ?? error) });
  }
  if (first) tell();
}

/** Begins to listen, and announces itself until somebody answers. */
export function connect(given) {
  page = given;
  window.addEventListener("message", hear);
  const announce = (times) => {
    if (origin !== null || times === 0 || window.parent === window) return;
    window.parent.postMessage({ kp: 1, event: "ready" }, "*");
    setTimeout(announce, 250, times - 1);
  };
  announce(80);
}

/** Called after every change; tells what is new. */
export function tell() {
  if (!page) return;
  const now = facts();
  const place = `${now.index}/${now.events}/${now.anchor}`;
  if (now.responses && now.current && known.place !== place) post({ event: "step", data: { index: now.index, anchor: now.anchor, kind: now.kind } });
  if (now.current) known.place = place;
  clearTimeout(timer);
  timer = setTimeout(settle, 150, now);
}

/** What costs more than a moment: the link that leads out, the result, the height. */
async function settle(now) {
  const text = page.scenario();
  if (text !== known.text || now.anchor !== known.anchor) {
    const out = document.getElementById("open-in-stepgate");
    if (out) out.href = await link();
    known.anchor = now.anchor;
  }
  if (text !== known.text) post({ event: "change", data: { files: scenario().files, dirty: now.edited } });
  known.text = text;
  const result = JSON.stringify([now.responses, now.pills]);
  if (now.responses && now.current && result !== known.result) {
    known.result = result;
    post({ event: "result", data: { outcome: now.pills, sentence: now.sentence, responses: now.responses } });
  }
  const height = wanted();
  if (height !== known.height) post({ event: "resize", data: { height } });
  known.height = height;
}

/** The height at which nothing need scroll, within reason. */
function wanted() {
  const seen = (selector) => [...document.querySelectorAll(selector)].filter((node) => node.offsetParent);
  const content = (selector) => Math.max(0, ...seen(selector).map((node) => node.scrollHeight));
  const head = content("header") + content(".tabs") + 8;
  const right = content(".outcome") + content(".rows") + content(".heads") + content(".bar") + content(".insp");
  const left = content(".cm-content") + 16;
  const stacked = matchMedia("(max-width: 900px)").matches;
  return Math.round(Math.min(1000, Math.max(260, head + (stacked ? left + right : Math.max(left, right)))));
}
