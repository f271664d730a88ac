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

  const LARGEST = 4 << 20;
  const MOST = 100;

  async function walk(entry, path, out) {
    if (out.length >= MOST) return;
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      if (file.size <= LARGEST && (!path || /\.(ya?ml|json)$/i.test(file.name))) out.push([path + file.name, await file.text()]);
    } else if (entry.isDirectory) {
      const reader = entry.createReader();
      const batch = () => new Promise((done, fail) => reader.readEntries(done, fail));
      for (let children; (children = await batch()).length; ) {
        for (const child of children) await walk(child, `${path}${entry.name}/`, out);
      }
    }
  }

  function listenForDrops(target, over, dropped) {
    const files = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    const onover = (event) => {
      if (!files(event)) return;
      event.preventDefault();
      over(true);
    };
    const onleave = (event) => event.relatedTarget || over(false);
    const ondrop = async (event) => {
      if (!files(event)) return;
      event.preventDefault();
      event.stopPropagation();
      over(false);
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
      const out = [];
      for (const entry of entries) await walk(entry, "", out);
      dropped(out);
    };
    target.addEventListener("dragover", onover, true);
    target.addEventListener("dragleave", onleave, true);
    target.addEventListener("drop", ondrop, true);
  }

  window.stepgate = {
    load: (url) => import(url),
    deflate: (bytes) => through(bytes, new CompressionStream("deflate-raw")),
    inflate,
    listenForDrops,
  };
})();
