// The timeline as a picture that stands alone: an SVG with its own colours for light and dark, and a PNG of it.

const LANES = {
  you: ["You", "kubectl"], gitops: ["GitOps", "reconciles Git"], "api-server": ["API server", "kube-apiserver"], mutating: ["Mutate", "synchronous"],
  validating: ["Validate", "synchronous"], etcd: ["etcd", "what is stored"], "update-requests": ["UpdateRequests", "queue"], background: ["Background", "asynchronous"],
  reports: ["Reports", "asynchronous"], cleanup: ["Cleanup", "on schedule"], controllers: ["Controllers", "Deployments, GC"],
};
const GLYPHS = { info: "·", deny: "✕", allow: "✓", generate: "⟳", mutate: "Δ", warn: "!" };
const LIGHT = { bg: "#fff", fg: "#1d1f21", dim: "#62666d", line: "#e6e5e1", info: "#22619c", deny: "#b82a36", allow: "#1a7046", generate: "#6b3fc4", mutate: "#8a5000", warn: "#8a5000", band: "#f6f5f2" };
const DARK = { bg: "#191c1f", fg: "#e5e7ea", dim: "#9aa0a8", line: "#2f343a", info: "#86bdf0", deny: "#ff8a8f", allow: "#74d39c", generate: "#bda0ff", mutate: "#f0b45c", warn: "#f0b45c", band: "#20242a" };
const [LEFT, COLUMN, ROW, STEP, HEAD] = [44, 158, 30, 34, 92];

const xml = (text) => String(text).replace(/[<>&"]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" })[c]).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
const colours = (set) => Object.entries(set).map(([name, value]) => `--${name}:${value}`).join(";");
/** About what a line of 12 px takes. */
const width = (text) => text.length * 6.3 + 14;
const short = (text, room) => (width(text) <= room ? text : `${text.slice(0, Math.max(4, Math.floor((room - 20) / 6.3)))}…`);

/** The picture; `theme` is `light`, `dark` or `auto`, which follows the reader's system. */
export function svg(timeline, theme = "auto") {
  const order = Object.keys(LANES);
  const lanes = order.filter((lane) => timeline.events.some((event) => event.lane === lane || event.to === lane));
  const x = (lane) => LEFT + 20 + lanes.indexOf(lane) * COLUMN + COLUMN / 2;
  const full = LEFT + 40 + Math.max(3, lanes.length) * COLUMN;
  const rows = [];
  let y = HEAD;
  let step = -1;
  for (const event of timeline.events) {
    if (event.step !== step) {
      step = event.step;
      const line = timeline.steps.find((one) => one.index === step);
      rows.push(`<rect class="band" x="0" y="${y}" width="${full}" height="24"/><text class="step" x="16" y="${y + 16}">${step + 1}. ${xml(short(line?.text ?? "", full - 60))}${line?.ok === false ? ' <tspan class="c-deny">✕</tspan>' : ""}</text>`);
      y += STEP;
    }
    rows.push(row(event, y, x, full));
    y += ROW;
  }
  const bottom = y + 6;
  const heads = lanes.map((lane) => `<text class="lane" x="${x(lane)}" y="62">${xml(LANES[lane][0])}</text><text class="sub" x="${x(lane)}" y="77">${xml(LANES[lane][1])}</text><line class="life" x1="${x(lane)}" y1="${HEAD - 6}" x2="${x(lane)}" y2="${bottom}"/>`);
  const set = theme === "dark" ? DARK : LIGHT;
  const auto = theme === "auto" ? `@media(prefers-color-scheme:dark){svg{${colours(DARK)}}}` : "";
  const tones = Object.keys(GLYPHS).map((tone) => `.c-${tone}{fill:var(--${tone})}.s-${tone}{stroke:var(--${tone});fill:none}`).join("");
  const style = `svg{${colours(set)};font:12px Inter,"Segoe UI",system-ui,"DejaVu Sans",sans-serif}${auto}text{fill:var(--fg)}.bg{fill:var(--bg)}.band{fill:var(--band)}.title{font-size:16px;font-weight:600}.lane{font-weight:600;text-anchor:middle}.sub{text-anchor:middle;font-size:11px}.sub,.seq,.foot{fill:var(--dim)}.seq{font-size:11px;text-anchor:end}.step{font-family:"JetBrains Mono",ui-monospace,Menlo,"DejaVu Sans Mono",monospace;font-size:11.5px}.life{stroke:var(--line)}.what{text-anchor:middle}.veil{fill:var(--bg);fill-opacity:.86}.box{fill:var(--band)}${tones}`;
  const title = timeline.title || "Timeline";
  const foot = `Kyverno ${timeline.kyverno} · simulated with Stepgate`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${full}" height="${bottom + 34}" viewBox="0 0 ${full} ${bottom + 34}" role="img" aria-label="${xml(title)}"><style>${style}</style><rect class="bg" width="100%" height="100%"/><text class="title" x="16" y="28">${xml(short(title, full * 0.8))}</text>${heads.join("")}${rows.join("")}<text class="foot" x="16" y="${bottom + 22}">${xml(foot)}</text></svg>`;
}

function row(event, y, x, full) {
  const tone = GLYPHS[event.tone] ? event.tone : "info";
  const from = x(event.lane), to = event.to ? x(event.to) : from;
  const words = short(`${GLYPHS[tone]} ${event.text}`, full - LEFT - 24);
  const half = width(words) / 2;
  const centre = Math.min(Math.max((from + to) / 2, LEFT + 8 + half), full - 8 - half);
  const label = `<text class="what c-${tone}" x="${centre}" y="${y + 12}">${xml(words)}</text>`;
  const number = `<text class="seq" x="${LEFT - 12}" y="${y + 14}">${event.seq}</text>`;
  if (from === to) return `${number}<rect class="box" x="${centre - half}" y="${y - 2}" width="${half * 2}" height="20" rx="5"/>${label}`;
  const dashed = event.tone === "deny" ? ' stroke-dasharray="5 3"' : "";
  const side = to > from ? -1 : 1;
  return `${number}<rect class="veil" x="${centre - half + 4}" y="${y}" width="${half * 2 - 8}" height="15"/>${label}<line class="s-${tone}" x1="${from}" y1="${y + 19}" x2="${to}" y2="${y + 19}" stroke-width="1.5"${dashed}/><circle class="c-${tone}" cx="${from}" cy="${y + 19}" r="3"/><path class="c-${tone}" d="M${to} ${y + 19}l${8 * side} -4v8z"/>`;
}

/** The same as PNG, twice as large, in the colours of the page. */
export async function png(timeline, theme) {
  const url = URL.createObjectURL(new Blob([svg(timeline, theme)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    // Browsers draw no canvas of more than 16,384 pixels a side.
    const scale = Math.min(2, 16_000 / Math.max(image.width, image.height));
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width * scale, height: image.height * scale });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("The picture is too large."))), "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}
