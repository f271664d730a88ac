// Formats YAML: two spaces, lists at the level of their key, one blank around what stands between. Comments, quotes, blocks and every
// scalar stay as they are written. Loaded when it is first asked for.
import { parseAllDocuments, Scalar } from "yaml";

/** Plain scalars stay texts, so that `0755` and `yes` are written back as they are; nothing stays nothing. */
const NOTHING = {
  tag: "tag:yaml.org,2002:null",
  default: true,
  test: /^$/,
  identify: (value) => value === null,
  resolve: () => new Scalar(null),
  stringify: () => "",
};
const READ = { schema: "failsafe", customTags: (tags) => [NOTHING, ...tags], uniqueKeys: false, logLevel: "silent", prettyErrors: true };
const WRITE = { indent: 2, indentSeq: false, lineWidth: 0, minContentWidth: 0, flowCollectionPadding: false };

const read = (text) => [parseAllDocuments(text, READ)].flat().map((document) => ({ document, errors: document.errors ?? [] }));
const meaning = (text) => JSON.stringify(read(text).map(({ document }) => document.toJSON?.() ?? null));

/** The text in order; throws in plain words where it cannot be read. */
export function format(text) {
  const documents = read(text);
  const wrong = documents.flatMap(({ errors }) => errors)[0];
  if (wrong) throw new Error(wrong.message.split("\n")[0].replace(/:$/, ""));
  const out = documents.map(({ document }) => document.toString(WRITE).replace(/[ \t]+$/gm, "")).join("");
  if (meaning(out) !== meaning(text)) throw new Error("this text would not mean the same afterwards");
  return out;
}
