// Hands for the tests: the editor, the files, the examples.

/** Replaces the text of the file that the editor shows. */
export async function write(page, text) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
  await settled(page);
}

/** Waits until what was written has been read and the run on show is that of the text. */
export async function settled(page) {
  await page.waitForTimeout(50);
  await page.waitForFunction(() => !document.querySelector('.field[aria-busy="true"]'));
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

/** Opens a policy and a resource of these texts. */
export async function pasted(page, policy, resource) {
  await blank(page);
  await write(page, policy);
  await tab(page, "resource.yaml");
  await write(page, resource);
}
export const zoom = (page, name) => page.click(`.zoom >> text="${name}"`);
export const side = (page, name) => page.click(`.tab.side:has-text("${name}")`);
export const outcome = (page) => page.locator(".outcome").textContent();
/** Opens a menu of the bar over the lanes. */
export const menu = (page, name) => page.click(`.menu > summary:has-text("${name}")`);
/** The focus where the keys of the table count. */
export const lanes = (page) => page.locator(".seq .body").focus();
/** Keeps a picture of the moment, where STEPGATE_SHOTS names a folder. */
export const shot = (page, name) => (process.env.STEPGATE_SHOTS ? page.screenshot({ path: `${process.env.STEPGATE_SHOTS}/${name}.png` }) : null);
/** How much wider than the window the page is. */
export const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
