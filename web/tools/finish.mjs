// After Trunk: renames what the page loads later (worker, editor, gallery) to names with a content hash and tells the page
// the new names in <meta name="stepgate-assets">.
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const dir = process.env.TRUNK_STAGING_DIR ?? "dist";
const hash = (...files) => {
  const sum = createHash("sha256");
  for (const file of files) sum.update(readFileSync(join(dir, file)));
  return sum.digest("hex").slice(0, 12);
};

const names = {};
for (const [key, file] of [["editor", "editor.js"], ["gallery", "gallery.json"]]) {
  if (!existsSync(join(dir, file))) continue;
  const [stem, ext] = file.split(".");
  names[key] = `${stem}-${hash(file)}.${ext}`;
  renameSync(join(dir, file), join(dir, names[key]));
}
if (existsSync(join(dir, "worker.js"))) {
  const stem = `worker-${hash("worker.js", "worker_bg.wasm")}`;
  // A worker script that starts itself.
  appendFileSync(join(dir, "worker.js"), `\nwasm_bindgen({ module_or_path: new URL("${stem}_bg.wasm", self.location.href) });\n`);
  renameSync(join(dir, "worker.js"), join(dir, `${stem}.js`));
  renameSync(join(dir, "worker_bg.wasm"), join(dir, `${stem}_bg.wasm`));
  names.worker = `${stem}.js`;
}

const page = join(dir, "index.html");
const html = readFileSync(page, "utf8").replaceAll("worker_bg.wasm", names.worker?.replace(".js", "_bg.wasm") ?? "").replaceAll("worker.js", names.worker ?? "");
writeFileSync(page, html.replace("</head>", `<meta name="stepgate-assets" content='${JSON.stringify(names)}'>\n</head>`));
