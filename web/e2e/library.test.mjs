// Real policies, pasted as they are: Kyverno's own library beside its own resources. What its tests expect to fail is
// refused or reported on the page. STEPGATE_CONFORMANCE names the folder that holds the library.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { start } from "./page.mjs";
import { blank, inspect, settled, tab, write } from "./type.mjs";

const root = process.env.STEPGATE_CONFORMANCE;
const FOLDERS = ["policies/best-practices", "policies/other"];
/** Where a cluster answers otherwise than `kyverno test`, which has no API server: what does not have to fail, and why. */
const UNLIKE = {
  "imagepullpolicy-always": "the API server sets imagePullPolicy: Always for the tag latest before Kyverno is asked",
  "kube-system": "Kyverno's resourceFilters leave the namespace out",
  "CronJob/default/hello": "the API server refuses it: the Pods of a Job have a restartPolicy that is not Always",
};
let site;

before(async () => (site = await start()));
after(() => site.close());

/** The tests whose outcome needs nothing but their policies and resources, with what each expects. */
function library() {
  const command = ["test", "--format", "json", ...FOLDERS.map((folder) => join(root, folder))];
  const { stdout, stderr } = spawnSync("target/debug/stepgate", command, { encoding: "utf8", maxBuffer: 1 << 28 });
  assert.ok(stdout, stderr);
  return JSON.parse(stdout).tests.filter(({ format }) => format === "kyverno-test").flatMap(({ path, rows }) => {
    const text = readFileSync(path, "utf8");
    if (/^(variables|userinfo|values|context|exceptions|targetResources):/m.test(text)) return [];
    const listed = (key) => (text.match(new RegExp(`^${key}:\\n((?:[ ]*- .*\\n)+)`, "m"))?.[1] ?? "").split("\n")
      .map((line) => line.replace(/^ *- */, "").trim()).filter(Boolean)
      .map((file) => readFileSync(join(dirname(path), file), "utf8")).join("\n---\n");
    const namespaces = new Set(rows.map(({ resource }) => resource.split("/").at(-2)).filter((name) => name && !/^(default|kube-.*)$/.test(name)));
    const made = [...namespaces].map((name) => `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${name}\n---\n`).join("");
    return [{ path, rows, policies: listed("policies"), resources: made + listed("resources") }];
  });
}

test("the policies of Kyverno's library run as pasted", { skip: root ? false : "SKIPPED: set STEPGATE_CONFORMANCE" }, async () => {
  const page = await site.open();
  const tests = library();
  assert.ok(tests.length >= 50, `only ${tests.length} tests found`);
  const missed = [];
  for (const { path, rows, policies, resources } of tests) {
    await blank(page);
    await write(page, policies);
    await tab(page, "resource.yaml");
    await write(page, resources);
    await page.locator("#timeline").focus();
    await page.keyboard.press("End");
    await inspect(page, "Report");
    const said = (await page.locator(".report tr").allTextContents()).join("\n");
    for (const { policy, rule, resource, expected } of rows) {
      const [kind, namespace, name] = resource.split("/").slice(-3);
      if (expected !== "fail" || UNLIKE[policy] || UNLIKE[namespace] || UNLIKE[`${kind}/${namespace}/${name}`]) continue;
      const line = said.split("\n").some((line) => line.includes(name) && line.includes(rule) && /fail|block/i.test(line));
      if (!line) missed.push(`${path}: ${policy} ${rule} ${resource}`);
    }
  }
  console.log(`  ${tests.length} tests, ${missed.length} expectations not on the page`);
  assert.deepEqual(missed, []);
  assert.deepEqual(page.problems, []);
});
