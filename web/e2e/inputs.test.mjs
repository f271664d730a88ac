// The forms for what a person thinks of: steps, who asks, what is there already, exceptions, the outside, Kyverno's set-up.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import violations from "./axe.mjs";
import { start } from "./page.mjs";
import { inspect, lanes, outcome, overflow, pasted, settled, side, tab, write, zoom } from "./type.mjs";

let site;
before(async () => (site = await start()));
after(() => site.close());

const section = (page, name) => page.click(`.inputs summary:has-text("${name}")`);
const field = (page, label) => page.locator(`.inputs .field:has(> span:text-is("${label}")) :is(input, textarea)`).last();
async function put(page, label, text) {
  const shown = field(page, label).and(page.locator(":visible"));
  await shown.fill(text);
  await shown.blur();
  await settled(page);
}
const steps = async (page) => {
  await zoom(page, "Steps");
  return (await page.locator(".step").allTextContents()).join("\n");
};

test("a step is a dry run, is another user's, moves, and goes", async () => {
  const page = await site.open();
  await side(page, "steps");
  await page.click('.steps li >> text="dry run"');
  await settled(page);
  assert.ok(!/generate attempt/.test(await outcome(page)), "a dry run makes no UpdateRequest");
  await page.fill(".steps .who", "alice, devs");
  await page.locator(".steps .who").blur();
  await settled(page);
  assert.match(await steps(page), /--as alice --dry-run=server/);
  await page.click('text="+ let time pass"');
  await settled(page);
  assert.match(await steps(page), /sleep 1h/);
  await page.click('.steps li:last-child [aria-label="Move up"]');
  await settled(page);
  assert.match((await steps(page)).split("\n")[0], /sleep 1h/);
  await page.click('.steps li:first-child [aria-label="Remove"]');
  await settled(page);
  assert.ok(!/sleep/.test(await steps(page)));
  assert.deepEqual(page.problems, []);
});

test("who I am is said once for all steps", async () => {
  const page = await site.open({ hash: "#ex=good-namespace-sync" });
  await side(page, "inputs");
  await page.click('.inputs .chip:has-text("Argo CD")');
  await settled(page);
  assert.equal((await steps(page)).match(/--as system:serviceaccount:argocd/g)?.length, 3);
  await put(page, "User", "bob");
  assert.equal((await steps(page)).match(/--as bob/g)?.length, 3);
});

test("what is there already is not admitted", async () => {
  const page = await site.open();
  await side(page, "inputs");
  const file = page.locator('.inputs fieldset label:has-text("policies.yaml") input');
  assert.ok(await file.isChecked());
  await file.uncheck();
  await settled(page);
  assert.match(await steps(page), /apply -f policies\.yaml/);
  await file.check();
  await settled(page);
  assert.ok(!/policies\.yaml/.test(await steps(page)));
});

test("an exception for one object lifts a rule, from the form and from the denial", async () => {
  const page = await site.open();
  await side(page, "inputs");
  await section(page, "Exceptions");
  for (const [label, text] of [["Kind", "Namespace"], ["Name", "bad-namespace"]]) await put(page, label, text);
  await page.click('.inputs >> text="+ PolicyException"');
  await settled(page);
  assert.ok(!/denied/.test(await outcome(page)));
  assert.match(await page.locator(".cm-content").textContent(), /kind: PolicyException/);
  assert.match(await page.locator(".rules").textContent(), /is lifted by an exception: PolicyException default\/allow-bad-namespace/);

  const other = await site.open();
  await other.click('text="Make an exception"');
  await settled(other);
  assert.ok(!/denied/.test(await outcome(other)));
});

const CALLS = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: limit
spec:
  rules:
  - name: ask
    match:
      any:
      - resources:
          kinds: [ConfigMap]
    context:
    - name: limit
      apiCall:
        method: GET
        service:
          url: http://limits.example.com/max
    validate:
      failureAction: Enforce
      message: "At most {{ limit.max }}."
      deny:
        conditions:
          any:
          - key: "{{ request.object.data.size }}"
            operator: GreaterThan
            value: "{{ limit.max }}"
`;
const CONFIGMAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  namespace: default\ndata:\n  size: \"7\"\n";

test("an API call gets the answer that the form gives it", async () => {
  const page = await site.open();
  await pasted(page, CALLS, CONFIGMAP);
  await side(page, "inputs");
  await section(page, "API calls");
  await page.click('text="+ API call"');
  await put(page, "Method", "GET");
  await put(page, "URL or path", "http://limits.example.com/max");
  await put(page, "Body", "max: 5\n");
  await page.waitForFunction(() => document.querySelector(".msg")?.textContent.includes("At most 5."));
  await put(page, "Body", "max: 9\n");
  await page.waitForFunction(() => !document.querySelector(".outcome").textContent.includes("denied"));
  assert.match(await field(page, "The scenario without its files").inputValue(), /url: http:\/\/limits\.example\.com\/max/);
});

test("global context, images and HTTP answers are written to the scenario", async () => {
  const page = await site.open();
  await side(page, "inputs");
  for (const [name, button, label, text] of [["Global context", "+ Global context", "Name", "teams"], ["Images", "+ Image", "Image", "ghcr.io/x/y:1"], ["HTTP", "+ HTTP", "Status", "404"]]) {
    await section(page, name);
    await page.click(`.inputs >> text="${button}"`);
    await put(page, label, text);
  }
  const all = await field(page, "The scenario without its files").inputValue();
  for (const want of [/globalContext:\n\s+- name: teams/, /images:\n\s+- image: ghcr\.io\/x\/y:1/, /statusCode: 404/]) assert.match(all, want);
});

test("what is being written stays while the run comes in, and so does YAML that cannot be read", async () => {
  const page = await site.open();
  await side(page, "inputs");
  await section(page, "Global context");
  await page.click('.inputs >> text="+ Global context"');
  const name = field(page, "Name").and(page.locator(":visible"));
  await name.click();
  await page.keyboard.type("te");
  await settled(page);
  await page.keyboard.type("ams");
  assert.equal(await name.inputValue(), "teams");

  const data = field(page, "Data");
  await data.fill("a: [");
  await data.blur();
  await page.waitForSelector('.inputs [role="alert"]');
  await put(page, "Title", "Another title");
  assert.equal(await data.inputValue(), "a: [");
  assert.match(await field(page, "The scenario without its files").inputValue(), /title: Another title[\s\S]*- name: teams\n/);
  await put(page, "Data", "a: [1]");
  assert.match(await field(page, "The scenario without its files").inputValue(), /- name: teams\n\s+data:\n\s+a:\n\s+- 1\n/);

  await page.locator(".tab .name").first().dblclick();
  await page.keyboard.press("Control+a");
  await page.keyboard.type("pol");
  await page.evaluate(() => document.querySelector('.bar [aria-label^="Next event"]').click());
  await page.keyboard.type("icy.yaml");
  await page.keyboard.press("Enter");
  assert.match(await page.locator(".tablist").textContent(), /policy\.yaml/);
});

test("Kyverno's ConfigMap and flags count", async () => {
  const page = await site.open();
  await side(page, "inputs");
  await section(page, "ConfigMap and flags");
  await page.click('.inputs label:has-text("Kyverno cannot be reached")');
  await settled(page);
  await page.click(".outcome .p-deny");
  assert.match(await page.locator(".msg").first().textContent(), /failed calling webhook/);
  await page.click('.inputs label:has-text("Kyverno cannot be reached")');
  await put(page, "resourceFilters: what never reaches a policy, as [kind,namespace,name]", "[Namespace,*,*]");
  assert.match(await outcome(page), /1 created/);
  await page.click('.inputs >> text=/^ConfigMap and flags · 1 changed/');
});

test("the text is the truth: it can be written, and what is wrong with it is said", async () => {
  const page = await site.open();
  await side(page, "inputs");
  const label = "The scenario without its files";
  const text = await field(page, label).inputValue();
  await put(page, label, text.replace(/^title:.*$/m, "title: My own"));
  await page.waitForFunction(() => document.querySelector("h1").textContent === "My own");
  await put(page, label, "title: [a");
  await page.waitForSelector(".inputs .problem");
  assert.equal(await page.textContent("h1"), "My own");
  await put(page, label, text.replace(/^kyverno:.*$/m, "kyverno: \"1.19\""));
  assert.equal(await page.inputValue('[aria-label="Kyverno version"]'), "1.19");
});

test("an object of the cluster is edited as a user would, which is a step", async () => {
  const page = await site.open({ hash: "#ex=good-namespace-sync" });
  await lanes(page);
  await page.keyboard.press("End");
  await inspect(page, "Cluster");
  await page.click('.object:has-text("good-namespace")');
  await page.click('.object:has-text("Namespace")');
  await page.click('.sheet >> text="Edit as a user"');
  await settled(page);
  await page.waitForSelector('.tab.on:has-text("edit-")');
  await write(page, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: good-namespace\n");
  assert.match(await outcome(page), /denied/);
  assert.match(await steps(page), /kubectl replace -f edit-namespace-good-namespace\.yaml/);
});

test("by keyboard alone", async () => {
  const page = await site.open();
  await lanes(page);
  await page.keyboard.press("i");
  await page.waitForSelector(".inputs");
  await page.locator(".inputs input").first().focus();
  await page.keyboard.press("Space");
  await settled(page);
  assert.match(await steps(page), /apply -f policies\.yaml/);
  await page.keyboard.press("Tab");
});

for (const colorScheme of ["light", "dark"]) {
  test(`on a phone, and for axe, ${colorScheme}`, async () => {
    const page = await site.open({ width: 390, height: 844, touch: true, colorScheme });
    await page.click(".panes >> text=Files");
    for (const name of ["steps", "inputs"]) {
      await side(page, name);
      for (const summary of await page.locator(".inputs summary").all()) await summary.click();
      assert.ok((await overflow(page)) <= 0, name);
      assert.deepEqual(await violations(page), [], name);
    }
    await tab(page, "policies.yaml");
    assert.ok(await page.locator(".cm-content").isVisible());
  });
}
