// The dialog Share: a link that holds everything, an embed, texts to paste, and files to take away.
import { ask, button, copy, h, messages, save, slug } from "./dom.js";
import { base, pack } from "./link.js";
import { markdown } from "./markdown.js";
import { png, svg } from "./picture.js";
import { write } from "./zip.js";

/** Longer links do not survive in chats and issue trackers. */
const LONG = 8_000;

export function shareSheet(host, page) {
  const scenario = JSON.parse(page.scenario());
  const facts = JSON.parse(page.facts());
  const stem = slug(scenario.title || "");
  const said = h("div", { "aria-live": "polite" });
  const long = h("p", { class: "tone-warn" });
  const link = h("input", { readonly: true, "aria-label": "Link", value: "", onfocus: () => link.select() });
  const here = h("input", { type: "checkbox", checked: true, onchange: () => make() });
  let packed = "";
  async function make() {
    try {
      packed ||= await pack(scenario);
      link.value = `${base()}#${packed}${here.checked && facts.anchor ? `&at=${encodeURIComponent(facts.anchor)}` : ""}`;
      long.textContent = link.value.length > LONG ? `${link.value.length} characters: some sites cut links of this length. Take the file instead.` : "";
    } catch {
      link.value = "This browser cannot compress; a link cannot be made.";
    }
  }
  const made = make();

  /** Does something that may fail, and says what was left out. */
  const act = (work) => async () => {
    said.replaceChildren();
    try {
      const left = await work();
      const list = left?.length && messages("The folder leaves out", left);
      if (list) said.replaceChildren(list);
    } catch (error) {
      said.replaceChildren(h("p", { class: "tone-deny io-wrong", role: "alert" }, error.message));
    }
    if (said.firstChild) said.scrollIntoView({ block: "nearest" });
  };
  const exported = (format) => ask(page, { op: "export", format, scenario, choices: facts.choices });
  const timeline = () => ask(page, { op: "simulate", scenario, choices: facts.choices });
  const text = (format, done) => act(async () => done((await exported(format)).text));
  const folder = (format, name) => act(async () => {
    const { files, leftOut } = await exported(format);
    save(`${stem}-${name}.zip`, "application/zip", write(files));
    return leftOut;
  });
  const story = (slack) => act(async () => {
    await made;
    await copy(page, markdown(scenario, facts, link.value, slack), slack ? "Copied for Slack." : "Markdown copied.");
  });
  const theme = document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const embed = () => {
    const [view, at] = ["editor timeline", facts.anchor ? ` at="${facts.anchor.replaceAll('"', "&quot;")}"` : ""];
    return `<script type="module" src="${new URL("embed.js", base())}"></script>\n<kyverno-playground view="${view}"${at} src="${base()}#${packed}">\n  <a href="${base()}#${packed}">Open in Stepgate</a>\n</kyverno-playground>\n`;
  };
  const take = (name, what, ...buttons) => h("li", {}, h("div", {}, h("b", {}, name), h("span", {}, what)), h("div", { class: "chips" }, buttons));
  const get = (what, onclick, verb = "Download") => button(verb, onclick, { "aria-label": `${verb} ${what}` });

  const copyLink = button("Copy link", async () => {
    await made;
    copy(page, link.value, "Link copied.");
  }, { class: "btn pri" });

  host.append(
    h("p", { class: "quiet" }, "The link holds all files and settings. Nothing is sent anywhere: what comes after # never leaves the browser that opens it."),
    h("div", { class: "link-row" }, link, copyLink),
    h("label", { class: "check" }, here, " land on the current event"), long,
    h("ul", { class: "io-take" },
      take("Markdown", "the files, what was answered, the link", get("Markdown", story(false), "Copy"), get("for Slack", story(true), "For Slack")),
      take("Embed", "two lines for a page of documentation", get("embed", act(async () => {
        await made;
        await copy(page, embed(), "Embed copied.");
      }), "Copy")),
      take("Timeline", "as a picture or a Mermaid diagram",
        get("SVG", act(async () => save(`${stem}.svg`, "image/svg+xml", svg(await timeline()))), "SVG"),
        get("PNG", act(async () => save(`${stem}.png`, "image/png", await png(await timeline(), theme))), "PNG"),
        get("Mermaid", text("mermaid", (diagram) => copy(page, diagram, "Mermaid copied.")), "Mermaid")),
      take("Scenario", "one YAML file: opens here, runs with cargo stepgate run",
        get("Scenario", text("scenario", (yaml) => copy(page, yaml, "Scenario copied.")), "Copy"),
        get("Scenario", text("scenario", (yaml) => save(`${stem}.yaml`, "text/yaml", yaml)))),
      take("All files", "a ZIP of the files and the scenario", get("all files", act(async () => {
        const { text: yaml } = await exported("scenario");
        save(`${stem}.zip`, "application/zip", write({ ...scenario.files, "scenario.yaml": yaml }));
      }))),
      take("kyverno-test.yaml", "a folder for kyverno test: what each rule says today", get("kyverno-test.yaml", folder("kyverno-test", "kyverno-test"))),
      take("Chainsaw test", "a folder for a real cluster: steps, refusals, expectations", get("Chainsaw test", folder("chainsaw", "chainsaw"))),
      take("This browser", "keep it under a name", button("Save…", () => page.act("sheet", "saved")))),
    said,
  );
  copyLink.focus();
}
