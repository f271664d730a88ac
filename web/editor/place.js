// Byte offsets of the engine to positions of the editor, which counts UTF-16 units.

/** The position of a byte offset. */
export function offset(doc, bytes) {
  let seen = 0;
  for (let n = 1; n <= doc.lines; n++) {
    const line = doc.line(n);
    const size = length(line.text) + 1;
    if (bytes < seen + size) return line.from + units(line.text, bytes - seen);
    seen += size;
  }
  return doc.length;
}

/** The range of `{start, end, line, column}`; a line without a range is marked whole. */
export function place(doc, { start, end, line }) {
  const whole = doc.line(Math.max(1, Math.min(line || 1, doc.lines)));
  if (end === undefined || end <= start) return { from: whole.from, to: whole.to };
  const from = offset(doc, start);
  const to = Math.min(offset(doc, end), doc.lineAt(from).to);
  return from < to ? { from, to } : { from: whole.from, to: whole.to };
}

const ASCII = /^[\x00-\x7f]*$/;
const length = (text) => (ASCII.test(text) ? text.length : new TextEncoder().encode(text).length);

function units(text, bytes) {
  if (ASCII.test(text)) return Math.min(bytes, text.length);
  let seen = 0;
  let at = 0;
  for (const char of text) {
    if (seen >= bytes) break;
    seen += length(char);
    at += char.length;
  }
  return at;
}
