// After the first load no network is needed; and who has one gets the page of today.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import { start as serve } from "./page.mjs";
import { blank, outcome, tab, write } from "./type.mjs";

const CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: default\n";

const sites = [];
afterEach(async () => {
  for (const site of sites.splice(0)) await site.close();
});
const start = async (...options) => {
  const site = await serve(...options);
  sites.push(site);
  return site;
};

/** A page that has been kept. */
async function kept(site, options) {
  const page = await site.open({ offline: true, ...options });
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller);
  return page;
}
const names = (page) =>
  page.evaluate(async () => (await (await caches.open("stepgate")).keys()).map(({ url }) => url.slice(url.lastIndexOf("/") + 1)));

async function works(page) {
  await blank(page);
  await tab(page, "resource.yaml");
  await write(page, `kind:   ConfigMap\n${CONFIG_MAP.replace("kind: ConfigMap\n", "")}`);
  assert.match(await outcome(page), /1 created/);
  await page.click('.code-tools >> text="Format"');
  await page.waitForFunction(() => !document.querySelector(".cm-content").textContent.includes("kind:   "));
  for (const [button, words] of [["Open", "Choose a folder"], ["Share", "Markdown"], ["Saved", "Save"]]) {
    await page.click(`header >> text="${button}"`);
    await page.locator(`dialog[open] >> text=${words}`).first().waitFor();
    await page.keyboard.press("Escape");
  }
  await page.click('header >> text="Examples"');
  await page.click('dialog[open] >> text="Synchronize brings it back"');
  await page.waitForFunction(() => document.querySelector("h1").textContent.includes("Synchronize brings it back"));
  await page.waitForSelector(".row.now");
}

test("without a network everything goes on, and the page opens again", async () => {
  const site = await start();
  const page = await kept(site);
  site.cut();
  await works(page);
  await page.reload();
  await page.waitForSelector(".row.now");
  await works(page);
  assert.deepEqual(page.problems, []);
  const broken = createServer((_, response) => response.writeHead(502).end("bad gateway")).listen(new URL(site.url).port);
  await page.reload();
  await page.waitForSelector(".row.now");
  broken.close();
  broken.closeAllConnections();
});

test("who has a network gets the newest page, and parts that no page names are dropped", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stepgate-dist-"));
  cpSync(process.env.STEPGATE_DIST ?? "dist", folder, { recursive: true });
  const index = join(folder, "index.html");
  let [editor] = readFileSync(index, "utf8").match(/editor-[0-9a-f]{12}\.js/);
  const release = (title, hash) => {
    const name = `editor-${hash}.js`;
    renameSync(join(folder, editor), join(folder, name));
    writeFileSync(index, readFileSync(index, "utf8").replaceAll(editor, name).replace(/<title>[^<]*/, `<title>${title}`));
    editor = name;
  };
  const site = await start(folder);
  const page = await kept(site);
  const first = editor;
  const titles = [];
  for (const [title, hash] of [["second", "2".repeat(12)], ["third", "3".repeat(12)]]) {
    release(title, hash);
    await page.reload();
    titles.push(await page.title());
    await page.waitForFunction(async (name) => (await (await caches.open("stepgate")).keys()).some(({ url }) => url.endsWith(name)), editor);
    await page.waitForFunction(async (title) => (await (await caches.match("./")).text()).includes(`<title>${title}`), title);
  }
  assert.deepEqual(titles, ["second", "third"]);
  await page.waitForFunction(async (name) => !(await (await caches.open("stepgate")).keys()).some(({ url }) => url.endsWith(name)), first);
  assert.ok((await names(page)).includes(`editor-${"2".repeat(12)}.js`), "a page that is still open has its parts");
  site.cut();
  await page.reload();
  assert.equal(await page.title(), "third");
  await page.waitForSelector(".row.now");
});

test("an embedded page is not kept", async () => {
  const site = await start();
  const page = await site.open({ offline: true, hash: "?embed=1#ex=bad-namespace" });
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length), 0);
});
