// What a stranger stumbled over: blocked storage, the focus, lost work, examples that become one's own, broken links.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./page.mjs";
import { blank, inspect, lanes, menu, outcome, settled, shot, side, tab, write } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const title = (page) => page.locator("h1").textContent();
const toast = (page) => page.locator(".toasts").textContent();
const files = (page) => page.locator(".tab .name").allTextContents();
const blocked = (page) => page.addInitScript(() => {
  for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, { get: () => { throw new DOMException("blocked", "SecurityError"); } });
});

test("the page and the embed run where storage is blocked", async () => {
  for (const hash of ["", "#ex=bad-namespace&view=embed"]) {
    const page = await site.open({ hash, before: blocked });
    assert.match(await outcome(page), /1 denied/);
    assert.deepEqual(page.problems, []);
  }
  const page = await site.open({ before: blocked });
  await page.click('header >> text="Saved"');
  await page.click('dialog[open] >> text="Save"');
  assert.match(await page.locator(".io-said").textContent(), /blocks storage/);
  await page.keyboard.press("Escape");
  await write(page, "kind: Pod\n");
  await page.waitForFunction(() => document.querySelector(".toasts").textContent.includes("keeps nothing"));
});

test("dialogs begin in their field, and no key of the page acts behind them", async () => {
  const page = await site.open();
  await lanes(page);
  for (const key of ["Control+k", "/"]) {
    await page.keyboard.press(key);
    await page.keyboard.type("show every event");
    assert.equal(await page.inputValue("dialog[open] input"), "show every event");
    // The first Escape empties the field.
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("dialog[open]"));
  }
  await lanes(page);
  await page.keyboard.press("e");
  await page.keyboard.type("quota s");
  assert.equal(await page.inputValue("dialog[open] input"), "quota s");
  const place = await page.locator(".where").textContent();
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("s");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.locator(".where").textContent(), place);
  assert.equal(await page.locator(".steps").count(), 0);
});

test("links that cannot be read are refused over something", async () => {
  for (const [hash, words] of [["#z9.abc", /newer version/], ["#ex=nowhere", /no example called nowhere/]]) {
    const page = await site.open({ hash });
    assert.match(await toast(page), words);
    assert.match(await outcome(page), /1 denied/);
  }
  const page = await site.open({ hash: "#/?content=garbage" });
  assert.match(await page.locator("dialog[open]").textContent(), /cannot be opened/);
  await page.keyboard.press("Escape");
  assert.doesNotMatch(await title(page), /Opening/);
});

test("a removed file, a replaced text and the steps come back", async () => {
  const page = await site.open();
  await blank(page);
  await tab(page, "resource.yaml");
  await page.locator('.tab.on .name').focus();
  await page.keyboard.press("Delete");
  assert.equal((await files(page)).length, 1);
  await page.waitForFunction(() => document.activeElement.className === "name");
  await shot(page, "kept-undo");
  await page.click('.toast >> text="Undo"');
  assert.match((await files(page)).join(), /policies\.yaml.*resource\.yaml/);
  await settled(page);
  await side(page, "steps");
  await page.click('[aria-label="Move down"] >> nth=0');
  await page.click('text="Back to the default"');
  await page.click('.toast >> text="Undo"');
  await page.waitForSelector('text="Back to the default"');
  assert.match(await page.locator(".steps li").first().getAttribute("aria-label"), /resource/);
});

test("an example that is replaced is one's own: no checks, another title", async () => {
  const page = await site.open();
  const story = await title(page);
  await write(page, "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata:\n  name: mine\n");
  assert.equal(await title(page), `${story} (edited)`);
  assert.doesNotMatch(await outcome(page), /check/);
  for (const name of (await files(page)).slice(1)) {
    await page.click(`.tab .name:has-text("${name.replace(/[●▲].*/, "")}")`);
    await write(page, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: other\n");
  }
  assert.equal(await title(page), "New scenario");
  assert.doesNotMatch(await outcome(page), /check/);
  await shot(page, "kept-own");
});

test("the focus stays with what is moved and renamed, and a name that is taken is refused", async () => {
  const page = await site.open();
  await blank(page);
  await side(page, "steps");
  await page.locator('[aria-label="Move down"]').first().focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "up-1");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "down-0");
  await page.locator("text=Back to the default").focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.closest(".steps ol"));
  await side(page, "steps");
  await page.locator(".tab.on .name").focus();
  await page.keyboard.press("F2");
  await page.keyboard.type("mine.yaml");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement.className === "name");
  await page.keyboard.press("F2");
  await page.keyboard.type("resource.yaml");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".toasts").textContent.includes("There is a file called resource.yaml already"));
  await page.waitForFunction(() => document.activeElement.className === "name" && document.activeElement.textContent.includes("policies.yaml"));
});

test("with every step off the bar stays, and x twice is as before", async () => {
  const page = await site.open();
  await lanes(page);
  const before = await outcome(page);
  await page.keyboard.press("x");
  await settled(page);
  assert.notEqual(await outcome(page), before);
  await page.keyboard.press("x");
  await settled(page);
  assert.equal(await outcome(page), before);
  await blank(page);
  await side(page, "steps");
  for (const n of [0, 1]) {
    await page.locator('[aria-label="Run this step"]').nth(n).click();
    await settled(page);
  }
  assert.equal(await page.locator(".row").count(), 0);
  await shot(page, "kept-all-off");
  await menu(page, "What if");
  await page.click('.menu[open] label:has-text("policies.yaml")');
  await settled(page);
  assert.ok(await page.locator(".row").count());
});

test("compare sees what is stored; the exception and the edit are said on a phone", async () => {
  const page = await site.open();
  await blank(page);
  await tab(page, "resource.yaml");
  const pod = (team) => `apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  labels: {app: a, team: ${team}}\nspec:\n  containers:\n  - {name: web, image: nginx}\n`;
  await write(page, pod("pay"));
  await write(page, pod("payX"));
  await page.click("text=± Compare");
  assert.match(await page.locator(".view-bar [role=status]").textContent(), /different/);
  assert.doesNotMatch(await page.locator(".view-bar [role=status]").textContent(), /nothing/);
  const phone = await site.open({ width: 390, height: 844, touch: true });
  await phone.click(".panes >> text=Why");
  await phone.click('text="Make an exception"');
  await phone.waitForFunction(() => document.querySelector(".toasts").textContent.includes("is in, and applied first"));
  await phone.waitForFunction(() => document.activeElement !== document.body);
  await shot(phone, "kept-phone");
  await inspect(phone, "Cluster");
  await phone.click('text="Edit as a user"');
  await phone.waitForSelector('main[data-pane="editor"]');
});

test("a link carries the version it runs with", async () => {
  const page = await site.open();
  await page.click('header >> text="Share"');
  await page.waitForFunction(() => document.querySelector(".link-row input")?.value.includes("#z1."));
  const link = await page.inputValue(".link-row input");
  const other = await site.open({ hash: link.slice(link.indexOf("#")) });
  await other.click('header >> text="Share"');
  const [popup] = await Promise.all([other.waitForEvent("download"), other.click('[aria-label="Download Scenario"]')]);
  const { readFileSync } = await import("node:fs");
  assert.match(readFileSync(await popup.path(), "utf8"), /^kyverno: ["']?1\.\d+["']?$/m);
});

test("Tab passes through the editor until somebody writes", async () => {
  const page = await site.open();
  await page.locator(".tab.add").focus();
  for (let n = 0; n < 12 && !(await page.evaluate(() => document.activeElement.closest(".cm-content"))); n++) await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.closest(".cm-content")), "Tab comes into the editor");
  const text = await page.locator(".cm-content").textContent();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => !!document.activeElement.closest(".cm-content")), false);
  assert.equal(await page.locator(".cm-content").textContent(), text);
  await page.locator(".cm-content").click();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => !!document.activeElement.closest(".cm-content")), true);
});

test("a saved scenario opens", async () => {
  const page = await site.open();
  await page.click('header >> text="Saved"');
  await page.fill(".io-name", "Mine");
  await page.click('dialog[open] >> text="Save"');
  await page.click(".io-list .example");
  await page.waitForFunction(() => !document.querySelector("dialog[open]"));
  assert.equal(await title(page), "Mine");
});
