// Pictures of the page to look at: node web/e2e/shots.mjs FOLDER
import { start } from "./page.mjs";
const out = process.argv[2] ?? "shots";
const site = await start();
const views = [
  ["light", { width: 1440, height: 900, colorScheme: "light" }],
  ["dark", { width: 1440, height: 900, colorScheme: "dark" }],
];
for (const [name, options] of views) {
  const page = await site.open(options);
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${out}/main-${name}.png` });
  if (page.problems.length) console.log(name, page.problems);
}
const phone = await site.open({ width: 390, height: 844, touch: true });
for (const pane of ["Files", "Timeline", "Why"]) {
  await phone.click(`.panes >> text=${pane}`);
  await phone.waitForTimeout(200);
  await phone.screenshot({ path: `${out}/phone-${pane.toLowerCase()}.png` });
}
await site.close();
