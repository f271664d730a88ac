// The code editor: CodeMirror with YAML, marks beside lines, the line of the current event, and a read-only diff.
// The page calls it through `ui/editor.rs`; it knows nothing of policies.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, RangeSet, StateEffect, StateField } from "@codemirror/state";
import {
  crosshairCursor, Decoration, drawSelection, dropCursor, EditorView, gutter, gutterLineClass, GutterMarker, highlightActiveLine, hoverTooltip, keymap, lineNumbers,
  rectangularSelection, WidgetType,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { complete, explain } from "./help.js";
import { locate } from "./locate.js";
import { offset, place } from "./place.js";

const style = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--key)" },
  { tag: [tags.string, tags.content, tags.special(tags.string)], color: "var(--string)" },
  { tag: tags.comment, color: "var(--comment)", fontStyle: "italic" },
  { tag: [tags.meta, tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--dim)" },
  { tag: [tags.labelName, tags.typeName, tags.keyword], color: "var(--generate)" },
]);

class Mark extends GutterMarker {
  constructor(mark) {
    super();
    Object.assign(this, mark);
  }
  eq(other) {
    return other.tone === this.tone && other.title === this.title;
  }
  toDOM() {
    const dom = document.createElement("span");
    dom.className = `cm-mark tone-${this.tone}`;
    dom.textContent = this.glyph;
    dom.title = this.title;
    return dom;
  }
}

class Note extends WidgetType {
  constructor(text, tone) {
    super();
    this.text = text;
    this.tone = tone;
  }
  eq(other) {
    return other.text === this.text && other.tone === this.tone;
  }
  toDOM() {
    const dom = document.createElement("div");
    dom.className = `cm-now-note tone-${this.tone}`;
    dom.textContent = this.text;
    return dom;
  }
}

const setMarks = StateEffect.define();
const marksField = StateField.define({
  create: () => RangeSet.empty,
  update(marks, tr) {
    marks = marks.map(tr.changes);
    for (const effect of tr.effects) {
      if (!effect.is(setMarks)) continue;
      const { doc } = tr.state;
      const ranges = effect.value
        .filter((mark) => mark.line >= 1 && mark.line <= doc.lines)
        .map((mark) => new Mark(mark).range(doc.line(mark.line).from));
      marks = RangeSet.of(ranges, true);
    }
    return marks;
  },
});

const nowGutter = new (class extends GutterMarker {
  elementClass = "cm-now-gutter";
})();
const setNow = StateEffect.define();
const nowField = StateField.define({
  create: () => Decoration.none,
  update(now, tr) {
    now = now.map(tr.changes);
    for (const effect of tr.effects) {
      if (!effect.is(setNow)) continue;
      const { line, note, tone } = effect.value ?? {};
      if (!line || line > tr.state.doc.lines) {
        now = Decoration.none;
        continue;
      }
      const at = tr.state.doc.line(line);
      const ranges = [Decoration.line({ class: "cm-now" }).range(at.from)];
      if (note) ranges.push(Decoration.widget({ widget: new Note(note, tone), side: 1, block: true }).range(at.to));
      now = Decoration.set(ranges);
    }
    return now;
  },
  provide: (field) => [
    EditorView.decorations.from(field),
    gutterLineClass.compute([field], (state) => {
      const first = state.field(field).iter();
      return first.value ? RangeSet.of([nowGutter.range(first.from)]) : RangeSet.empty;
    }),
  ],
});

/** An editor in `parent`. `on` has `change(id, text)`, `mark(line)`, `runTo(line)` and `ask(op, text, offset)`. */
export function create(parent, on) {
  return new Editor(parent, on);
}

class Editor {
  constructor(parent, on) {
    this.on = on;
    this.files = new Map();
    this.id = 0;
    this.label = new Compartment();
    this.view = new EditorView({ parent, state: EditorState.create({}) });
  }

  /** Shows a file. A known file keeps its history and selection unless `epoch` says that its text came from elsewhere. */
  show(id, epoch, name, text) {
    if (this.id === id && this.files.get(id)?.epoch === epoch) return;
    if (this.files.has(this.id)) {
      const old = this.files.get(this.id);
      old.state = this.view.state;
      old.scroll = this.view.scrollDOM.scrollTop;
    }
    const known = this.files.get(id);
    const file = known?.epoch === epoch ? known : { epoch, scroll: 0, state: this.fresh(id, name, text) };
    this.files.set(id, file);
    this.id = id;
    this.view.setState(file.state);
    this.view.requestMeasure({ read: () => {}, write: () => (this.view.scrollDOM.scrollTop = file.scroll) });
  }

  fresh(id, name, text) {
    const label = `${name}, YAML editor. Escape, then Tab, leaves it.`;
    return EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        gutter({
          class: "cm-marks",
          markers: (view) => view.state.field(marksField),
          initialSpacer: () => new Mark({ glyph: "✕", tone: "none" }),
          domEventHandlers: {
            mousedown: (view, block) => {
              this.on.mark(view.state.doc.lineAt(block.from).number);
              return true;
            },
          },
        }),
        foldGutter({ openText: "⌄", closedText: "›" }),
        history(), drawSelection(), dropCursor(), indentOnInput(), bracketMatching(), closeBrackets(),
        autocompletion({ override: [(context) => complete(context, this.on.ask)] }),
        hoverTooltip((view, pos) => explain(view, pos, this.on.ask)),
        rectangularSelection(), crosshairCursor(), highlightActiveLine(), highlightSelectionMatches(),
        indentUnit.of("  "),
        EditorState.allowMultipleSelections.of(true),
        syntaxHighlighting(style),
        yaml(),
        marksField,
        nowField,
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0", spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
        keymap.of([
          { key: "Alt-Enter", run: (view) => (this.on.runTo(view.state.doc.lineAt(view.state.selection.main.head).number), true) },
          ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap,
          indentWithTab,
        ]),
        EditorView.updateListener.of((update) => update.docChanged && this.on.change(id, update.state.doc.toString())),
      ],
    });
  }

  /** `[{severity, message, start, end, line, column}]` with byte offsets as the engine counts them. */
  setDiagnostics(list) {
    const { state } = this.view;
    const { doc } = state;
    const items = list.map((item) => ({ ...place(doc, item), severity: item.severity, message: item.message }));
    this.view.dispatch(setDiagnostics(state, items.sort((a, b) => a.from - b.from)));
  }

  /** `[{line, tone, glyph, title}]` */
  setMarks(list) {
    this.view.dispatch({ effects: setMarks.of(list) });
  }

  /** `{line, note, tone}` or null. */
  setNow(now, reveal) {
    const effects = [setNow.of(now)];
    const { doc } = this.view.state;
    if (reveal && now?.line && now.line <= doc.lines) {
      const { from } = doc.line(now.line);
      const box = this.view.lineBlockAt(from);
      const { scrollTop, clientHeight } = this.view.scrollDOM;
      if (box.top < scrollTop + 20 || box.bottom > scrollTop + clientHeight - 60) effects.push(EditorView.scrollIntoView(from, { y: "center" }));
    }
    this.view.dispatch({ effects });
  }

  /** Puts the caret on a line and takes the focus. */
  goTo(line) {
    const { doc } = this.view.state;
    const { from } = doc.line(Math.max(1, Math.min(line, doc.lines)));
    this.view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    this.view.focus();
  }

  /** The line of a JSON pointer in the document that holds the byte `start` of the shown file; 0 where it is not there. */
  lineOf(start, pointer) {
    const { state } = this.view;
    const found = locate(state, offset(state.doc, start), pointer);
    return found === null ? 0 : state.doc.lineAt(found).number;
  }

  focus() {
    this.view.focus();
  }

  destroy() {
    this.view.destroy();
  }
}

/** A read-only view of what changed between two YAML texts. */
export function diff(parent, before, after) {
  return new EditorView({
    parent,
    doc: after,
    extensions: [
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ "aria-label": "Changes", tabindex: "0" }),
      syntaxHighlighting(style),
      yaml(),
      lineNumbers(),
      unifiedMergeView({ original: before, mergeControls: false, gutter: true, collapseUnchanged: { margin: 3, minSize: 8 } }),
    ],
  });
}
