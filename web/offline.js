// Keeps the page for when there is no network; a service worker. It cannot go stale: who is online gets the page that the server has,
// and its parts carry a hash in their names, so that one of a kept name is the one that was asked for.
const KEPT = "stepgate";
const PAGE = new URL("./", location.href).href;
const PART = /[\w-]+-[0-9a-f]{12,16}(?:_bg)?\.[a-z.]+/g;

/** The addresses of a page's parts. */
const parts = (html) => new Set((html.match(PART) ?? []).map((name) => new URL(name, PAGE).href));

/** Keeps a page once all its parts are kept, and those of the page before it, which may still be open. */
async function keep(page) {
  const cache = await caches.open(KEPT);
  const html = await page.clone().text();
  const before = (await (await cache.match(PAGE))?.text()) ?? "";
  const wanted = parts(html);
  if (html === before || !wanted.size) return;
  const kept = (await cache.keys()).map((request) => request.url);
  await cache.addAll([...wanted].filter((url) => !kept.includes(url)));
  await cache.put(PAGE, page);
  const old = parts(before);
  await Promise.all(kept.filter((url) => url !== PAGE && !wanted.has(url) && !old.has(url)).map((url) => cache.delete(url)));
}

/** The server's page; the kept one where no server answers, or one that is broken. */
async function open(event) {
  let answer;
  try {
    answer = await fetch(event.request);
    if (answer.ok) event.waitUntil(keep(answer.clone()));
    if (answer.status < 500) return answer;
  } catch (error) {
    answer = Promise.reject(error);
  }
  return (await caches.match(PAGE)) ?? answer;
}

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(fetch(PAGE).then(keep));
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname, href } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (mode === "navigate" && [new URL(PAGE).pathname, new URL("index.html", PAGE).pathname].includes(pathname)) event.respondWith(open(event));
  else if (parts(href).size) event.respondWith(caches.match(url, { ignoreVary: true }).then((kept) => kept ?? fetch(event.request)));
});
