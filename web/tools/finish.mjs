// After Trunk: renames what the page loads later (worker, editor, dialogs, gallery) to names with a content hash and tells the page
// the new names in <meta name="stepgate-assets">; packs the programs of a release with xz; writes into the page what stands there before
// its programs do.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shell, story } from "./shell.mjs";

const dir = process.env.TRUNK_STAGING_DIR ?? "dist";
const release = process.env.TRUNK_PROFILE === "release";
const hash = (...files) => {
  const sum = createHash("sha256");
  for (const file of files) sum.update(readFileSync(join(dir, file)));
  return sum.digest("hex").slice(0, 12);
};

/** The name of a program as the page fetches it. A dictionary larger than the program would only cost memory. */
function packed(file) {
  if (!release) return file;
  execFileSync("xz", ["--force", "--check=crc32", "--threads=1", "--lzma2=preset=9e,dict=4MiB,lc=4,pb=0", join(dir, file)]);
  return `${file}.xz`;
}

const [first] = JSON.parse(readFileSync(join(dir, "gallery.json"), "utf8"));
const names = {};
for (const [key, file] of [["editor", "editor.js"], ["format", "format.js"], ["io", "io.js"], ["frame", "frame.js"], ["unpack", "unpack.js"], ["gallery", "gallery.json"]]) {
  if (!existsSync(join(dir, file))) continue;
  const [stem, ext] = file.split(".");
  names[key] = `${stem}-${hash(file)}.${ext}`;
  renameSync(join(dir, file), join(dir, names[key]));
}
if (existsSync(join(dir, "worker.js"))) {
  const stem = `worker-${hash("worker.js", "worker_bg.wasm")}`;
  renameSync(join(dir, "worker.js"), join(dir, `${stem}.js`));
  renameSync(join(dir, "worker_bg.wasm"), join(dir, `${stem}_bg.wasm`));
  const program = packed(`${stem}_bg.wasm`);
  // A worker script that starts itself; what goes wrong then is thrown where the page hears of it.
  appendFileSync(
    join(dir, `${stem}.js`),
    `
importScripts(new URL("${names.unpack}", self.location.href));
const program = new URL("${program}", self.location.href);
wasm_bindgen({ module_or_path: ${release ? "unpacked(program)" : "program"} }).catch((error) => setTimeout(() => { throw error; }));
`,
  );
  names.worker = `${stem}.js`;
  names.engine = program;
}

/** Trunk's start of the page, with the packed program, and with words for when it cannot start. */
function start(html) {
  const [, script, program] = html.match(/\.\/(app-[0-9a-f]+\.js)[^]*?\.\/(app-[0-9a-f]+_bg\.wasm)/);
  const file = packed(program);
  const boot = `<script type="module">
try {
  ${release ? `await import("./${names.unpack}");` : ""}
  const { default: init, ...bindings } = await import("./${script}");
  const wasm = await init({ module_or_path: ${release ? `unpacked("./${file}")` : `"./${file}"`} });
  window.wasmBindings = bindings;
  dispatchEvent(new CustomEvent("TrunkApplicationStarted", { detail: { wasm } }));
} catch (error) {
  stepgate.broken(error);
}
</script>`;
  const preload = `<link rel="preload" href="./${file}" crossorigin="anonymous" as="fetch">`;
  return html
    .replace(/<script type="module">\s*import init[^]*?<\/script>/, () => boot)
    .replace(/<link rel="preload"[^>]*_bg\.wasm"[^>]*>/, () => (release ? `${preload}<link rel="modulepreload" href="./${names.unpack}">` : preload));
}

const page = join(dir, "index.html");
const html = start(readFileSync(page, "utf8").replaceAll("worker.js", names.worker ?? ""));
const head = `<meta name="stepgate-assets" content='${JSON.stringify(names)}'>\n${story(first.scenario)}\n</head>`;
// Functions, as a `$` in a policy is no pattern.
writeFileSync(page, html.replace("</head>", () => head).replace("<body>", () => `<body>\n${shell(first.scenario)}`));
