// Why: every rule's word, matched or not, with values and places; editor and decisions point at each other.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import violations from "./axe.mjs";
import { start } from "./page.mjs";
import { inspect, lanes, overflow, pasted, settled, tab, write } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const CEL = `apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata:
  name: few-replicas
spec:
  validationActions: [Deny]
  matchConstraints:
    resourceRules:
    - apiGroups: [apps]
      apiVersions: [v1]
      operations: [CREATE, UPDATE]
      resources: [deployments]
  variables:
  - name: most
    expression: "3"
  validations:
  - expression: object.spec.replicas <= variables.most && object.metadata.name.startsWith('a')
    message: too many
`;
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  namespace: default
spec:
  replicas: 5
  selector:
    matchLabels: {app: api}
  template:
    metadata:
      labels: {app: api}
    spec:
      containers:
      - name: c
        image: nginx:1
`;
const PATTERN = (variable) => `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: named
spec:
  rules:
  - name: prefix
    match:
      any:
      - resources:
          kinds: [ConfigMap]
          namespaces: ["prod-*"]
    exclude:
      any:
      - resources:
          names: [spare]
    validate:
      failureAction: Enforce
      message: not like this
      deny:
        conditions:
          any:
          - key: "{{ ${variable} }}"
            operator: Equals
            value: x
`;
const CONFIGMAP = (namespace, name = "c") => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n  namespace: ${namespace}\n`;
const NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: prod-a\n---\n";

test("each part of a CEL expression has its value", async () => {
  const page = await site.open();
  await pasted(page, CEL, DEPLOYMENT);
  await page.click(".outcome .p-deny");
  const tree = await page.locator(".why .tree").textContent();
  assert.match(tree, /object\.spec\.replicas <= variables\.most/);
  assert.match(tree, /object\.spec\.replicas found 5/);
  assert.match(tree, /variables\.most found 3/);
  assert.match(await page.locator(".msg").first().textContent(), /too many/);
  assert.deepEqual(page.problems, []);
});

test("where no rule matched, what came closest is told, and why it did not", async () => {
  const page = await site.open();
  await pasted(page, PATTERN("request.object.metadata.name"), CONFIGMAP("default"));
  const note = page.locator(".why .note", { hasText: "No rule matched" });
  assert.match(await note.textContent(), /Closest: named \/ prefix, but match: namespaces: prod-\*, found default/);
  await write(page, NAMESPACE + CONFIGMAP("prod-a", "spare"));
  assert.match(await page.locator(".rules").textContent(), /named \/ prefix excludes it: exclude: names: spare, found spare/);
  await write(page, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: default\n");
  assert.match(await note.textContent(), /match: kinds: ConfigMap, found v1\/Secret/);
});

test("every rule is listed with its word, and opens to its decisions", async () => {
  const page = await site.open();
  await page.click(".rules > summary");
  const lines = page.locator(".rules li");
  assert.match(await lines.first().textContent(), /require-team \/ check-team does not hold/);
  assert.match(await page.locator(".rules").textContent(), /rolebinding-template \/ team-admins applies and holds/);
  await lines.first().locator("summary").click();
  for (const _ of ["match", "any[0]"]) await lines.first().locator('.fold[aria-expanded="false"]').first().click();
  assert.match(await lines.first().textContent(), /kinds: Namespace, found v1\/Namespace/);
});

test("a variable that does not resolve is named", async () => {
  const page = await site.open();
  await pasted(page, PATTERN("request.object.data.missing"), NAMESPACE + CONFIGMAP("prod-a"));
  await lanes(page);
  await page.keyboard.press("d");
  assert.match(await page.locator(".why").textContent(), /request\.object\.data\.missing/);
  assert.match(await page.locator(".why").textContent(), /Unknown key "data"|failed to resolve|not (found|resolve)/i);
});

test("a decision leads to its line, a line to its decisions and events", async () => {
  const page = await site.open();
  await page.locator('.why .place:has-text("wants")').first().click();
  assert.match(await page.locator(".cm-activeLine").textContent(), /team: "\?\*"/);
  assert.ok(await page.evaluate(() => document.activeElement.classList.contains("cm-content")));
  await page.locator(".leaf.lit").first().waitFor();
  assert.match(await page.locator(".leaf.lit").first().textContent(), /wants/);
  assert.ok(await page.locator(".row.lit").count(), "its events are marked");
  await page.locator('.why .place.kv').first().click();
  await page.waitForSelector('.tab.on:has-text("namespace.yaml")');
  await tab(page, "policies.yaml");
  await page.locator('.cm-line:has-text("kinds: [Namespace]")').first().click();
  await page.locator('.leaf.lit:has-text("kinds: Namespace")').first().waitFor();
  await page.keyboard.press("Alt+Enter");
});

test("warnings and the exact words of kubectl are told, and what was made with its origin", async () => {
  const page = await site.open({ hash: "#ex=good-namespace-sync" });
  await inspect(page, "Report");
  const report = await page.locator(".report").textContent();
  assert.match(report, /✓ doneNamespace good-namespace|✓ done Namespace/);
  assert.match(report, /⟳ generated NetworkPolicy.* by default-deny \/ deny-all-traffic/);
  await page.locator('.answers .pill:has-text("generated") + button').first().click();
  assert.equal(await page.getAttribute("#tab-Change", "aria-selected"), "true");
  const denied = await site.open();
  await inspect(denied, "Report");
  assert.match(await denied.locator(".report .msg").first().textContent(), /^Error from server: error when creating "namespace\.yaml": admission webhook/);
});

for (const colorScheme of ["light", "dark"]) {
  test(`on a phone, and for axe, ${colorScheme}`, async () => {
    const page = await site.open({ width: 390, height: 844, touch: true, colorScheme });
    await page.click(".panes >> text=Why");
    await page.click(".rules > summary");
    await page.locator(".rules li summary").first().click();
    assert.ok((await overflow(page)) <= 0);
    assert.deepEqual(await violations(page), []);
    await inspect(page, "Report");
    assert.deepEqual(await violations(page), []);
  });
}

test("by keyboard alone: the rules open and their places are reached", async () => {
  const page = await site.open();
  await page.locator(".rules > summary").focus();
  await page.keyboard.press("Enter");
  await page.locator(".rules li summary").first().focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await settled(page);
  assert.ok(await page.evaluate(() => document.activeElement.closest(".rules") !== null));
});
