// Hands for the tests: the editor, the files, the examples.

/** Replaces the text of the file that the editor shows. */
export async function write(page, text) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
  await settled(page);
}

/** Waits until the run on show is that of the text. */
export async function settled(page) {
  await page.waitForTimeout(50);
  await page.waitForSelector('.foot[data-settled="true"]', { state: "attached" });
}

/** Opens a policy and a resource of one's own. */
export async function blank(page) {
  await page.click('header >> text="Examples"');
  await page.click('text="Start with your own"');
  await settled(page);
}

export const tab = (page, name) => page.click(`.tab .name:has-text("${name}")`);
export const inspect = (page, name) => page.click(`.it >> text=${name}`);
export const profile = async (page, version) => {
  await page.selectOption('[aria-label="Kyverno version"]', version);
  await settled(page);
};
/** The texts of the events, in order. */
export const events = (page) => page.locator('.row[role="treeitem"] .label').allTextContents();
