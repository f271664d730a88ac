// A scenario and what came of it as text: Markdown for an issue, mrkdwn for Slack.

/** `facts` has `title`, `kyverno`, `kubernetes`, `sentence` and `responses`; `link` leads back to the scenario. */
export function markdown(scenario, facts, link, slack = false) {
  const title = scenario.title || "Untitled";
  const tag = (language) => (slack ? "" : language);
  const out = [slack ? `*${title}*` : `### ${title}`];
  if (facts.sentence) out.push(`Kyverno ${facts.kyverno}, Kubernetes ${facts.kubernetes}: ${facts.sentence}`);
  for (const [name, body] of Object.entries(scenario.files)) out.push(`\`${name}\``, fenced(tag("yaml"), body));
  for (const { allowed, request, message, warnings } of facts.responses ?? []) {
    out.push(`${allowed ? "✓" : "✕"} \`${request}\``);
    if (message) out.push(fenced("", message));
    for (const warning of warnings ?? []) out.push(fenced("", `Warning: ${warning}`));
  }
  out.push(slack ? `<${link}|Step through it in Stepgate>` : `[Step through it in Stepgate](${link})`);
  return `${out.join("\n\n")}\n`;
}

/** A code block whose fence is longer than any in the text. */
function fenced(language, body) {
  const longest = Math.max(2, ...(body.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${body.trimEnd()}\n${fence}`;
}
