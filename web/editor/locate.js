// From a JSON pointer to its place in a YAML text, through the editor's own syntax tree.
import { ensureSyntaxTree } from "@codemirror/language";

/** The position of the deepest node that exists along `pointer`, in the document around `at`; null where there is none. */
export function locate(state, at, pointer) {
  const tree = ensureSyntaxTree(state, state.doc.length, 300);
  if (!tree) return null;
  let node = null;
  for (let child = tree.topNode.firstChild; child; child = child.nextSibling) {
    if (child.name === "Document" && (node === null || child.from <= at)) node = child;
  }
  if (!node) return null;
  const text = (n) => state.sliceDoc(n.from, n.to);
  let found = node.from;
  node = content(node);
  for (const raw of pointer.split("/").slice(1)) {
    const key = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    const next = node && step(node, key, text);
    if (!next) break;
    found = next.at;
    node = next.value;
  }
  return found;
}

/** The JSON pointer of what stands at a position, in its document. */
export function pointerAt(state, at) {
  const tree = ensureSyntaxTree(state, state.doc.length, 300);
  const parts = [];
  const line = state.doc.lineAt(at);
  // Behind the text of a line, and in front of it, the line's own node is meant.
  const inside = Math.min(Math.max(at, line.from + line.text.search(/\S|$/)), line.from + line.text.trimEnd().length);
  for (let node = tree?.resolveInner(inside, inside === line.to ? -1 : 1); node; node = node.parent) {
    if (node.name === "Pair") {
      const key = node.getChild("Key");
      if (key) parts.unshift(unquote(state.sliceDoc(key.from, key.to)).replaceAll("~", "~0").replaceAll("/", "~1"));
    } else if (node.name === "Item") {
      parts.unshift(String(node.parent.getChildren("Item").findIndex((item) => item.from === node.from)));
    }
  }
  return parts.map((part) => `/${part}`).join("");
}

const CONTAINERS = ["BlockMapping", "BlockSequence", "FlowMapping", "FlowSequence"];

/** The mapping, sequence or scalar inside a document, pair or item, past tags and anchors. */
function content(node) {
  for (let child = node.lastChild; child; child = child.prevSibling) {
    if (CONTAINERS.includes(child.name)) return child;
    if (child.name === "Tagged" || child.name === "Anchored") return content(child);
  }
  return null;
}

function step(node, key, text) {
  if (node.name.endsWith("Mapping")) {
    for (let pair = node.firstChild; pair; pair = pair.nextSibling) {
      if (pair.name !== "Pair") continue;
      const name = pair.getChild("Key");
      if (name && unquote(text(name)) === key) return { at: pair.from, value: content(pair) };
    }
    return null;
  }
  const item = node.getChildren("Item")[Number(key)];
  return item ? { at: item.from + (text(item).length - text(item).trimStart().length), value: content(item) } : null;
}

const unquote = (key) => key.trim().replace(/^(["'])(.*)\1$/, "$2");
