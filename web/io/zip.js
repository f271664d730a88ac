// ZIP archives: reading with limits (they come from strangers), writing without compression.

const EOCD = 0x06054b50, ENTRY = 0x02014b50, LOCAL = 0x04034b50;

/** `[{name, size, text()}]`; sizes are what the archive says, `text` holds it to that. Throws on what is no archive. */
export function read(buffer) {
  const view = new DataView(buffer);
  let end = buffer.byteLength - 22;
  while (end >= 0 && view.getUint32(end, true) !== EOCD) end--;
  if (end < 0) throw new Error("this is no ZIP archive");
  const entries = [];
  const total = view.getUint16(end + 10, true);
  for (let at = view.getUint32(end + 16, true), n = 0; n < total; n++) {
    if (at + 46 > buffer.byteLength || view.getUint32(at, true) !== ENTRY) throw new Error("the ZIP archive is damaged");
    const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
    const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(new Uint8Array(buffer, at + 46, nameLength));
    at += 46 + nameLength + extra + comment;
    if (!name.endsWith("/")) entries.push({ name, size, text: () => text(buffer, view, { name, flags, method, packed, size, local }) });
  }
  return entries;
}

async function text(buffer, view, { name, flags, method, packed, size, local }) {
  if (flags & 1) throw new Error(`${name} is encrypted`);
  if (local + 30 > buffer.byteLength || view.getUint32(local, true) !== LOCAL) throw new Error("the ZIP archive is damaged");
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const bytes = new Uint8Array(buffer.slice(start, start + packed));
  if (method === 0) return new TextDecoder().decode(bytes.subarray(0, size));
  if (method !== 8) throw new Error(`${name} is compressed in a way that browsers cannot read`);
  return new TextDecoder().decode(await window.stepgate.inflate(bytes, size));
}

/** The archive of `{path: text}`. */
export function write(files) {
  const parts = [], directory = [];
  let offset = 0;
  for (const [path, body] of Object.entries(files)) {
    const [name, data] = [path, body].map((string) => new TextEncoder().encode(string));
    // Version 2.0, names in UTF-8, stored, 1 January 1980.
    const common = [[20, 2], [0x800, 2], [0, 2], [0, 2], [0x21, 2], [crc32(data), 4], [data.length, 4], [data.length, 4], [name.length, 2], [0, 2]];
    parts.push(fields([[LOCAL, 4], ...common]), name, data);
    directory.push(fields([[ENTRY, 4], [20, 2], ...common, [0, 2], [0, 4], [0, 4], [offset, 4]]), name);
    offset += 30 + name.length + data.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const n = directory.length / 2;
  return new Blob([...parts, ...directory, fields([[EOCD, 4], [0, 4], [n, 2], [n, 2], [size, 4], [offset, 4], [0, 2]])]);
}

/** Little-endian numbers of 2 or 4 bytes. */
function fields(list) {
  const bytes = new Uint8Array(list.reduce((sum, [, width]) => sum + width, 0));
  let at = 0;
  for (const [value, width] of list) for (let i = 0; i < width; i++) bytes[at++] = value >>> (8 * i);
  return bytes;
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
