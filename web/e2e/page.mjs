// What every browser test starts from: the built page on a loopback server, and a browser without background traffic.
import { mkdtempSync } from "node:fs";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { serve } from "../tools/serve.mjs";

const ARGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

/**
 * `{ url, open(options), close(), cut() }`; `cut` ends the server alone; `open` gives a page in a fresh profile, on the story unless told otherwise. `before(page)` is
 * called before the page loads; `wait: false` leaves it to the caller what to wait for; `offline` has the page kept for offline use.
 */
export async function start(folder = process.env.STEPGATE_DIST ?? "dist", options = {}) {
  const { url, close } = await serve(folder, 0, options);
  const contexts = [];
  return {
    url,
    cut: close,
    async open({ hash = "", width = 1440, height = 900, colorScheme = "light", touch = false, before, wait = true, offline = false } = {}) {
      const dir = mkdtempSync(join(tmpdir(), "stepgate-e2e-"));
      const context = await chromium.launchPersistentContext(dir, {
        executablePath,
        args: ARGS,
        viewport: { width, height },
        colorScheme,
        hasTouch: touch,
        serviceWorkers: offline ? "allow" : "block",
        permissions: ["clipboard-read", "clipboard-write"],
      });
      contexts.push(context);
      const page = context.pages()[0] ?? (await context.newPage());
      page.problems = [];
      page.on("pageerror", (error) => page.problems.push(String(error)));
      page.on("console", (message) => message.type() === "error" && page.problems.push(message.text()));
      page.on("request", (request) => {
        if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) page.problems.push(`asks another host: ${request.url()}`);
      });
      await before?.(page);
      await page.goto(url + hash, wait ? {} : { waitUntil: "commit" });
      if (!wait) return page;
      await page.waitForSelector(".row.now", { state: "attached" });
      await page.waitForSelector(".cm-content", { state: "attached" });
      return page;
    },
    async close() {
      for (const context of contexts) await context.close();
      close();
    },
  };
}
