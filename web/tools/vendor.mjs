// Makes static/vendor: the editor bundle, one style sheet, and the gallery as JSON. Fast enough to run on every build.
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

async function bundle(entry, name) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    write: false,
  });
  write(name, result.outputFiles[0].contents);
}

/** The first is what a newcomer sees. */
const FIRST = ["bad-namespace", "good-namespace-sync", "good-namespace-nosync", "aligned-generate"];

/** Every gallery entry as a scenario with its file name as `id`: the story first, then by title. */
function gallery() {
  const dir = join(root, "static/gallery");
  const files = existsSync(dir) ? readdirSync(dir).filter((f) => f.endsWith(".yaml")).sort() : [];
  const entries = files.map((file) => ({
    id: file.replace(/\.yaml$/, ""),
    scenario: parse(readFileSync(join(dir, file), "utf8"), { version: "1.1", schema: "core" }),
  }));
  const rank = ({ id }) => (FIRST.includes(id) ? FIRST.indexOf(id) : FIRST.length);
  return entries.sort((a, b) => rank(a) - rank(b) || a.scenario.title.localeCompare(b.scenario.title));
}

await Promise.all([bundle("web/editor/editor.js", "editor.js"), bundle("static/styles/page.css", "page.css")]);
write("gallery.json", JSON.stringify(gallery()));
