// What goes out: link, Markdown, embed, pictures, Scenario, ZIP, folders of other tools; each comes back in.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import AxeBuilder from "./axe.mjs";
import { start } from "./page.mjs";
import { settled } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

async function opened(options) {
  const page = await site.open(options);
  await page.click('header >> text="Share"');
  await page.waitForFunction(() => document.querySelector(".link-row input")?.value.includes("#z1."));
  return page;
}

const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

async function copied(page, name) {
  await press(page, name);
  await page.waitForSelector(".toast");
  return page.evaluate(() => navigator.clipboard.readText());
}

async function downloaded(page, name) {
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, name)]);
  const path = join(mkdtempSync(join(tmpdir(), "stepgate-share-")), download.suggestedFilename());
  await download.saveAs(path);
  return path;
}

/** The texts of an archive by name, read by somebody else's reader. */
function unzipped(path) {
  const script = "import sys,json,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(json.dumps({n: z.read(n).decode() for n in z.namelist()}))";
  return JSON.parse(execFileSync("python3", ["-c", script, path], { encoding: "utf8" }));
}

/** Opens a file in a fresh page and gives the page. */
async function again(path) {
  const page = await site.open();
  await page.click('header >> text="Open"');
  await page.locator('dialog[open] input[type="file"]').first().setInputFiles(path);
  await page.waitForSelector(".io-card");
  await page.locator("dialog[open]").getByRole("button", { name: "Open", exact: true }).click();
  await settled(page);
  return page;
}

test("the link opens the same scenario on the same event, or at its start", async () => {
  const page = await opened();
  const link = await copied(page, "Copy link");
  const here = await page.locator(".row.now").textContent();
  const other = await site.open({ hash: link.slice(link.indexOf("#")) });
  assert.equal(await other.locator(".row.now").textContent(), here);
  await page.locator(".check input").uncheck();
  await page.waitForFunction(() => !document.querySelector(".link-row input").value.includes("&at="));
  assert.deepEqual(other.problems, []);
});

test("an edit cuts the link from the address, so that a reload keeps the edit", async () => {
  const page = await opened();
  const link = await copied(page, "Copy link");
  const other = await site.open({ hash: link.slice(link.indexOf("#")) });
  await other.waitForTimeout(500);
  assert.match(other.url(), /#z1\./, "the link stays while nothing is changed");
  await other.locator(".cm-content").click();
  await other.keyboard.press("Control+Home");
  await other.keyboard.type("# mine\n");
  await other.waitForFunction(() => !location.hash);
  await other.reload();
  await other.waitForFunction(() => document.querySelector(".cm-content")?.textContent.includes("# mine"));
});

test("Markdown for an issue comes back as files; Slack gets its own", async () => {
  const page = await opened();
  const text = await copied(page, "Copy Markdown");
  assert.match(text, /^### A blocked namespace.*`policies\.yaml`\n\n```yaml\napiVersion.*✕ `kubectl .*denied the request.*\[Step through it in Stepgate\]\(http.*#z1\./s);
  await page.waitForTimeout(100);
  const slack = await (async () => {
    await press(page, "For Slack for Slack");
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith("*"));
    return page.evaluate(() => navigator.clipboard.readText());
  })();
  assert.match(slack, /^\*A blocked.*<http\S+\|Step through it in Stepgate>/s);
  await page.keyboard.press("Escape");
  await page.click('header >> text="Open"');
  await page.fill(".io-paste", text);
  await page.click('dialog[open] >> text="Read"');
  await page.waitForSelector(".io-card");
  assert.match(await page.locator(".io-card").textContent(), /YAML · 2 files/);
});

test("Mermaid, SVG and PNG show the timeline and stand alone", async () => {
  const page = await opened();
  const mermaid = await copied(page, "Mermaid Mermaid");
  assert.match(mermaid, /^sequenceDiagram\n {2}participant You as You\n/);
  const svg = readFileSync(await downloaded(page, "SVG SVG"), "utf8");
  assert.match(svg, /^<svg xmlns=.*prefers-color-scheme:dark.*denied the request/s);
  assert.ok(!/(href|url\(|@import|<script)/.test(svg.replace('xmlns="http://www.w3.org/2000/svg"', "")), "nothing of elsewhere");
  const wrong = await page.evaluate((text) => new DOMParser().parseFromString(text, "image/svg+xml").querySelector("parsererror")?.textContent, svg);
  assert.equal(wrong, undefined);
  const rows = await page.locator('.row[role="treeitem"]').count();
  assert.ok((svg.match(/class="seq"/g) ?? []).length >= rows);
  const png = readFileSync(await downloaded(page, "PNG PNG"));
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  assert.ok(png.readUInt32BE(16) > 900, `${png.readUInt32BE(16)} px wide`);
});

test("Scenario and ZIP come back", async () => {
  const page = await opened();
  const yaml = await downloaded(page, "Download Scenario");
  assert.match(readFileSync(yaml, "utf8"), /^apiVersion: stepgate\.dev\/v1\nkind: Scenario\ntitle: A blocked namespace/);
  const events = await page.locator(".row").count();
  assert.equal(await (await again(yaml)).locator(".row").count(), events);
  const zip = await downloaded(page, "Download all files");
  assert.deepEqual(Object.keys(unzipped(zip)), ["policies.yaml", "namespace.yaml", "scenario.yaml"]);
  assert.equal(await (await again(zip)).locator(".row").count(), events);
});

test("folders of other tools come back, with what they leave out said", async () => {
  const page = await opened();
  const chainsaw = await downloaded(page, "Download Chainsaw test");
  assert.match(unzipped(chainsaw)["chainsaw-test.yaml"], /\(\$error != null\)/);
  await page.waitForSelector(".io-left");
  assert.match(await page.locator(".io-left").textContent(), /The folder leaves out.*the expectation.*the notes/s);
  const other = await again(chainsaw);
  assert.match(await other.locator(".outcome").textContent(), /1 denied/);
  const kyverno = await downloaded(page, "Download kyverno-test.yaml");
  assert.match(unzipped(kyverno)["kyverno-test.yaml"], /policy: require-team\n.*result: fail/s);
  assert.match(await (await again(kyverno)).locator(".outcome").textContent(), /1 denied/);
  assert.deepEqual([...page.problems, ...other.problems], []);
});

test("what kyverno test cannot do is said plainly", async () => {
  const page = await site.open();
  await page.click('header >> text="Examples"');
  await page.click('text="Start with your own"');
  await settled(page);
  await page.click('.tab .name:has-text("resource.yaml")');
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(" ");
  await settled(page);
  await page.click('header >> text="Share"');
  await press(page, "Download kyverno-test.yaml");
  await page.waitForSelector(".io-wrong");
  assert.match(await page.locator(".io-wrong").textContent(), /needs a policy, and a resource/);
});

test("by keyboard alone", async () => {
  const page = await site.open();
  await page.locator("#timeline").focus();
  await page.keyboard.press("y");
  await page.waitForFunction(() => document.activeElement?.textContent === "Copy link");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".toast");
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /#z1\./);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.waitForFunction(() => !document.querySelector(".link-row input").value.includes("&at="));
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog[open]"));
});

for (const [name, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", { width: 390, height: 844, touch: true }]]) {
  test(`axe finds nothing to say about Share, ${name}`, async () => {
    const page = await opened(options);
    assert.deepEqual(await AxeBuilder(page), []);
    const wide = await page.evaluate(() => document.querySelector("dialog[open]").scrollWidth - document.querySelector("dialog[open]").clientWidth);
    assert.ok(wide <= 0, `${wide} px too wide`);
  });
}
