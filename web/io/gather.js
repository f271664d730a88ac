// From what a person brings (a drop, a choice of files, a paste, an address) to texts by name. Everything is capped.
import { read } from "./zip.js";

const MOST = 500;
const LARGEST = 4 << 20;
const ALL = 8 << 20;
const READ = /\.(ya?ml|json|txt|md)$/i;
/** The only hosts that are ever asked, and only when a button says so. */
const HOSTS = ["raw.githubusercontent.com", "gist.githubusercontent.com"];

/** `{files: {name: text}, skipped: [message]}` of `{text}`, `{entries}` (of a drop; files where the browser has no entries) or `{files}` (File objects). */
export async function gather({ text, entries, files }) {
  const basket = new Basket();
  if (text != null) basket.put("pasted.yaml", text);
  for (const file of files ?? []) await basket.add(file.webkitRelativePath || file.name, file);
  for (const entry of entries ?? []) await (entry instanceof File ? basket.add(entry.name, entry) : walk(entry, "", basket));
  return { ...basket.done(), dropped: Boolean(entries) };
}

class Basket {
  files = {};
  skipped = [];
  size = 0;
  others = 0;

  full() {
    return Object.keys(this.files).length >= MOST || this.size >= ALL;
  }

  put(name, text) {
    if (text.length > LARGEST) return this.skipped.push({ message: `${name} is larger than ${LARGEST >> 20} MB` });
    if (this.full() || this.size + text.length > ALL) return (this.over = true);
    this.size += text.length;
    this.files[name] = text;
  }

  /** A file; a ZIP archive gives its files. */
  async add(name, file) {
    if (/\.zip$/i.test(name)) return this.unzip(name, file);
    if (!READ.test(name) && Object.keys(this.files).length + this.others > 0) return this.others++;
    if (file.size > LARGEST) return this.skipped.push({ message: `${name} is larger than ${LARGEST >> 20} MB` });
    if (!READ.test(name) && /^(image|video|audio|font)\//.test(file.type)) return this.others++;
    this.put(name, await file.text());
  }

  async unzip(name, file) {
    if (file.size > ALL) return this.skipped.push({ message: `${name} is larger than ${ALL >> 20} MB` });
    try {
      for (const entry of read(await file.arrayBuffer())) {
        if (entry.name.startsWith("__MACOSX/")) continue;
        if (!READ.test(entry.name)) this.others++;
        else if (entry.size > LARGEST) this.skipped.push({ message: `${entry.name} is larger than ${LARGEST >> 20} MB` });
        else if (this.full() || this.size + entry.size > ALL) this.over = true;
        else this.put(entry.name, await entry.text());
      }
    } catch (error) {
      this.skipped.push({ message: `${name}: ${error.message === "too large" ? "the archive unfolds to more than it says" : error.message}` });
    }
  }

  done() {
    if (this.over) this.skipped.push({ message: `More than ${MOST} files or ${ALL >> 20} MB: the rest was left out.` });
    if (this.others) this.skipped.push({ message: this.others === 1 ? "One file that is no YAML" : `${this.others} files that are no YAML` });
    return { files: this.files, skipped: this.skipped };
  }
}

async function walk(entry, path, basket) {
  if (basket.full()) return (basket.over = true);
  if (entry.isFile) {
    await basket.add(path + entry.name, await new Promise((done, fail) => entry.file(done, fail)));
  } else if (entry.isDirectory && entry.name !== ".git" && entry.name !== "node_modules") {
    const reader = entry.createReader();
    const batch = () => new Promise((done, fail) => reader.readEntries(done, fail));
    for (let children; (children = await batch()).length; ) {
      for (const child of children) await walk(child, `${path}${entry.name}/`, basket);
    }
  }
}

/** The raw address that a text names on GitHub: `{url, host, name}`; null where it names none, `{why}` where it names none that is raw. */
export function address(text) {
  if (!/^https?:\/\/\S+$/.test(text.trim())) return null;
  const url = new URL(text.trim());
  if (/content=|#z1\.|#ex=/.test(url.hash)) return null;
  if (url.hostname === "github.com" || url.hostname === "www.github.com") {
    const [, owner, repository, kind, ...rest] = url.pathname.split("/");
    if (kind !== "blob" && kind !== "raw") return { why: "This is a page of GitHub. Open the file there and take its address, or download the folder and drop it here." };
    url.href = `https://raw.githubusercontent.com/${owner}/${repository}/${rest.join("/")}`;
  }
  if (!HOSTS.includes(url.hostname) || url.protocol !== "https:") return { why: "Only files on GitHub can be fetched from here. Download the file and drop it on the page." };
  url.hash = "";
  return { url: url.href, host: url.hostname, name: decodeURIComponent(url.pathname.split("/").at(-1)) || "fetched.yaml" };
}

/** Fetches a file from GitHub: the one request that ever leaves for another host. */
export async function fetchFile({ url, host, name }) {
  const response = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer", redirect: "error", signal: AbortSignal.timeout(15_000) }).catch(() => {
    throw new Error(`${host} cannot be reached from this page. Download the file and drop it here.`);
  });
  if (!response.ok) throw new Error(`${host} answers ${response.status}${response.status === 404 ? ": there is no such file, or it is not public" : ""}.`);
  const reader = response.body.getReader();
  const parts = [];
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > LARGEST) {
      await reader.cancel();
      throw new Error(`The file is larger than ${LARGEST >> 20} MB.`);
    }
    parts.push(value);
  }
  return { files: { [name]: await new Blob(parts).text() }, skipped: [] };
}
