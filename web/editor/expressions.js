// Colours for the expressions inside YAML: CEL where the policy kinds have it, JMESPath between {{ and }}.
import { syntaxTree } from "@codemirror/language";
import { Decoration, ViewPlugin } from "@codemirror/view";

/** Keys whose value is CEL. */
const CEL = new Set(["expression", "messageExpression", "valueExpression", "labelSelectorExpression"]);
const TOKENS = {
  cel: /(?<comment>\/\/[^\n]*)|(?<string>[rb]{0,2}(?:"""[^]*?"""|'''[^]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))|(?<number>\b\d[\w.]*\b)|(?<keyword>\b(?:true|false|null|in)\b)|(?<call>[A-Za-z_]\w*(?=\s*\())|(?<name>\b(?:object|oldObject|request|params|namespaceObject|variables|authorizer|resource|images|globalContext|generator|http|image|exceptions)\b)|(?<operator>&&|\|\||[=!<>]=?|[-+*/%?:])/g,
  jmespath: /(?<string>'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)|(?<number>-?\b\d+\b)|(?<call>[A-Za-z_]\w*(?=\s*\())|(?<name>\b(?:request|element|elementIndex|target|images|serviceAccountName|serviceAccountNamespace)\b)|(?<operator>\{\{|\}\}|&&|\|\||[=!<>]=|[|&@*?:<>!])/g,
};
const marks = Object.fromEntries(
  ["comment", "string", "number", "keyword", "call", "name", "operator"].map((kind) => [kind, Decoration.mark({ class: `cm-x-${kind}` })]),
);
const whole = { cel: Decoration.mark({ class: "cm-cel" }), jmespath: Decoration.mark({ class: "cm-jmespath" }) };

function paint(out, text, from, language) {
  out.push(whole[language].range(from, from + text.length));
  for (const match of text.matchAll(TOKENS[language])) {
    const [kind] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    out.push(marks[kind].range(from + match.index, from + match.index + match[0].length));
  }
}

/** Skips a block's `|` line and a quoted scalar's quotes. */
function inner(text, name) {
  if (name === "BlockLiteral") {
    const start = text.indexOf("\n") + 1;
    return start ? [start, text.length] : null;
  }
  return name === "QuotedLiteral" ? [1, text.length - 1] : [0, text.length];
}

function decorate(view) {
  const out = [];
  const { state } = view;
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(state).iterate({
      from,
      to,
      enter({ name, from: start, to: end, node }) {
        if (name !== "BlockLiteral" && name !== "QuotedLiteral" && name !== "Literal") return;
        const parent = node.parent;
        if (parent?.name === "Key" || end - start > 20_000) return;
        const text = state.sliceDoc(start, end);
        const range = inner(text, name);
        if (!range || range[0] >= range[1]) return;
        const key = parent?.name === "Pair" ? parent.getChild("Key") : null;
        if (key && CEL.has(state.sliceDoc(key.from, key.to).trim())) return paint(out, text.slice(...range), start + range[0], "cel");
        for (const match of text.matchAll(/\{\{[^]*?\}\}/g)) paint(out, match[0], start + match.index, "jmespath");
      },
    });
  }
  return Decoration.set(out, true);
}

/** The colours, for what is in sight. */
export const expressions = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.decorations = decorate(view);
    }
    update(update) {
      if (update.docChanged || update.viewportChanged || syntaxTree(update.startState) !== syntaxTree(update.state)) {
        this.decorations = decorate(update.view);
      }
    }
  },
  { decorations: (plugin) => plugin.decorations },
);
