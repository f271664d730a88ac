// What bindings cannot say; `src/js.rs` declares it. Stands in the page's head, so it is there before the page's module.
(() => {
  const through = async (bytes, stream) =>
    new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

  async function inflate(bytes, limit) {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    const parts = [];
    for (let size = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
      size += value.length;
      if (size > limit) {
        await reader.cancel();
        throw new Error("too large");
      }
      parts.push(value);
    }
  }

  async function unpack(packed, limit) {
    const binary = atob(packed.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, ""));
    return new TextDecoder().decode(await inflate(Uint8Array.from(binary, (c) => c.charCodeAt(0)), limit));
  }

  /** Files and folders dropped, files and texts pasted: `over(bool)` while they hover, `brought({entries} | {files} | {text})` then. */
  function listen(target, over, brought) {
    const files = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const take = (event, what) => {
      event.preventDefault();
      event.stopPropagation();
      brought(what);
    };
    const onover = (event) => {
      if (!files(event)) return;
      event.preventDefault();
      over(true);
    };
    const onleave = (event) => event.relatedTarget || over(false);
    const ondrop = (event) => {
      if (!files(event)) return;
      over(false);
      take(event, { entries: [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile()).filter(Boolean) });
    };
    const onpaste = (event) => {
      const text = event.clipboardData?.getData("text/plain").trim() ?? "";
      const within = (selector) => event.target.closest?.(selector);
      if (event.clipboardData?.files.length && !text) take(event, { files: [...event.clipboardData.files] });
      else if (!text || within("input, textarea, dialog")) return;
      // A bare link is no YAML, so the editor does not want it either.
      else if (!within("[contenteditable=true]") || /^\S+#(\/\?content=|z1\.)\S+$/.test(text)) take(event, { text });
    };
    for (const [name, handler] of [["dragover", onover], ["dragleave", onleave], ["drop", ondrop], ["paste", onpaste]]) target.addEventListener(name, handler, true);
  }

  /** The page's program does not start: says so where the timeline would stand. */
  function broken(error) {
    const state = document.querySelector(".foot span:last-child");
    if (state) state.textContent = "not loaded";
    const place = document.querySelector(".seq p") ?? document.body.appendChild(document.createElement("p"));
    place.setAttribute("role", "alert");
    place.className = "tone-deny";
    place.textContent = `The page could not be loaded (${error?.message ?? error}). Reload to try again.`;
    throw error;
  }

  window.stepgate = {
    broken,
    load: (url) => import(url),
    keep: () => navigator.serviceWorker?.register("offline.js").catch((error) => console.warn("Stepgate is not kept for offline use:", error)),
    deflate: (bytes) => through(bytes, new CompressionStream("deflate-raw")),
    inflate,
    unpack,
    listen,
  };
})();
