// The few lines that stand in for a framework in the lazily loaded dialogs.

/** An element: `h("button", { class: "btn", onclick }, "Open")`. */
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

/** A button. */
export const button = (text, onclick, props = {}) => h("button", { class: "btn", type: "button", onclick, ...props }, text);

/** Asks the engine; what it refuses is an error with its words. */
export async function ask(page, request) {
  const answer = await page.ask(JSON.stringify(request));
  if (answer == null) throw new Error("The engine was stopped.");
  const value = JSON.parse(answer);
  if (value.error) throw new Error(value.error);
  return value;
}

/** `1 file`, `2 files`. */
export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** Copies a text and says so. */
export async function copy(page, text, said) {
  try {
    await navigator.clipboard.writeText(text);
    page.act("toast", said);
  } catch {
    page.act("toast", "The browser did not let the page copy.");
  }
}

/** Lets the browser save a file. */
export function save(name, type, data) {
  const url = URL.createObjectURL(new Blob([data], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A list of messages `{message, file, hint}`. */
export const messages = (title, list) =>
  list.length > 0 &&
  h("div", { class: "io-left" }, h("h3", {}, title), h("ul", {}, list.map((one) =>
    h("li", {}, one.file ? h("code", {}, one.file) : null, one.file ? " " : null, one.message, one.hint ? h("span", { class: "quiet io-hint" }, one.hint) : null))));

/** A name for a file: lower case, no blanks. */
export const slug = (title) => title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60) || "scenario";
