// What comes into the page: links of the official playground, its export, tests of other tools, archives, folders, pastes, GitHub.
import assert from "node:assert/strict";
import { readFileSync, mkdtempSync, mkdirSync, writeFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import AxeBuilder from "./axe.mjs";
import { start } from "./page.mjs";
import { settled } from "./type.mjs";

/** A link as the official playground makes it, with a user, a role, labels of the namespace and the value of a ConfigMap. */
const OWN =
  "https://playground.kyverno.io/#/?content=N4IgDg9gNglgxgTxALhAQzDAagUwE4DOMEAdsgAQDWCAbviRAHTED0NAjADomUwkAmFAMJQArgQAu%2BAArR4CbgFscEtPzSrk3cuRJplFEjh" +
  "z8AtBADuRvNwJgccLSR15RUHASc7Tu%2FTgoAFmgE5lb42jrkihpwAV6ROmgkCPEJPngeEKJ4cB6pCZG8Ap7kANqy%2FAC6ETpwpFIAHhL5PnoG5JbWBDWRdSQAZjAA5gCyGBTAbf4dYYQANL7Kdmi" +
  "5FPw4%2FWhuEgC%2BPTRosOpS%2BTqbMGIZAIJwEsRk5ACiAxA5OD06SwRoQ9MAymgEOQLAEIDMSARyDAJIwPuR1slTr1SPxofdPHCEkkUpjIj5KDgUuROCBgMByBkAI6iDwwiAAIwAVg4YcpVMc0I" +
  "woGh6TgoARGJ18OQAD4i8gAcgl5B2exAuISEHseA0rwoV2SADkIBIAJIkBWRA5iaYksng%2FACjmMSgMKwyuXcEBzEAZAhZN4odCYXCEe4UDjcIqCcgVJQqNQaNDxKYUV5gIIG5yLDxgFbTdabba2e" +
  "yOCJ9VR8S0UUqTPwUOALGDRX6GIZ8Bo7aokZ0gAs4JpeyiiXl4IxSDHJuh%2B0gUCXsRgAZnYEu47aa8XE9HL5EO8HeyaGeCyYBKpXWNAIzZc0DyZWP5DgYkk%2BAASqe9yZoRepstcgAZHl8krAHA" +
  "kGgUAOuwREq%2BAaP65BCLejxXAAKo83AHHgMA8u4g46EKhATByEy2p0Y6lCSa65CScwkvSDIkpUEqyk6Lp9IMQxeq2Ha5GAdykAQzE7EAA";
/** More links, one a line, where a file of them is named. */
const MORE = process.env.STEPGATE_PLAYGROUND_LINKS ? readFileSync(process.env.STEPGATE_PLAYGROUND_LINKS, "utf8").trim().split("\n") : [];
const LINKS = [OWN, ...MORE];
const POLICY = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: need-app
spec:
  rules:
  - name: has-app
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      failureAction: Enforce
      message: Say which app it is.
      pattern: {metadata: {labels: {app: "?*"}}}
`;
const POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: nameless\n  namespace: default\nspec:\n  containers: [{name: c, image: nginx}]\n";
const TEST = `apiVersion: cli.kyverno.io/v1alpha1
kind: Test
metadata: {name: apps}
policies: [policy.yaml]
resources: [../pod.yaml]
results: [{policy: need-app, rule: has-app, kind: Pod, resources: [nameless], result: fail}]
`;
const CHAINSAW = `apiVersion: chainsaw.kyverno.io/v1alpha1
kind: Test
metadata: {name: refused}
spec:
  steps:
  - name: policy
    try: [{apply: {file: policy.yaml}}]
  - name: pod
    try:
    - apply: {file: pod.yaml, expect: [{check: {($error != null): true}}]}
    - script: {content: "kubectl get pod | grep nameless"}
`;
const EXPORT = `date: 2024-05-01\nversion: v0.8\nprofiles:\n- name: one\n  policies: |\n${POLICY.replace(/^/gm, "    ")}\n  resources: |\n${POD.replace(/^/gm, "    ")}\n- name: two\n  policies: |\n${POLICY.replace(/^/gm, "    ")}\n`;

let site;
before(async () => (site = await start()));
after(() => site.close());

const dialog = (page) => page.locator("dialog[open]");
const tabs = (page) => page.locator(".tablist .tab").allTextContents();

async function opened(options) {
  const page = await site.open(options);
  await page.click('header >> text="Open"');
  await page.waitForSelector("dialog[open] .io-paste");
  return page;
}

async function read(page, text) {
  await page.fill(".io-paste", text);
  await page.click('dialog[open] >> text="Read"');
  await page.waitForSelector(".io-result > :not(p.quiet)");
}

/** Opens what was found and waits for its run. */
async function run(page, button = "Open") {
  await dialog(page).getByRole("button", { name: button, exact: button === "Open" }).first().click();
  await page.waitForFunction(() => !document.querySelector("dialog[open]"));
  await settled(page);
}

/** A ZIP of `{name: text}`; `lie` is the size that it claims for each file. */
function zip(files, { lie } = {}) {
  const parts = [], directory = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const data = deflateRawSync(Buffer.from(text));
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(lie ?? Buffer.byteLength(text), 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, tail, Buffer.from(name));
    parts.push(local);
    offset += local.length;
  }
  const size = Buffer.concat(directory).length;
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(directory.length / 4, 8);
  end.writeUInt16LE(directory.length / 4, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

const drop = (page, files) => page.evaluate((list) => {
  const data = new DataTransfer();
  for (const [name, text] of list) data.items.add(new File([text], name, { type: "text/yaml" }));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}, files);

const paste = (page, text, where = "body") => page.evaluate(([text, where]) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  document.querySelector(where).dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}, [text, where]);

for (const [n, link] of LINKS.entries()) {
  test(`link ${n + 1} of the official playground opens and runs, pasted and in the address`, async () => {
    const page = await opened();
    await read(page, link);
    assert.equal(await page.locator(".io-left").count(), 0, await page.locator(".io-result").textContent());
    await run(page);
    assert.match((await tabs(page)).join(), /policies\.yaml.*resources\.yaml/);
    assert.ok(await page.locator(".row").count() > 3);
    assert.equal(await page.locator(".foot .problem.tone-deny").count(), 0, await page.locator(".foot").textContent());
    const other = await site.open({ hash: link.slice(link.indexOf("#")) });
    await other.waitForFunction(() => document.querySelector(".tablist")?.textContent.includes("resources.yaml"));
    assert.deepEqual(await tabs(other), await tabs(page));
    assert.deepEqual([...page.problems, ...other.problems], []);
  });
}

test("an export of the playground gives its profiles to choose from", async () => {
  const page = await opened();
  await read(page, EXPORT);
  assert.deepEqual(await page.locator(".io-card b").allTextContents(), ["one", "two"]);
  await run(page, "Open “one”");
  assert.match(await page.locator(".outcome").textContent(), /1 denied/);
});

test("a kyverno-test.yaml folder, dropped; what has no counterpart is said", async () => {
  const page = await site.open();
  await drop(page, [["kyverno-test.yaml", TEST.replace("../", "")], ["policy.yaml", POLICY], ["pod.yaml", POD]]);
  await page.waitForSelector(".io-card");
  assert.match(await dialog(page).textContent(), /kyverno-test\.yaml · 2 files.*Not carried over.*the results \(1\): what each rule/s);
  await run(page);
  assert.match(await page.locator(".outcome").textContent(), /1 denied/);
});

test("a folder with several tests, chosen", async () => {
  const root = mkdtempSync(join(tmpdir(), "stepgate-folder-"));
  mkdirSync(join(root, "t/one"), { recursive: true });
  mkdirSync(join(root, "t/two"));
  for (const [path, text] of [["t/one/kyverno-test.yaml", TEST], ["t/one/policy.yaml", POLICY], ["t/pod.yaml", POD], ["t/two/chainsaw-test.yaml", CHAINSAW], ["t/two/policy.yaml", POLICY], ["t/two/pod.yaml", POD], ["t/logo.png", "x"]]) {
    writeFileSync(join(root, path), text);
  }
  const page = await opened();
  await page.locator("input[webkitdirectory]").setInputFiles(join(root, "t"));
  await page.waitForSelector(".io-card");
  assert.deepEqual((await page.locator(".io-card b").allTextContents()).sort(), ["apps", "refused"]);
  const said = await page.locator(".io-result").textContent();
  assert.match(said, /script `kubectl get pod \| grep nameless`/);
  assert.match(said, /One file that is no YAML/);
  await run(page, "Open “refused”");
  assert.match(await page.locator(".outcome").textContent(), /1 denied/);
  await page.click(".it >> text=Report");
  assert.match(await page.locator(".insp").textContent(), /denied Pod nameless/);
});

test("several files in one paste", async () => {
  const page = await opened();
  await read(page, `# file: kyverno-test.yaml\n${TEST.replace("../", "")}---\n# file: policy.yaml\n${POLICY}\n# file: pod.yaml\n${POD}`);
  await run(page);
  assert.deepEqual((await tabs(page)).map((tab) => tab.replace(/[^a-z.-]/g, "")), ["policy.yaml", "pod.yaml"]);
});

test("a Scenario document, pasted anywhere on the page", async () => {
  const page = await site.open();
  await page.locator("#timeline").focus();
  await paste(page, `apiVersion: stepgate.dev/v1\nkind: Scenario\ntitle: Mine\nfiles:\n  pod.yaml: |\n${POD.replace(/^/gm, "    ")}`);
  await page.waitForSelector(".io-card");
  await run(page);
  assert.equal(await page.locator("h1.title").textContent(), "Mine");
});

test("a link pasted into the editor opens; other text stays text", async () => {
  const page = await site.open();
  await paste(page, LINKS[0], ".cm-content");
  await page.waitForSelector(".io-card");
  await page.keyboard.press("Escape");
  await page.locator(".cm-content").click();
  await page.evaluate(() => navigator.clipboard.writeText("# pasted\n"));
  await page.keyboard.press("Control+v");
  assert.equal(await dialog(page).count(), 0);
});

test("plain YAML: dropped files are added, a paste may be added or opened", async () => {
  const page = await site.open();
  await drop(page, [["pod.yaml", POD]]);
  await page.waitForFunction(() => document.querySelector(".tablist").textContent.includes("pod.yaml"));
  assert.match((await tabs(page)).join(), /policies\.yaml.*namespace\.yaml.*pod\.yaml/);
  await page.click('header >> text="Open"');
  await read(page, POLICY);
  await run(page, "Add to this scenario");
  assert.match((await tabs(page)).join(), /policies\.yaml.*pasted\.yaml/);
});

test("a ZIP opens; one that unfolds to more than it says does not, and the page lives", async () => {
  const page = await opened();
  const input = page.locator('dialog[open] input[type="file"]').first();
  await input.setInputFiles({ name: "t.zip", mimeType: "application/zip", buffer: zip({ "t/kyverno-test.yaml": TEST.replace("../", ""), "t/policy.yaml": POLICY, "t/pod.yaml": POD, "t/x.png": "x" }) });
  await page.waitForSelector(".io-card");
  assert.match(await dialog(page).textContent(), /apps.*no YAML/s);
  await input.setInputFiles({ name: "bomb.zip", mimeType: "application/zip", buffer: zip({ "a.yaml": "a".repeat(50 << 20) }, { lie: 1000 }) });
  await page.waitForSelector("text=unfolds to more than it says");
  await input.setInputFiles({ name: "big.zip", mimeType: "application/zip", buffer: zip({ "a.yaml": "a".repeat(5 << 20), "b.yaml": POD }) });
  await page.waitForSelector("text=larger than 4 MB");
  await input.setInputFiles({ name: "no.zip", mimeType: "application/zip", buffer: Buffer.from("no archive at all, really not one") });
  await page.waitForSelector("text=no ZIP archive");
  assert.deepEqual(page.problems, []);
});

test("what is nothing says so, and a damaged link does too", async () => {
  const page = await opened();
  await read(page, "just words");
  assert.match(await page.locator(".io-result").textContent(), /nothing here is a Kubernetes object/);
  await read(page, `${LINKS[0].slice(0, 200)}`);
  assert.match(await page.locator(".io-result").textContent(), /damaged/);
  await read(page, TEST);
  assert.match(await page.locator(".io-result").textContent(), /policy\.yaml.*# file: NAME/s);
});

test("a file on GitHub is fetched when the button says so, from there only, and failure is plain", async () => {
  const page = await opened();
  const asked = [];
  await page.route("https://raw.githubusercontent.com/**", (route) => {
    asked.push(route.request().url());
    if (asked.length > 1) return route.abort();
    return route.fulfill({ body: POLICY, headers: { "access-control-allow-origin": "*" } });
  });
  await page.fill(".io-paste", "https://github.com/kyverno/policies/blob/main/best-practices/need-app.yaml");
  await page.waitForTimeout(300);
  assert.deepEqual(asked, [], "nothing is asked before the button");
  await page.click('text="Fetch from raw.githubusercontent.com"');
  await page.waitForSelector(".io-card");
  assert.deepEqual(asked, ["https://raw.githubusercontent.com/kyverno/policies/main/best-practices/need-app.yaml"]);
  await page.click('text="Fetch from raw.githubusercontent.com"');
  await page.waitForSelector("text=cannot be reached from this page");
  await page.fill(".io-paste", "https://example.com/policy.yaml");
  assert.match(await dialog(page).textContent(), /Only files on GitHub can be fetched/);
  assert.deepEqual(page.problems.filter((problem) => !/raw\.githubusercontent|ERR_FAILED/.test(problem)), []);
});

test("by keyboard alone", async () => {
  const page = await site.open();
  await page.locator("#timeline").focus();
  await page.keyboard.press("o");
  await page.waitForSelector("dialog[open] .io-paste:focus");
  await page.keyboard.insertText(POLICY + "---\n" + POD);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Read");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".io-card button:focus");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Open");
  await page.keyboard.press("Enter");
  await settled(page);
  assert.match(await page.locator(".outcome").textContent(), /1 denied/);
});

for (const [name, options] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", { width: 390, height: 844, touch: true }]]) {
  test(`axe finds nothing to say about Open, ${name}`, async () => {
    const page = await opened(options);
    await read(page, `${TEST.replace("../", "").replace(/^/, "# file: kyverno-test.yaml\n")}\n# file: policy.yaml\n${POLICY}\n# file: pod.yaml\n${POD}`);
    assert.deepEqual(await AxeBuilder(page), []);
    const wide = await page.evaluate(() => Math.max(document.querySelector("header").scrollWidth - innerWidth, document.querySelector("dialog[open]").scrollWidth - document.querySelector("dialog[open]").clientWidth));
    assert.ok(wide <= 0, `${wide} px too wide`);
  });
}
