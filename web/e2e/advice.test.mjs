// Advice: each piece with its event and a fix of one click; which log lines to ignore, and the rules that say so.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import violations from "./axe.mjs";
import { start } from "./page.mjs";
import { inspect, lanes, outcome, overflow, pasted, profile, settled } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const piece = (page, words) => page.locator(".piece", { hasText: words }).first();

test("a generate rule that matches what is refused gets the tightened match", async () => {
  const page = await site.open();
  await inspect(page, "Advice");
  await piece(page, "matches what another policy refuses").locator('text="its event"').click();
  assert.match(await page.locator(".row.now").textContent(), /denied/);
  await inspect(page, "Advice");
  await page.click('text="Match only objects with these labels"');
  await settled(page);
  assert.match(await page.locator(".cm-content").textContent(), /selector:.*matchLabels:.*team: "\?\*"/);
  assert.match(await outcome(page), /1 denied/);
  assert.ok(!/generate attempt/.test(await outcome(page)));
  await page.locator(".cm-content").focus();
  await page.keyboard.press("Control+z");
  await settled(page);
  assert.match(await outcome(page), /generate attempt/, "a fix can be undone");
});

const OLD = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: old
spec:
  validationFailureAction: enforce
  rules:
  - name: team
    match:
      resources:
        kinds: [ConfigMap]
    validate:
      message: not this one
      deny:
        conditions:
        - key: "{{ request.object.metadata.name }}"
          operator: In
          value: [bad]
  - name: make
    match:
      any:
      - resources:
          kinds: [Namespace]
          operations: [CREATE]
    generate:
      synchronize: true
      apiVersion: v1
      kind: ConfigMap
      name: made
      namespace: "{{ request.object.metadata.name }}"
      data: {}
`;
const BAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bad\n  namespace: default\n";

test("each kind of advice is followed with one click, and the run stays what it was", async () => {
  const page = await site.open();
  await pasted(page, OLD, BAD);
  await profile(page, "1.18");
  await inspect(page, "Advice");
  for (const [words, want] of [
    ["validationFailureAction` is deprecated".replace("`", ""), /failureAction: Enforce/],
    ["match.resources", /any:\s*- resources/],
    ["operator In", /operator: AnyIn/],
    ["lists operations and synchronizes", /kinds: \[Namespace\]\s+generate/],
  ]) {
    const found = piece(page, words);
    await found.waitFor();
    await found.locator(".btn").click();
    await settled(page);
    await page.waitForFunction((words) => ![...document.querySelectorAll(".piece")].some((p) => p.textContent.includes(words)), words);
    assert.match(await page.locator(".cm-content").innerText(), want, words);
    assert.match(await outcome(page), /1 denied/, words);
  }
  assert.deepEqual(page.problems, []);
});

test("synchronize that is not said, and what a classic policy is in the CEL kinds", async () => {
  const page = await site.open();
  const policy = OLD.slice(OLD.indexOf("  - name: make")).replace("      synchronize: true\n", "");
  await pasted(page, `${OLD.slice(0, OLD.indexOf("  validationFailureAction"))}  rules:\n${policy}`, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: fresh\n");
  await profile(page, "1.18");
  await inspect(page, "Advice");
  await page.click('text="Keep it synchronized"');
  await settled(page);
  assert.match(await page.locator(".cm-content").textContent(), /synchronize: true/);
  const equivalent = piece(page, "can be written as GeneratingPolicy");
  await equivalent.locator("summary").click();
  assert.match(await equivalent.locator("pre").textContent(), /kind: GeneratingPolicy/);
  await equivalent.locator(".btn").click();
  await settled(page);
  assert.match(await page.locator(".cm-content").textContent(), /kind: GeneratingPolicy/);
  await page.waitForFunction(() => /1 generated/.test(document.querySelector(".outcome").textContent));
});

test("each error line is marked, and a filter ignores exactly the expected ones", async () => {
  const page = await site.open();
  await lanes(page);
  await page.keyboard.press("End");
  await inspect(page, "Logs");
  assert.match(await page.locator(".logs").textContent(), /✓ expected/);
  await inspect(page, "Advice");
  await page.locator(".lines-of-run").waitFor();
  assert.match(await page.locator(".lines-of-run").textContent(), /✓ expected.*failed to apply generate rule/);
  for (const [name, want] of [["LogQL that ignores", /!~ `failed to apply generate rule/], ["Loki rule", /alert: KyvernoControllerErrors/], ["Prometheus rule", /alert: KyvernoBackground/]]) {
    await page.click(`.advice summary:has-text("${name}")`);
    assert.match(await page.locator(`.advice details:has(summary:has-text("${name}")) pre`).textContent(), want);
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`on a phone, and for axe, ${colorScheme}`, async () => {
    const page = await site.open({ width: 390, height: 844, touch: true, colorScheme });
    await page.click(".panes >> text=Why");
    await inspect(page, "Advice");
    await page.locator(".piece").first().waitFor();
    assert.ok((await overflow(page)) <= 0);
    assert.deepEqual(await violations(page), []);
  });
}

test("by keyboard alone", async () => {
  const page = await site.open();
  await lanes(page);
  await page.keyboard.press("6");
  const fix = page.locator('text="Match only objects with these labels"');
  await fix.focus();
  await page.keyboard.press("Enter");
  await settled(page);
  assert.ok(!/generate attempt/.test(await outcome(page)));
});
