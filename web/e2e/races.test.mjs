// Races: where the order of concurrent work is free, what each order comes to, and stepping through any of them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import violations from "./axe.mjs";
import { start } from "./page.mjs";
import { events, inspect, lanes, settled } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const SYNC = { hash: "#ex=good-namespace-sync" };

test("the place where order is free is marked, and the other order is one click away", async () => {
  const page = await site.open(SYNC);
  assert.match(await page.locator(".view-bar").textContent(), /free order/);
  const usual = await events(page);
  const mark = page.locator(".row .free").first();
  assert.match(await mark.getAttribute("aria-label"), /The order is free here: the request is stored first\. Take the other: the background controller is faster/);
  await mark.focus();
  await page.keyboard.press("Enter");
  await settled(page);
  await page.waitForFunction((usual) => [...document.querySelectorAll('.row[role="treeitem"] .label')].map((e) => e.textContent).join() !== usual.join(), usual);
  assert.match((await events(page)).join("\n"), /LIST namespaces by uid: none/);
  await page.locator(".row .free").first().click();
  await page.waitForFunction((usual) => [...document.querySelectorAll('.row[role="treeitem"] .label')].map((e) => e.textContent).join() === usual.join(), usual);
});

test("every order is tried, grouped by what it comes to, and can be stepped through", async () => {
  const page = await site.open({ hash: "#ex=race-drift" });
  await lanes(page);
  await page.keyboard.press("6");
  await page.click('text="Try every order"');
  await page.waitForSelector('text=the order matters.');
  const groups = page.locator('.piece:has-text("order comes to this"), .piece:has-text("orders come to this")');
  assert.ok((await groups.count()) > 1);
  await groups.last().locator('text="step through it"').click();
  await page.waitForSelector('text="Back to the usual order"');
  assert.match(await groups.last().textContent(), /on show/);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "on show", "the focus stays where one is");
  await page.keyboard.press("Home");
  assert.match(await page.getAttribute(".scrub input", "aria-valuetext"), /^Event 1 of/);
  await page.click('[aria-label^="Next event"]');
  assert.deepEqual(await violations(page), []);
  await page.click('text="Back to the usual order"');
  await page.waitForFunction(() => !document.body.textContent.includes("Back to the usual order"));
  await inspect(page, "Why");
  assert.deepEqual(page.problems, []);
});
