// Defines <kyverno-playground>: a Kyverno scenario that one can step through and edit, within a page of documentation.
//
// Its content is what readers see first, without JavaScript, in print and in feeds; near the viewport a frame takes its place.
// Files: <template name="policy.yaml">…</template>, attribute `for` (a selector of code blocks), `scenario` (JSON) or `src` (a
// scenario, a policy, or a link of Stepgate). Attributes: view, at, theme, kyverno, loading=lazy|eager|click, height=auto|<css>, host.
// Methods (promises): goTo, step, reset, shareUrl, markdown. Events: ready, change, result, step, error.

const HOST = new URL(".", import.meta.url).href;
const PATIENCE = 30_000;
const STYLE = `:host{display:block;margin:1em 0}:host([hidden]){display:none}[hidden]{display:none!important}
iframe{display:block;width:100%;border:1px solid color-mix(in srgb,currentColor 18%,transparent);border-radius:var(--kp-radius,10px);background:var(--kp-bg,transparent)}
button{font:inherit;margin-top:.5em;padding:.35em .9em;border-radius:7px;border:1px solid currentColor;background:none;color:inherit;cursor:pointer}`;

const dedent = (text) => {
  const lines = text.replace(/^\s*\n/, "").trimEnd().split("\n");
  const indent = Math.min(...lines.filter((line) => line.trim()).map((line) => line.match(/^ */)[0].length));
  return `${lines.map((line) => line.slice(indent)).join("\n")}\n`;
};

class Playground extends HTMLElement {
  static observedAttributes = ["at", "theme", "src", "scenario", "height"];
  #frame = null;
  #given = null;
  #last = {};
  #calls = new Map();
  #observer = null;
  #count = 0;
  #state = "idle";
  #fallback;
  #open;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${STYLE}</style><div part="fallback"><slot></slot><slot name="fallback"></slot></div>`;
    this.#fallback = root.lastElementChild;
  }

  connectedCallback() {
    window.addEventListener("message", this);
    const loading = this.getAttribute("loading") ?? "lazy";
    if (loading === "eager") this.#load();
    else if (loading === "click") this.#offer();
    else {
      this.#observer = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.#load(), { rootMargin: "150px" });
      this.#observer.observe(this);
    }
  }

  disconnectedCallback() {
    window.removeEventListener("message", this);
    this.#observer?.disconnect();
    this.#frame?.remove();
    this.#frame = null;
    for (const { fail } of this.#calls.values()) fail(new Error("The playground was taken off the page."));
    this.#calls.clear();
    this.#show(false);
    this.#state = "idle";
  }

  attributeChangedCallback(name, old, value) {
    if (this.#state !== "ready" || old === value) return;
    if (name === "at") this.goTo(value).catch(() => {});
    else if (name === "theme") this.#call("theme", value).catch(() => {});
    else if (name === "height") this.#resize();
    else this.#send();
  }

  /** idle, loading, ready or failed. */
  get state() {
    return this.#state;
  }

  /** The scenario as it was given, with what was typed since. */
  get scenario() {
    return this.#last.change ? { ...this.#given, files: this.#last.change.files } : this.#given;
  }

  set scenario(value) {
    this.#given = value;
    if (this.#state === "ready") this.#call("setScenario", value).catch((error) => this.#fail(error));
    else this.#load();
  }

  /** What came of the last run: `{outcome, sentence, responses}`. */
  get result() {
    return this.#last.result ?? null;
  }

  /** Where one stands: `{index, anchor, kind}`. */
  get at() {
    return this.#last.step ?? null;
  }

  goTo(where) {
    return this.#call("goTo", where);
  }

  step(by = 1) {
    return this.#call("step", by);
  }

  reset() {
    return this.#call("reset");
  }

  shareUrl() {
    return this.#call("shareUrl");
  }

  markdown() {
    return this.#call("markdown");
  }

  get #host() {
    const host = new URL(this.getAttribute("host") ?? HOST, document.baseURI).href;
    return host.endsWith("/") || host.endsWith(".html") ? host : `${host}/`;
  }

  #offer() {
    this.#open = Object.assign(document.createElement("button"), { textContent: "Try it" });
    this.#open.part = "open";
    this.#open.onclick = () => {
      this.#open.remove();
      this.#load();
    };
    this.shadowRoot.append(this.#open);
  }

  #load() {
    if (this.#frame) return;
    this.#observer?.disconnect();
    this.#open?.remove();
    this.#state = "loading";
    const frame = document.createElement("iframe");
    // A link of Stepgate is the frame's own address; anything else is sent once the frame is ready.
    const link = this.#link();
    const options = ["view=embed"];
    for (const name of ["theme", "at"]) if (this.getAttribute(name)) options.push(`${name}=${encodeURIComponent(this.getAttribute(name))}`);
    if (this.getAttribute("view")) options.push(`panes=${encodeURIComponent(this.#panes().join(","))}`);
    frame.src = `${this.#host}#${[...(link ? [link] : []), ...options].join("&")}`;
    frame.title = this.title || "Kyverno playground";
    frame.part = "frame";
    frame.allow = "clipboard-write";
    // Not `display: none`: the frame must have a size to lay out its content.
    frame.style.cssText = "height:0;border:0;visibility:hidden";
    this.#frame = frame;
    this.shadowRoot.append(frame);
    setTimeout(() => this.#state === "loading" && this.#fail(new Error("The playground does not answer.")), PATIENCE);
  }

  #link() {
    const hash = this.getAttribute("src")?.match(/#((z1\.|ex=)[^&]+)/);
    return hash && !this.#given ? hash[1] : null;
  }

  #panes() {
    return (this.getAttribute("view") ?? "").split(/[\s,]+/).filter(Boolean);
  }

  /** What the element says about its scenario. */
  async #scenario() {
    const view = { ...(this.#panes().length ? { panes: this.#panes() } : {}), ...(this.getAttribute("at") ? { at: this.getAttribute("at") } : {}) };
    const src = this.getAttribute("src");
    if (this.#given) return this.#given;
    if (this.getAttribute("scenario")) {
      const given = JSON.parse(this.getAttribute("scenario"));
      return { ...given, view: { ...given.view, ...view } };
    }
    if (src) {
      const response = await fetch(src);
      if (!response.ok) throw new Error(`${src} answers ${response.status}.`);
      return { text: await response.text(), name: src.split(/[?#]/)[0].split("/").at(-1), view };
    }
    const files = {};
    for (const template of this.querySelectorAll("template[name]")) files[template.getAttribute("name")] = dedent(template.content.textContent);
    for (const [n, block] of this.#blocks().entries()) files[block.dataset.file ?? (n ? `file-${n + 1}.yaml` : "policy.yaml")] = dedent(block.textContent);
    if (!Object.keys(files).length) throw new Error("<kyverno-playground> has neither templates nor `src`, `scenario` or `for`.");
    return { apiVersion: "stepgate.dev/v1", kind: "Scenario", title: this.title || document.title, kyverno: this.getAttribute("kyverno") ?? "", files, view };
  }

  #blocks() {
    return this.getAttribute("for") ? [...document.querySelectorAll(this.getAttribute("for"))] : [];
  }

  async #send() {
    try {
      if (!this.#link()) await this.#call("setScenario", (this.#given = await this.#scenario()));
      this.#given = null;
    } catch (error) {
      this.#fail(error);
    }
  }

  handleEvent({ source, origin, data }) {
    if (!this.#frame || source !== this.#frame.contentWindow || origin !== new URL(this.#host).origin || data?.kp !== 1) return;
    const call = this.#calls.get(data.id);
    if (call && ("reply" in data || "error" in data)) {
      this.#calls.delete(data.id);
      if ("error" in data) call.fail(new Error(data.error));
      else call.done(data.reply);
    } else if (data.event === "ready") this.#begin();
    else if (data.event === "resize") {
      this.#last.height = Number(data.data?.height) || 0;
      this.#resize();
    } else if (["change", "result", "step"].includes(data.event)) {
      this.#last[data.event] = data.data;
      this.#tell(data.event, data.data);
    }
  }

  async #begin() {
    if (this.#state !== "loading") return;
    this.#state = "ready";
    try {
      await this.#call("hello");
      const given = this.#link() ? null : await this.#scenario();
      if (given) await this.#call("setScenario", given);
      this.#given = given;
      this.#show(true);
      this.#tell("ready", {});
    } catch (error) {
      this.#fail(error);
    }
  }

  #show(on) {
    this.#fallback.hidden = on;
    for (const block of this.#blocks()) block.hidden = on;
    if (on && this.#frame) this.#frame.style.cssText = "";
    this.#resize();
  }

  #resize() {
    if (!this.#frame || !this.#fallback.hidden) return;
    const height = this.getAttribute("height") ?? "auto";
    this.#frame.style.height = height === "auto" ? `${this.#last.height || 420}px` : height;
  }

  #call(name, data) {
    if (!this.#frame || this.#state !== "ready") return Promise.reject(new Error(`The playground is ${this.#state}.`));
    const id = ++this.#count;
    return new Promise((done, fail) => {
      this.#calls.set(id, { done, fail });
      this.#frame.contentWindow.postMessage({ kp: 1, id, call: name, data }, new URL(this.#host).origin);
    });
  }

  #fail(error) {
    this.#state = "failed";
    this.#show(false);
    this.#frame?.remove();
    this.#frame = null;
    this.#tell("error", { message: error.message });
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

if (!customElements.get("kyverno-playground")) customElements.define("kyverno-playground", Playground);
