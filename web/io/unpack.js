// Unpacks a program while it arrives. Xz is a quarter smaller than the gzip that most hosts offer at best, and no host has it.
// Loaded by the page and by the worker alike, so it leaves one name.
import { XzReadableStream } from "xz-decompress";

self.unpacked = async (url) => {
  const packed = await fetch(url);
  if (!packed.ok) throw new Error(`${packed.status} ${packed.statusText}: ${packed.url}`);
  return new Response(new XzReadableStream(packed.body), { headers: { "content-type": "application/wasm" } });
};
