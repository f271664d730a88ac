// The story of bad-namespace on the real page: by mouse, by key, on a phone, for a screen reader.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import AxeBuilder from "./axe.mjs";
import { start } from "./page.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const current = (page) => page.locator(".row.now").textContent();
const where = async (page) => Number(await page.locator(".where b").textContent());

test("opens on the denial, with its reason and the exact words", async () => {
  const page = await site.open();
  assert.match(await current(page), /refused.*denied/i);
  await assert.doesNotReject(page.getByText("What you would see").waitFor());
  assert.match(await page.locator(".msg").first().textContent(), /denied the request: *\n\nresource Namespace\/\/bad-namespace was blocked/);
  assert.match(await page.locator(".outcome").textContent(), /1 denied/);
  assert.ok(await page.locator(".cm-now").count(), "the editor marks the line");
  assert.deepEqual(page.problems, []);
});

test("steps by button and by key, there and back", async () => {
  const page = await site.open();
  const began = await where(page);
  await page.click('[aria-label^="Next event"]');
  assert.equal(await where(page), began + 1);
  await page.click('[aria-label^="Previous event"]');
  assert.equal(await where(page), began);
  await page.locator("#timeline").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await where(page), began + 1);
  await page.keyboard.press("k");
  assert.equal(await where(page), began);
  await page.keyboard.press("End");
  const last = await where(page);
  assert.ok(last > began);
  await page.keyboard.press("Home");
  assert.equal(await where(page), 1);
  await page.keyboard.press("d");
  assert.match(await current(page), /refused/);
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.querySelector('[aria-label^="Pause"]'));
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.querySelector('[aria-label^="Play"]'));
});

test("keys stay out of the editor", async () => {
  const page = await site.open();
  const began = await where(page);
  await page.locator(".cm-content").click();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.type("dck");
  assert.equal(await where(page), began);
});

test("nothing typed is lost on reload", async () => {
  const page = await site.open();
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# mine\n");
  await page.waitForTimeout(600);
  await page.reload();
  await page.waitForSelector(".cm-content");
  await page.waitForFunction(() => document.querySelector(".cm-content").textContent.includes("# mine"));
});

test("a link brings the same scenario back, on the same event", async () => {
  const page = await site.open();
  await page.click('button:has-text("Share")');
  await page.waitForFunction(() => document.querySelector(".link-row input")?.value.includes("#z1."));
  const link = await page.inputValue(".link-row input");
  const anchor = await page.locator(".row.now").textContent();
  const other = await site.open({ hash: link.slice(link.indexOf("#")) });
  assert.equal(await current(other), anchor);
  assert.deepEqual(other.problems, []);
});

test("a damaged link says so and loses nothing", async () => {
  const page = await site.open({ hash: "#z1.not-a-link!" });
  assert.match(await page.locator(".toasts").textContent(), /damaged/);
});

test("help is printed from the table of keys", async () => {
  const page = await site.open();
  await page.locator("#timeline").focus();
  await page.keyboard.press("?");
  await page.getByRole("heading", { name: "Keys" }).waitFor();
  assert.match(await page.locator("dialog[open]").textContent(), /Next denial or failure/);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog[open]"));
});

test("a phone shows one pane at a time", async () => {
  const page = await site.open({ width: 390, height: 844, touch: true });
  assert.ok(await page.locator(".seq").isVisible());
  assert.ok(!(await page.locator(".cm-content").isVisible()));
  await page.click(".panes >> text=Files");
  assert.ok(await page.locator(".cm-content").isVisible());
  await page.click(".panes >> text=Why");
  assert.ok(await page.locator(".msg").first().isVisible());
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${wide} px wide`);
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing to say, ${colorScheme}`, async () => {
    const page = await site.open({ colorScheme });
    assert.deepEqual(await AxeBuilder(page), []);
    for (const tab of ["Change", "Cluster", "Logs", "Report"]) {
      await page.click(`.it >> text=${tab}`);
      assert.deepEqual(await AxeBuilder(page), [], tab);
    }
    await page.click(".tab.side");
    assert.deepEqual(await AxeBuilder(page), [], "steps");
    for (const open of ["Examples", "Share"]) {
      await page.click(`header >> text=${open}`);
      await page.waitForSelector("dialog[open]");
      assert.deepEqual(await AxeBuilder(page), [], open);
      await page.keyboard.press("Escape");
    }
  });
}
