// The programs do not arrive: the page says so, and keeps what it has.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./page.mjs";
import { write } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const failing = (pattern) => (page) => page.route(pattern, (route) => route.abort());
const cut = (pattern) => (page) =>
  page.route(pattern, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.body()).subarray(0, 50_000) });
  });

for (const [how, before] of [["does not arrive", failing(/app-.*\.wasm/)], ["is cut off", cut(/app-.*\.wasm/)]]) {
  test(`the page's program ${how}`, async () => {
    const page = await site.open({ wait: false, before });
    const said = page.locator('.seq [role="alert"]');
    await said.waitFor();
    assert.match(await said.textContent(), /^The page could not be loaded \(.+\)\. Reload to try again\.$/);
  });
}

for (const [how, before] of [["does not arrive", failing(/worker-.*\.wasm/)], ["is cut off", cut(/worker-.*\.wasm/)]]) {
  test(`the engine ${how}`, async () => {
    const page = await site.open({ wait: false, before });
    await page.waitForSelector('.foot >> text="stopped; an edit starts again"');
    assert.match(await page.locator(".cm-content").innerText(), /kind: ClusterPolicy/);
    await page.unrouteAll();
    await write(page, "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: c\n");
    await page.waitForSelector(".row.now");
  });
}
