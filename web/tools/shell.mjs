// The page before any of its programs is there: the same frame, the story's title and first file, the engine said to be starting.
// Made from the first gallery entry; the program takes its place element for element (`web/e2e/budget.test.mjs` compares the two).
import { readFileSync } from "node:fs";

const escape = (text) => text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** A word that the page says too. */
const words = readFileSync(new URL("../src/words.rs", import.meta.url), "utf8");
const word = (name) => escape(words.match(new RegExp(`const ${name}: &str = "(.*)";`))[1]);

const button = (text, classes = "btn") => `<button class="${classes}" aria-disabled="true" tabindex="-1">${text}</button>`;
const off = (text, classes = "") => `<button class="${classes}" disabled>${text}</button>`;

const LOGO =
  '<svg width="20" height="20" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.8" aria-hidden="true"><path d="M3 17V6M8 17V6M13 17V3M18 17V3M1.5 17h17"></path></svg>';

/** What stands in the page's body; what belongs to the story alone is marked `data-story`. */
export function shell(scenario) {
  const [first, text] = Object.entries(scenario.files)[0];
  const kinds = Object.values(scenario.files).flatMap((file) => [...file.matchAll(/^kind:\s*(\S+)/gm)].map((found) => found[1]));
  const policies = kinds.filter((kind) => kind.endsWith("Policy") && kind !== "NetworkPolicy").length;
  const tabs = Object.keys(scenario.files).map((name) =>
    name === first
      ? `<span class="tab on">${button(escape(name), "name")}${button("×", "close")}</span>`
      : `<span class="tab">${button(escape(name), "name")}</span>`,
  );
  return `<header>
<span class="logo">${LOGO}<span class="name">${word("NAME")}</span></span><h1 class="title">${escape(scenario.title)}</h1><span class="grow"></span>
<span class="btn profile"><span>Kyverno</span><select disabled aria-label="Kyverno version"><option>${scenario.kyverno ?? "1.19"}</option></select></span>
${button("Examples")}${button("Open")}${button("Saved", "btn wide-only")}${button("?", "btn icon wide-only")}${button("◐", "btn icon")}${button("Share", "btn pri")}
</header>
<main data-pane="timeline" aria-busy="true">
<section class="left" aria-label="Files">
<div class="tabs"><div class="tablist" data-story>${tabs.join("")}</div>${button("steps", "tab side")}${button("inputs", "tab side")}${button("+", "tab add")}</div>
<div class="code"><textarea class="plain" aria-label="${escape(first)}" spellcheck="false" readonly data-story>
${escape(text)}</textarea></div>
<div class="foot"><span class="wide-only" data-story>${count(policies, "policy", "policies")} · ${count(kinds.length - policies, "resource", "resources")}</span><span>no problems</span><span class="grow"></span><span>engine loads…</span></div>
</section>
<div class="splitter vertical"></div>
<section class="right" aria-label="Timeline">
<div class="outcome"></div>
<div class="seq empty"><p role="status">${word("STARTING")}</p></div>
<div class="bar"><span class="tr">${off("|◀")}${off("◀")}${off("▶", "on")}${off("▶\ufe0e")}${off("▶|")}</span><div class="scrub" style="--at:0.000%"><input type="range" aria-label="Event" min="0" max="0" disabled></div><span class="where">event <b>0</b> of 0</span>${["denial", "change"].map((what) => off(`<kbd>${what[0]}</kbd> ${what} 0`, "hop")).join("")}</div>
<div class="splitter horizontal"></div>
<section class="insp" aria-label="Inspector"><div class="it">${["Why", "Change", "Cluster", "Logs", "Report", "Advice"].map((name, i) => `<button tabindex="-1" aria-disabled="true"${i ? "" : ' class="on"'}>${name}</button>`).join("")}</div><div class="view"></div></section>
</section>
</main>
<nav class="panes" aria-label="Panes">${["Files", "Timeline", "Why"].map((name) => `<button tabindex="-1" aria-disabled="true"${name === "Timeline" ? ' aria-current="page"' : ""}>${name}</button>`).join("")}</nav>
<script>
  // Before the first paint: what a link or the last visit brings is not the story, and within another page the frame is another.
  (() => {
    const stored = () => { try { return sessionStorage.getItem("stepgate.work.v2") ?? localStorage.getItem("stepgate.work.v2"); } catch {} };
    const all = (selector) => document.body.querySelectorAll(selector);
    if (/[#&]view=embed/.test(location.hash) || location.search.startsWith("?embed")) return document.body.replaceChildren();
    const theme = document.documentElement.dataset.theme;
    if (theme) all("header .icon")[1].textContent = theme === "dark" ? "●" : "○";
    if (location.hash.length < 2 && !stored()) return;
    for (const part of all("[data-story]")) part.replaceChildren();
    for (const part of all("h1")) part.textContent = "${word("OPENING")}";
  })();
</script>`;
}

/** The story itself, for the program to open. */
export const story = (scenario) => `<script type="application/json" id="story">${JSON.stringify(scenario).replaceAll("<", "\\u003c")}</script>`;
