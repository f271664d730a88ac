// Completion and hover: the engine knows the schemas and the expressions; it counts in bytes.
import { offset } from "./place.js";

/** Larger texts are not sent along with every key. */
const LIMIT = 300_000;

/** How many bytes stand in front of a position; the engine counts so. */
export const bytes = (doc, pos) => new TextEncoder().encode(doc.sliceString(0, pos)).length;

async function ask(engine, op, doc, pos) {
  if (doc.length > LIMIT) return null;
  const answer = await engine(op, doc.toString(), bytes(doc, pos));
  return answer === null ? null : JSON.parse(answer);
}

const TYPES = { field: "property", value: "constant", variable: "variable", function: "function" };

/** What may stand at the cursor, while a word is typed or when asked for. */
export async function complete(context, engine) {
  const { state, pos, explicit } = context;
  if (!explicit && !context.matchBefore(/[\w.{(]$/)) return null;
  const found = await ask(engine, "complete", state.doc, pos);
  if (!found?.items?.length || context.aborted) return null;
  const options = found.items.map((item, i) => ({
    label: item.label,
    apply: item.insert,
    detail: item.detail.length > 60 ? `${item.detail.slice(0, 60)}…` : item.detail,
    type: TYPES[item.kind],
    boost: -Math.min(i, 90),
  }));
  return { from: Math.min(offset(state.doc, found.from), pos), options, validFor: /^[\w-]*$/ };
}

/** What the word under the pointer means. */
export async function explain(view, pos, engine) {
  const word = view.state.wordAt(pos);
  if (!word) return null;
  const found = await ask(engine, "hover", view.state.doc, pos);
  if (!found?.title) return null;
  return {
    pos: word.from,
    end: word.to,
    above: true,
    create() {
      const dom = document.createElement("div");
      dom.className = "cm-help";
      dom.append(Object.assign(document.createElement("code"), { textContent: found.title }));
      dom.append(Object.assign(document.createElement("p"), { textContent: found.text }));
      return { dom };
    },
  };
}
