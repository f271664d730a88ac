// What a person does on the page, and the look that follows: Playwright's actions return when the page has heard of them, which on a slow machine
// is before it shows them. Each action here ends when two frames have been drawn since.

const ACTIONS = ["click", "dblclick", "press", "type", "fill", "selectOption", "check", "uncheck", "insertText", "focus"];

/** Two frames; a page that draws none, or goes away, is not waited for. */
const drawn = (page) =>
  page
    .evaluate(
      () =>
        new Promise((seen) => {
          setTimeout(seen, 500);
          requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(seen)));
        }),
    )
    .catch((error) => {
      if (!/navigation|closed|destroyed/.test(String(error))) throw error;
    });

/** Has every action on `thing` wait for what comes of it. */
function patient(thing, page) {
  for (const name of ACTIONS) {
    const act = thing[name];
    if (typeof act !== "function") continue;
    thing[name] = async (...given) => {
      const result = await act.apply(thing, given);
      await drawn(page);
      return result;
    };
  }
  return thing;
}

const FINDERS = ["locator", "nth", "first", "last", "filter", "getByRole", "getByText", "getByLabel"];

/** The same for what is found on it, and on what is found there. */
function searching(thing, page) {
  for (const name of FINDERS) {
    const find = thing[name];
    if (typeof find !== "function") continue;
    thing[name] = (...given) => searching(patient(find.apply(thing, given), page), page);
  }
  return thing;
}

/** A page whose actions, keys and locators wait for what comes of them. */
export function handled(page) {
  patient(page.keyboard, page);
  return searching(patient(page, page), page);
}
