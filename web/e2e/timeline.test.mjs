// The timeline: how close one looks, what is drawn, where one goes, what if something were not there.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import violations from "./axe.mjs";
import { start } from "./page.mjs";
import { inspect, lanes, menu, outcome, overflow, settled, tab, write, zoom } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const where = async (page) => Number(await page.locator(".where b").textContent());
const SYNC = { hash: "#ex=good-namespace-sync" };

test("three levels: steps, events, why; by mouse and by key", async () => {
  const page = await site.open();
  await zoom(page, "Steps");
  assert.match(await page.locator(".step.now").textContent(), /kubectl create -f namespace\.yaml.*refused by require-team/);
  assert.equal(await page.locator(".row").count(), 0);
  await lanes(page);
  await page.keyboard.press("Enter");
  assert.ok((await page.locator(".row").count()) > 10);
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".decision").last().textContent(), /wants "\?\*", found nothing/);
  await page.locator(".decision .place:not(.kv)").last().click();
  assert.match(await page.locator(".cm-activeLine").textContent(), /team: "\?\*"/);
  await lanes(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  assert.equal(await page.getAttribute('.zoom >> text="Steps"', "aria-pressed"), "true");
  assert.deepEqual(page.problems, []);
});

test("steps can be walked and opened", async () => {
  const page = await site.open(SYNC);
  await zoom(page, "Steps");
  assert.equal(await page.locator(".step").count(), 3);
  await lanes(page);
  await page.keyboard.press("Home");
  assert.match(await page.locator(".step.now").textContent(), /create -f namespace\.yaml/);
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator(".step.now").textContent(), /patch/);
  await page.locator(".step").last().click();
  assert.match(await page.locator(".step.now").textContent(), /delete/);
  const active = await page.getAttribute(".seq .body", "aria-activedescendant");
  assert.ok(await page.locator(`#${active}`).count(), "the active row exists");
});

test("causes are lines in the margin, dashed over what is hidden", async () => {
  const page = await site.open();
  assert.ok((await page.locator(".causes g:not(.effect)").count()) >= 2);
  assert.equal(await page.locator(".causes g.dashed").count(), 0);
  await lanes(page);
  await page.keyboard.press("u");
  const cause = await page.locator(".row.now").textContent();
  assert.match(cause, /allowed: false/);
  assert.ok(await page.locator(".causes g.effect").count(), "and down to what it causes");
  await page.keyboard.press("d");
  await menu(page, "Lanes");
  for (const lane of ["API server", "Validate"]) await page.click(`.menu[open] label:has-text("${lane}")`);
  await page.keyboard.press("Escape");
  assert.match(await page.locator(".menu summary").first().textContent(), /−2/);
  assert.ok(!/API server/.test(await page.locator(".heads").textContent()));
  await menu(page, "Lanes");
  await page.click('.menu[open] label:has-text("Validate")');
  assert.match(await page.locator(".heads").textContent(), /Validate/);
});

test("only the events of one object, from the list and by key", async () => {
  const page = await site.open(SYNC);
  const all = await page.locator(".row").count();
  await page.selectOption('[aria-label="Only the events of"]', { index: 1 });
  const few = await page.locator(".row").count();
  assert.ok(few < all && few > 0);
  await page.selectOption('[aria-label="Only the events of"]', { index: 0 });
  await lanes(page);
  await page.keyboard.press("h");
  assert.ok((await page.locator(".row").count()) < all);
  await page.keyboard.press("h");
  await page.waitForFunction((all) => document.querySelectorAll(".row").length === all, all);
});

test("plays to the end, scrubs, and hops to denials and changes", async () => {
  const page = await site.open(SYNC);
  const range = page.locator('.scrub input');
  await range.fill("0");
  assert.equal(await where(page), 1);
  assert.match(await range.getAttribute("aria-valuetext"), /^Event 1 of \d+/);
  await page.click('.hop:has-text("change")');
  assert.match(await page.locator(".row.now").textContent(), /stored/);
  await range.fill(String(Number(await range.getAttribute("max")) - 1));
  await page.click('[aria-label^="Play"]');
  await page.waitForFunction(() => document.querySelector(".scrub input").value === document.querySelector(".scrub input").max);
  await page.waitForSelector('[aria-label^="Play"]');
});

test("the history of an object, and who wrote a field", async () => {
  const page = await site.open(SYNC);
  await lanes(page);
  await page.keyboard.press("End");
  await inspect(page, "Cluster");
  await page.click('.object:has-text("NetworkPolicy")');
  assert.ok((await page.locator(".history li").count()) >= 3, "made, changed by the user, put back");
  await page.locator(".history .stop").nth(1).click();
  assert.match(await page.locator(".row.now").textContent(), /NetworkPolicy default-deny updated/);
  await lanes(page);
  await page.keyboard.press("End");
  const value = page.locator('.yaml .v:has-text("Egress")');
  await value.focus();
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".row.now").textContent(), /NetworkPolicy default-deny (stored|updated)/);
});

test("what if a policy were not there: everything after is another, and what is gone stays in sight", async () => {
  const page = await site.open();
  await menu(page, "What if");
  await page.click('.menu[open] label:has-text("require-team")');
  await settled(page);
  assert.ok(!/denied/.test(await outcome(page)));
  assert.match(await page.locator('.view-bar [role="status"]').textContent(), /new.*gone/);
  assert.match((await page.locator(".row.gone").allTextContents()).join("\n"), /denied the request/);
  assert.ok(await page.locator(".row.fresh").count());
  assert.match(await page.locator(".outcome").textContent(), /1 generated/);
  await page.click('.menu[open] label:has-text("require-team")');
  await settled(page);
  assert.match(await outcome(page), /1 denied/);
  assert.match(await page.locator('.view-bar [role="status"]').textContent(), /nothing is different/);
  await page.keyboard.press("Escape");
  await page.click('text="± Compare"');
  assert.equal(await page.locator(".row.gone, .row.fresh").count(), 0);
});

test("by key: the policy behind the event; a step, from the palette", async () => {
  const page = await site.open();
  await lanes(page);
  await page.keyboard.press("x");
  await settled(page);
  assert.ok(!/denied/.test(await outcome(page)));
  await page.keyboard.press("Control+k");
  await page.keyboard.type("switch off step 1");
  await page.keyboard.press("Enter");
  await settled(page);
  assert.match(await page.locator(".seq").textContent(), /What if, above|gone/i);
});

test("an edit is compared with the run before it", async () => {
  const page = await site.open();
  await tab(page, "namespace.yaml");
  await write(page, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: bad-namespace\n  labels:\n    team: a\n");
  await lanes(page);
  await page.keyboard.press("=");
  assert.match(await page.locator('.view-bar [role="status"]').textContent(), /\d+ new.*\d+ gone/);
  assert.ok(await page.locator(".row.gone").count());
});

test("a listener hears the moment, once", async () => {
  const page = await site.open();
  await lanes(page);
  await page.keyboard.press("ArrowRight");
  const said = await page.locator('[aria-label="Current event"]').textContent();
  assert.match(said, /^Event 8 of \d+, .*picks up/);
  const active = await page.getAttribute(".seq .body", "aria-activedescendant");
  assert.equal(await page.getAttribute(`#${active}`, "aria-selected"), "true");
});

for (const colorScheme of ["light", "dark"]) {
  test(`at every level on a phone, and for axe, ${colorScheme}`, async () => {
    const page = await site.open({ ...SYNC, width: 390, height: 844, touch: true, colorScheme });
    for (const level of ["Steps", "Events", "Why"]) {
      await zoom(page, level);
      assert.ok((await overflow(page)) <= 0, level);
      assert.deepEqual(await violations(page), [], level);
    }
    await menu(page, "What if");
    assert.ok(await page.locator(".menu[open] label").first().isVisible());
    await page.click('.menu[open] label:has-text("default-deny")');
    await settled(page);
    assert.ok(await page.locator(".row.gone").count());
    assert.deepEqual(await violations(page), [], "compared");
  });
}

test("nothing is cut off or squeezed to nothing in a small window", async () => {
  for (const [width, height] of [[1024, 700], [720, 450], [844, 390], [320, 640]]) {
    const page = await site.open({ width, height });
    assert.ok((await overflow(page)) <= 0, `${width} × ${height}: wider than the window`);
    const { lanes, now } = await page.evaluate(() => {
      const box = (selector) => document.querySelector(selector).getBoundingClientRect();
      const [body, row] = [box(".seq .body"), box(".row.now")];
      return { lanes: body.height, now: row.top >= body.top - 1 && row.bottom <= body.bottom + 1 };
    });
    assert.ok(lanes > 100, `${width} × ${height}: ${lanes} px for the lanes`);
    assert.ok(now, `${width} × ${height}: the current event is in sight`);
  }
});
