//! A scenario and what came of it as Markdown, for an issue or a chat.

use stepgate_engine::scenario::Scenario;
use stepgate_engine::timeline::Timeline;

use crate::outcome;

/// The text; `link` leads back to the scenario.
pub fn text(scenario: &Scenario, run: Option<&Timeline>, link: &str) -> String {
    let mut out = String::new();
    let title = if scenario.title.is_empty() { crate::words::UNTITLED } else { &scenario.title };
    out.push_str(&format!("### {title}\n\n"));
    if let Some(run) = run {
        out.push_str(&format!(
            "Kyverno {}, Kubernetes {}: {}\n\n",
            run.kyverno,
            run.kubernetes,
            outcome::sentence(run)
        ));
    }
    for (name, body) in &scenario.files {
        out.push_str(&format!("`{name}`\n\n{}", fenced("yaml", body)));
    }
    let Some(run) = run else { return out + &format!("[Step through it in Stepgate]({link})\n") };
    for response in &run.responses {
        let mark = if response.allowed { "✓" } else { "✕" };
        out.push_str(&format!("{mark} `{}`\n\n", response.request));
        if !response.message.is_empty() {
            out.push_str(&fenced("", &response.message));
        }
        for warning in &response.warnings {
            out.push_str(&fenced("", &format!("Warning: {warning}")));
        }
    }
    out + &format!("[Step through it in Stepgate]({link})\n")
}

/// A code block whose fence is longer than any in the text.
fn fenced(language: &str, body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n\n", body.trim_end())
}

#[cfg(test)]
mod tests {
    use stepgate_engine::timeline::Response;

    use super::*;

    #[test]
    fn tells_the_whole_story() {
        let files = [("p.yaml".to_owned(), "kind: Policy\n".to_owned())].into_iter().collect();
        let scenario = Scenario { title: "T".to_owned(), files, ..Scenario::default() };
        let refused =
            Response { request: "kubectl apply -f x".to_owned(), message: "no".to_owned(), ..Response::default() };
        let run = Timeline {
            kyverno: "1.19".to_owned(),
            kubernetes: "1.34".to_owned(),
            responses: vec![refused],
            ..Timeline::default()
        };
        let text = text(&scenario, Some(&run), "http://x/#z1.a");
        assert!(text.starts_with("### T\n\nKyverno 1.19, Kubernetes 1.34: "));
        assert!(text.contains("`p.yaml`\n\n```yaml\nkind: Policy\n```\n\n✕ `kubectl apply -f x`\n\n```\nno\n```\n\n"));
        assert!(text.ends_with("[Step through it in Stepgate](http://x/#z1.a)\n"));
    }

    #[test]
    fn a_fence_is_longer_than_those_within() {
        assert_eq!(fenced("", "a ```` b"), "`````\na ```` b\n`````\n\n");
    }
}
