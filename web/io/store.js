// Saved scenarios in the browser's storage: one key each. What was left behind unsaved is written by `src/saved.rs`.
const SAVED = "stepgate.saved.";
const RECENT = "stepgate.recent.";

/** The storage; none where the browser blocks it. */
function storage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** `[{key, name, at, scenario, size}]`, newest first. */
function list(prefix) {
  const out = [];
  const kept = storage();
  for (let i = 0; i < (kept?.length ?? 0); i++) {
    const key = kept.key(i);
    if (!key.startsWith(prefix)) continue;
    try {
      const text = kept.getItem(key);
      const { name, at, scenario } = JSON.parse(text);
      if (scenario?.files) out.push({ key, name: name || "Untitled", at, scenario, size: text.length });
    } catch {
      // Another version's, or damaged: not shown, not touched.
    }
  }
  return out.sort((a, b) => b.at - a.at);
}

export const saved = () => list(SAVED);
export const recent = () => list(RECENT);

/** Writes an entry; throws with words for a person where there is no room. */
export function put(name, scenario, key = SAVED + crypto.randomUUID(), at = Date.now()) {
  const kept = storage();
  if (!kept) throw new Error("The browser blocks storage for this page. Take the scenario as a file with Share.");
  try {
    kept.setItem(key, JSON.stringify({ name, at, scenario }));
  } catch {
    const used = [...saved(), ...recent()].reduce((sum, one) => sum + one.size, 0) / (1 << 20);
    throw new Error(`The browser has no room for this: ${used.toFixed(1)} MB are taken. Delete something below, or take the file with Share.`);
  }
  return key;
}

export const remove = (key) => storage()?.removeItem(key);
