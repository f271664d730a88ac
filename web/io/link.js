// A scenario in a link: `#z1.` and base64url of raw deflate of its JSON. `src/link.rs` reads it.

/** The part after #. What is as always is not written. */
export async function pack(scenario) {
  const bytes = await window.stepgate.deflate(new TextEncoder().encode(JSON.stringify(scenario)));
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return `z1.${btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** The address of this page without what follows ?. */
export const base = () => location.origin + location.pathname;
