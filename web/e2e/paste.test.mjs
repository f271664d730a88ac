// A stranger's path: paste policies and a resource of one's own, see why it is refused and what was tried all the same, fix it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./page.mjs";
import { blank, events, inspect, profile, settled, tab, write } from "./type.mjs";

const POLICIES = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: need-owner
spec:
  rules:
  - name: has-owner
    match:
      any:
      - resources:
          kinds:
          - Namespace
    validate:
      failureAction: Enforce
      message: Say who owns it.
      pattern:
        metadata:
          annotations:
            owner: "?*"
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: owners-may
spec:
  rules:
  - name: bind
    match:
      any:
      - resources:
          kinds:
          - Namespace
    generate:
      synchronize: true
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      name: owners
      namespace: "{{request.object.metadata.name}}"
      data:
        roleRef:
          apiGroup: rbac.authorization.k8s.io
          kind: ClusterRole
          name: edit
        subjects:
        - apiGroup: rbac.authorization.k8s.io
          kind: Group
          name: owners
`;
const NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: orphan\n";
const FIXED = `${NAMESPACE}  annotations:\n    owner: alice\n`;

let site;
before(async () => (site = await start()));
after(() => site.close());

async function pasted(options) {
  const page = await site.open(options);
  await blank(page);
  await write(page, POLICIES);
  await tab(page, "resource.yaml");
  await write(page, NAMESPACE);
  return page;
}

test("refused, and generated for all the same, in every version as it is", async () => {
  const page = await pasted();
  for (const [version, attempted, level] of [["1.15", true, "ERR"], ["1.18", true, "TRC"], ["1.19", false, "TRC"]]) {
    await profile(page, version);
    await page.locator("#timeline").focus();
    await page.keyboard.press("d");
    await inspect(page, "Why");
    await page.click('.outcome .p-deny');
    const words = await page.locator(".msg").first().textContent();
    assert.match(words, /resource Namespace\/\/orphan was blocked due to the following policies *\n\nneed-owner:\n {2}has-owner: /, version);
    const all = (await events(page)).join("\n");
    assert.match(all, /UpdateRequest ur-\w+: Pending/, version);
    assert.equal(/404 namespaces "orphan" not found/.test(all), attempted, `${version}:\n${all}`);
    await page.keyboard.press("End");
    await inspect(page, "Logs");
    await page.click('.chip:has-text("default")');
    const logs = await page.locator(".logs").textContent();
    assert.match(logs, new RegExp(`${level} .*(failed to apply generate rule|warning: reason|start processing UR)`), version);
    await inspect(page, "Cluster");
    assert.ok(!/RoleBinding/.test(await page.locator(".objects").textContent()), version);
  }
  assert.deepEqual(page.problems, []);
});

test("the cursor stays on its event while one types, and the fix shows what becomes of it", async () => {
  const page = await pasted();
  await page.click('.outcome .p-deny');
  const denied = (await page.locator(".row.now").textContent()).replace(/\d+/g, "");
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.insertText("# still without an owner\n");
  await settled(page);
  assert.equal((await page.locator(".row.now").textContent()).replace(/\d+/g, ""), denied);
  await write(page, FIXED);
  assert.match(await page.locator(".row.now").textContent(), /created/);
  assert.match(await page.locator(".outcome").textContent(), /1 generated/);
  await page.locator("#timeline").focus();
  await page.keyboard.press("End");
  await inspect(page, "Cluster");
  await page.click('.object:has-text("RoleBinding")');
  assert.match(await page.locator(".yaml").textContent(), /name: owners/);
  await page.click('.yaml .v:has-text("edit")');
  assert.match(await page.locator(".row.now").textContent(), /RoleBinding owners/);
});

test("an object is deleted as a user would, which is a step", async () => {
  const page = await pasted();
  await write(page, FIXED);
  await page.locator("#timeline").focus();
  await page.keyboard.press("End");
  await inspect(page, "Cluster");
  await page.click('.object:has-text("RoleBinding")');
  await page.click('.sheet >> text="Delete"');
  await settled(page);
  await page.click(".tab.side");
  assert.match(await page.locator(".steps").innerHTML(), /delete RoleBinding orphan\/owners/);
  assert.match(await page.locator(".outcome").textContent(), /2 generated|put back/);
  await page.click('.steps li:last-child [aria-label="Run this step"]');
  await settled(page);
  assert.match(await page.locator(".outcome").textContent(), /1 generated/);
});

const MISTAKES = [
  ["broken YAML", `${NAMESPACE}  labels: {a: b\n---\n${FIXED}`, /resource\.yaml:[56]/],
  ["an unknown field", POLICIES.replace("failureAction", "failurAction"), /resource\.yaml:14.*failurAction/],
  ["a NUL byte", "kind: Pod\nmeta\u0000data: {}\n", /resource\.yaml:2/],
];
for (const [what, text, place] of MISTAKES) {
  test(`${what} gets a message at its line, and its neighbours run`, async () => {
    const page = await pasted();
    await write(page, text);
    await page.waitForSelector(".foot .problem");
    assert.match(await page.locator(".foot .problem").textContent(), place);
    await page.click(".foot .problem");
    assert.ok(await page.evaluate(() => document.activeElement.classList.contains("cm-content")));
    assert.deepEqual(page.problems, []);
  });
}

test("an empty file and an unknown kind do no harm", async () => {
  const page = await pasted();
  await write(page, " ");
  assert.match(await page.locator(".outcome").textContent(), /0 created/);
  await write(page, "apiVersion: example.com/v1\nkind: Gadget\nmetadata:\n  name: g\n");
  assert.ok(await page.locator(".foot").textContent());
  assert.deepEqual(page.problems, []);
});

test("a paste of two megabytes does not freeze the page", async () => {
  const page = await pasted();
  const docs = Array.from({ length: 12_000 }, (_, i) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c${i}\n  namespace: default\ndata:\n  text: ${"x".repeat(80)}\n`);
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.evaluate((text) => navigator.clipboard.writeText(text), docs.join("---\n"));
  await page.keyboard.press("Control+v");
  await page.waitForTimeout(1500);
  const began = Date.now();
  await page.click(".tab.side");
  await page.waitForSelector(".steps");
  assert.ok(Date.now() - began < 1500, "the page answers");
});

test("all of it by keyboard alone", async () => {
  const page = await site.open();
  await page.keyboard.press("Tab");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Skip to the timeline/);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+k");
  await page.waitForSelector("dialog[open] input");
  await page.keyboard.type("your own");
  await page.keyboard.press("Escape");
  await page.keyboard.press("3");
  await page.waitForSelector('#tab-Cluster[aria-selected="true"]');
  await page.locator(".cm-content").focus();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.ok(!(await page.evaluate(() => document.activeElement.classList.contains("cm-content"))), "Escape, then Tab, leaves the editor");
});
