// A stranger's path, without reading anything: the story plays, one's own policy is pasted, it blocks, why, the fix, the link.
// STEPGATE_SHOTS=FOLDER keeps a picture of each step.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./page.mjs";
import { blank, outcome, shot, tab, write } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const POLICY = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: disallow-latest-tag
spec:
  rules:
  - name: pinned-image
    match:
      any:
      - resources:
          kinds: [Pod]
    validate:
      failureAction: Enforce
      message: "Use a fixed tag, not latest."
      pattern:
        spec:
          containers:
          - image: "!*:latest"
`;
const POD = (tag) => `apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: default
spec:
  containers:
  - name: web
    image: nginx:${tag}
`;

for (const [name, options] of [["wide", {}], ["dark", { colorScheme: "dark" }], ["phone", { width: 390, height: 844, touch: true }]]) {
  test(`open, play, paste, see why, fix, share: ${name}`, async () => {
    const phone = name === "phone";
    const pane = async (text) => phone && page.click(`.panes >> text=${text}`);
    const page = await site.open(options);
    await page.waitForSelector(".row.now");
    assert.match(await outcome(page), /1 denied/);
    await shot(page, `stranger-${name}-1-open`);

    await page.locator(".scrub input").fill("0");
    await page.click('[aria-label^="Play"]');
    await page.waitForFunction(() => Number(document.querySelector(".where b").textContent) >= 3);
    await shot(page, `stranger-${name}-2-plays`);
    await page.click('[aria-label^="Pause"]');

    await blank(page);
    await pane("Files");
    await write(page, POLICY);
    await tab(page, "resource.yaml");
    await write(page, POD("latest"));
    await shot(page, `stranger-${name}-3-pasted`);
    assert.match(await outcome(page).catch(() => ""), /1 denied/);

    await pane("Why");
    if (!phone) await page.click(".outcome .p-deny");
    assert.match(await page.locator(".msg").first().textContent(), /disallow-latest-tag:\n\s+pinned-image: .*Use a fixed tag, not latest\./s);
    assert.match(await page.locator(".why .tree").textContent(), /wants "!\*:latest", found "?nginx:latest/);
    await shot(page, `stranger-${name}-4-why`);

    await page.locator(".why .place.kv").first().click();
    await page.waitForSelector('.tab.on:has-text("resource.yaml")');
    assert.match(await page.locator(".cm-activeLine").textContent(), /image: nginx:latest/);
    await write(page, POD("1.27"));
    await pane("Timeline");
    assert.match(await outcome(page), /1 created/);
    assert.ok(!/denied/.test(await outcome(page)));
    await shot(page, `stranger-${name}-5-fixed`);

    await page.click('header >> text="Share"');
    await page.waitForFunction(() => document.querySelector(".link-row input")?.value.includes("#z1."));
    await shot(page, `stranger-${name}-6-share`);
    const link = await page.inputValue(".link-row input");
    const other = await site.open({ hash: link.slice(link.indexOf("#")) });
    assert.match(await outcome(other), /1 created/);
    assert.deepEqual(page.problems, []);
  });
}
