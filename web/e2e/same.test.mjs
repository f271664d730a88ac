// The same scenario gives the same bytes natively and in wasm: every gallery entry, in every profile.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { start } from "./page.mjs";

const GALLERY = "static/gallery";
let site;

before(async () => (site = await start()));
after(() => site.close());

function native(file, profile) {
  const command = ["run", `${GALLERY}/${file}`, "--kyverno", profile, "--format", "json"];
  const { stdout, stderr, status } = spawnSync("target/debug/stepgate", command, { encoding: "utf8", maxBuffer: 1 << 28 });
  // Exit status 1: an expectation of another profile does not hold; the run is printed all the same.
  assert.ok(status === 0 || status === 1, stderr);
  return stdout;
}

test("native and wasm agree byte for byte", async () => {
  const page = await site.open();
  for (const file of readdirSync(GALLERY).filter((name) => name.endsWith(".yaml"))) {
    const text = readFileSync(`${GALLERY}/${file}`, "utf8");
    for (const profile of ["1.15", "1.18", "1.19"]) {
      const wasm = await page.evaluate(async ({ file, text, profile }) => {
        const assets = JSON.parse(document.querySelector("meta[name=stepgate-assets]").content);
        const worker = new Worker(new URL(assets.worker, document.baseURI));
        const ask = (request) =>
          new Promise((resolve) => {
            worker.onmessage = ({ data: [seq, answer] }) => seq === 1 && resolve(answer);
            worker.postMessage([1, JSON.stringify(request)]);
          });
        await new Promise((resolve) => (worker.onmessage = ({ data: [seq] }) => seq === 0 && resolve()));
        const { scenario } = JSON.parse(await ask({ op: "read", text, file }));
        const answer = await ask({ op: "simulate", scenario: { ...scenario, kyverno: profile } });
        worker.terminate();
        return answer;
      }, { file, text, profile });
      assert.equal(wasm, native(file, profile).trimEnd(), `${file} in profile ${profile}`);
    }
  }
});
