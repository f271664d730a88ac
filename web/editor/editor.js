// The code editor: CodeMirror with YAML, marks beside lines, the line of the current event, and a read-only diff.
// The page calls it through `ui/editor.rs`; it knows nothing of policies.
import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, indentMore, isolateHistory } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap, setDiagnostics } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, RangeSet, StateEffect, StateField } from "@codemirror/state";
import {
  closeHoverTooltips, crosshairCursor, Decoration, drawSelection, dropCursor, EditorView, gutter, gutterLineClass, GutterMarker, highlightActiveLine, hoverTooltip, keymap, lineNumbers,
  rectangularSelection, WidgetType,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { expressions } from "./expressions.js";
import { bytes, complete, explain } from "./help.js";
import { locate, pointerAt } from "./locate.js";
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

/** An editor in `parent`. `on` has `change(id, text)`, `mark(line)`, `runTo(line)`, `ask(op, text, offset)`, `caret(line, byte, pointer)`,
 * `say(words)` and `formatter`, the address of the module that formats. */
export function create(parent, on) {
  return new Editor(parent, on);
}

/** Larger texts are not looked through at every move of the caret. */
const LIMIT = 300_000;

/** The smallest change that makes one text of another. */
function change(before, after) {
  let from = 0;
  const least = Math.min(before.length, after.length);
  while (from < least && before[from] === after[from]) from++;
  let tail = 0;
  while (tail < least - from && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  return { from, to: before.length - tail, insert: after.slice(from, after.length - tail) };
}

class Editor {
  constructor(parent, on) {
    this.on = on;
    this.files = new Map();
    this.id = 0;
    /** Whether somebody clicked into the text or wrote: Tab indents from then on. Who only passes by is let through. */
    this.editing = false;
    this.label = new Compartment();
    this.view = new EditorView({ parent, state: EditorState.create({}) });
  }

  /** Shows a file. A known file keeps its history and selection; where `epoch` or `anew` say that its text came from elsewhere, that is
   * one more change of it. */
  show(id, epoch, name, text, anew) {
    if (this.id === id && this.files.get(id)?.epoch === epoch && !anew) return;
    // What explains a place of one text has no place in another.
    this.view.dispatch({ effects: closeHoverTooltips });
    closeCompletion(this.view);
    if (this.files.has(this.id)) {
      const old = this.files.get(this.id);
      old.state = this.view.state;
      old.scroll = this.view.scrollDOM.scrollTop;
    }
    const known = this.files.get(id);
    const file = known ?? { scroll: 0, state: this.fresh(id, name, text) };
    if (known && (known.epoch !== epoch || anew)) file.state = file.state.update({ changes: change(file.state.doc.toString(), text) }).state;
    file.epoch = epoch;
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
        expressions,
        marksField,
        nowField,
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0", spellcheck: "false", autocapitalize: "off", autocorrect: "off" }),
        keymap.of([
          { key: "Shift-Alt-f", run: () => (this.format(), true) },
          { key: "Alt-Enter", run: (view) => (this.on.runTo(view.state.doc.lineAt(view.state.selection.main.head).number), true) },
          ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap,
          { key: "Tab", run: (view) => this.editing && indentMore(view), shift: (view) => this.editing && indentLess(view) },
        ]),
        EditorView.domEventHandlers({
          mousedown: () => void (this.editing = true),
          blur: () => void (this.editing = false),
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) this.on.change(id, update.state.doc.toString());
          if (update.transactions.some((one) => one.isUserEvent("input") || one.isUserEvent("delete"))) this.editing = true;
          if ((update.selectionSet || update.focusChanged) && update.view.hasFocus) this.tellCaret();
        }),
      ],
    });
  }

  /** Tells where the caret is once it rests. */
  tellCaret() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      const { state } = this.view;
      if (state.doc.length > LIMIT) return;
      const { head } = state.selection.main;
      this.on.caret(state.doc.lineAt(head).number, bytes(state.doc, head), pointerAt(state, head));
    }, 120);
  }

  /** Formats the shown file; says so where it cannot. */
  async format() {
    const { state } = this.view;
    const text = state.doc.toString();
    try {
      const { format } = await import(this.on.formatter);
      const changes = change(text, format(text));
      if (this.view.state.doc.eq(state.doc)) this.view.dispatch({ changes, annotations: isolateHistory.of("full") });
    } catch (error) {
      this.on.say(`Not formatted: ${error.message}.`);
    }
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
