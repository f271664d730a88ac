// The editor: colours inside YAML, format, files, completion, a plain field; and Stop.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import violations from "./axe.mjs";
import { start } from "./page.mjs";
import { blank, outcome, overflow, pasted, settled, tab, write } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const code = (page) => page.locator(".cm-content");
const CEL = `apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata:
  name: p
spec:
  validations:
  - expression: |
      object.spec.containers.all(c, !c.image.endsWith(':latest')) && true // why
    message: "{{ request.object.kind | to_upper(@) }}"
`;

test("CEL and JMESPath have colours inside YAML", async () => {
  const page = await site.open();
  await blank(page);
  await write(page, CEL);
  const texts = (kind) => page.locator(`.cm-x-${kind}`).allTextContents();
  await page.waitForSelector(".cm-cel .cm-x-call, .cm-x-call");
  assert.ok((await texts("name")).includes("object"));
  assert.ok((await texts("name")).includes("request"));
  assert.ok((await texts("call")).join().match(/all.*endsWith.*to_upper/));
  assert.ok((await texts("string")).includes("':latest'"));
  assert.ok((await texts("comment")).join().includes("// why"));
  assert.ok(await page.locator(".cm-jmespath").count());
  assert.deepEqual(await violations(page), []);
});

const UGLY = "# head\nkind:   ConfigMap   # why\napiVersion: v1\nmetadata:\n     name: c\ndata:\n    mode: \"0755\"\n    list: |\n        a\n          b\n";
const TIDY = "# head\nkind: ConfigMap # why\napiVersion: v1\nmetadata:\n  name: c\ndata:\n  mode: \"0755\"\n  list: |\n    a\n      b\n";
const text = (page) => page.evaluate(() => [...document.querySelectorAll(".cm-line")].map((line) => line.textContent).join("\n"));

test("format keeps comments, says what it cannot read, and can be undone", async () => {
  const page = await site.open();
  await blank(page);
  await tab(page, "resource.yaml");
  await write(page, UGLY);
  await code(page).click();
  await page.keyboard.press("Shift+Alt+F");
  await page.waitForFunction(() => !document.querySelector(".cm-content").textContent.includes("kind:   "));
  assert.equal(await text(page), TIDY);
  await page.keyboard.press("Control+z");
  assert.equal(await text(page), UGLY);
  await write(page, "a: [1\nb: 2\n");
  await page.click('.code-tools >> text="Format"');
  await page.waitForFunction(() => document.querySelector(".toasts").textContent.includes("Not formatted"));
  assert.equal(await text(page), "a: [1\nb: 2\n");
});

test("files have names; a paste of several documents runs them all", async () => {
  const page = await site.open();
  await blank(page);
  await tab(page, "resource.yaml");
  const map = (name) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: default\n`;
  await write(page, ["a", "b", "c"].map(map).join("---\n"));
  assert.match(await outcome(page), /3 created/);
  await page.locator('.tab .name:has-text("resource.yaml")').focus();
  await page.keyboard.press("F2");
  await page.keyboard.type("maps.yaml");
  await page.keyboard.press("Enter");
  await settled(page);
  await page.waitForSelector('.tab .name:has-text("maps.yaml")');
  await page.click('[aria-label="Add a file"]');
  await write(page, map("d"));
  assert.match(await outcome(page), /4 created/);
});

test("completion and hover know the schema", async () => {
  const page = await site.open();
  await blank(page);
  await code(page).click();
  await page.keyboard.press("Control+Home");
  await page.locator('.cm-line:has-text("failureAction")').click();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type("all");
  await page.waitForSelector(".cm-tooltip-autocomplete li");
  assert.match(await page.locator(".cm-tooltip-autocomplete").textContent(), /allowExistingViolations/);
  await page.keyboard.press("Escape");
  await page.locator('.cm-line:has-text("failureAction")').first().hover({ position: { x: 90, y: 8 } });
  await page.waitForSelector(".cm-help");
  assert.match(await page.locator(".cm-help").textContent(), /failureAction/);
});

test("a plain field instead, and back, with the same text", async () => {
  const page = await site.open({ width: 390, height: 844, touch: true });
  await page.click(".panes >> text=Files");
  await page.click('.code-tools >> text="Plain"');
  const field = page.locator("textarea.plain");
  await field.fill((await field.inputValue()).replace('team: "?*"', 'team: "*"'));
  await settled(page);
  assert.deepEqual(await violations(page), []);
  assert.ok((await overflow(page)) <= 0);
  await page.click('.code-tools >> text="Plain"');
  await page.waitForFunction(() => document.querySelector(".cm-content").textContent.includes('team: "*"'));
});

test("a run that takes too long can be stopped, and the next edit starts again", async () => {
  const page = await site.open();
  const many = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: many\n  namespace: default\ndata:\n${Array.from({ length: 1500 }, (_, i) => `  k${i}: v\n`).join("")}`;
  const policy = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: slow
spec:
  rules:
  - name: pairs
    match:
      any:
      - resources:
          kinds: [ConfigMap]
    validate:
      failureAction: Enforce
      message: no pair is alike
      foreach:
      - list: keys(request.object.data)
        foreach:
        - list: keys(request.object.data)
          deny:
            conditions:
              any:
              - key: "{{ element }}"
                operator: Equals
                value: "{{ elementIndex }}"
`;
  await blank(page);
  await write(page, policy);
  await tab(page, "resource.yaml");
  await code(page).click();
  await page.keyboard.press("Control+a");
  await page.evaluate((text) => navigator.clipboard.writeText(text), many);
  await page.keyboard.press("Control+v");
  await page.click('.foot >> text="Stop"', { timeout: 20_000 });
  await page.waitForSelector('.foot >> text="stopped; an edit starts again"');
  await write(page, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: default\n");
  assert.match(await outcome(page), /1 created/);
  assert.deepEqual(page.problems, []);
});

test("by keyboard alone, from the editor to its tools and back", async () => {
  const page = await site.open();
  await pasted(page, CEL, "");
  await code(page).focus();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Shift+Tab");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Plain|Format/);
  await page.keyboard.press("Enter");
});
