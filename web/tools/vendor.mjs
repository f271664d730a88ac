// Makes static/vendor: the bundles of the editor, of the dialogs and of embeds, one style sheet, and the gallery as JSON. Fast enough to run on every build.
import { build } from "esbuild";
import { readFileSync, readdirSync, writeFileSync, mkdirSync, existsSync } from "node:fs";
import { join, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const out = join(root, "static/vendor");
mkdirSync(out, { recursive: true });

/** Writes only what changed, so that a watcher does not wake for nothing. */
function write(name, data) {
  const path = join(out, name);
  if (existsSync(path) && Buffer.compare(readFileSync(path), Buffer.from(data)) === 0) return;
  writeFileSync(path, data);
}

async function bundle(entry, name, { loader = {}, format = "esm" } = {}) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format,
    target: "es2022",
    legalComments: "none",
    loader,
    write: false,
  });
  write(name, result.outputFiles[0].contents);
}

/** The first is what a newcomer sees. */
const FIRST = ["bad-namespace", "good-namespace-sync", "good-namespace-nosync", "aligned-generate"];

/** The first tag of an entry is its theme. */
const THEMES = ["generate", "gitops", "validate", "context", "mutate", "images", "exceptions", "reports", "cleanup", "operations"];

/** Every gallery entry as a scenario with its file name as `id`: the story first, then by theme and title. */
function gallery() {
  const dir = join(root, "static/gallery");
  const files = existsSync(dir) ? readdirSync(dir).filter((f) => f.endsWith(".yaml")).sort() : [];
  const entries = files.map((file) => ({
    id: file.replace(/\.yaml$/, ""),
    scenario: parse(readFileSync(join(dir, file), "utf8"), { version: "1.1", schema: "core" }),
  }));
  const rank = ({ id, scenario }) =>
    FIRST.includes(id) ? FIRST.indexOf(id) - FIRST.length : THEMES.indexOf(scenario.tags?.[0]);
  return entries.sort((a, b) => rank(a) - rank(b) || a.scenario.title.localeCompare(b.scenario.title));
}

await Promise.all([
  bundle("web/editor/editor.js", "editor.js"),
  bundle("web/editor/format.js", "format.js"),
  bundle("web/io/io.js", "io.js", { loader: { ".css": "text" } }),
  bundle("web/io/frame.js", "frame.js"),
  // A worker that is no module runs it, too.
  bundle("web/io/unpack.js", "unpack.js", { format: "iife" }),
  bundle("web/offline.js", "offline.js"),
  bundle("static/embed.js", "embed.js"),
  bundle("static/styles/page.css", "page.css"),
]);
write("gallery.json", JSON.stringify(gallery()));
