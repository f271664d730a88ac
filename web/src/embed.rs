//! Whether the page stands within another one: a compact layout with the panes that the scenario or the address names.

use gloo::utils::{document, window};

use crate::link;

/// How the page is embedded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embed {
    /// Whether it is.
    pub on: bool,
    /// Panes that the address names.
    pub panes: Vec<String>,
    /// Whether the page around it will send the scenario.
    pub waits: bool,
}

/// Panes of an embed that names none.
const PANES: [&str; 3] = ["editor", "timeline", "why"];

impl Embed {
    /// What the address says; marks the page for its styles.
    pub fn read() -> Self {
        let location = window().location();
        let (search, hash) = (location.search().unwrap_or_default(), location.hash().unwrap_or_default());
        let on = link::value(&hash, "view").as_deref() == Some("embed") || search.starts_with("?embed");
        if !on {
            return Self::default();
        }
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-view", "embed");
            if let Some(theme) = link::value(&hash, "theme").filter(|theme| theme == "light" || theme == "dark") {
                let _ = root.set_attribute("data-theme", &theme);
            }
        }
        let panes = link::value(&hash, "panes").unwrap_or_default();
        let framed = window().parent().ok().flatten().is_some_and(|parent| parent != window());
        Self { on, panes: words(&panes), waits: framed && link::target(&hash) == link::Target::Nothing }
    }

    /// The panes to show: of the address, else of the scenario, else the usual ones.
    pub fn panes(&self, of_scenario: &[String]) -> Vec<String> {
        let named = if self.panes.is_empty() { of_scenario } else { &self.panes };
        if named.is_empty() { PANES.iter().map(|pane| (*pane).to_owned()).collect() } else { named.to_vec() }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_come_from_the_address_then_the_scenario() {
        let embed = Embed { on: true, panes: words("timeline, why"), ..Embed::default() };
        assert_eq!(embed.panes(&["editor".to_owned()]), ["timeline", "why"]);
        assert_eq!(Embed::default().panes(&["editor".to_owned()]), ["editor"]);
        assert_eq!(Embed::default().panes(&[]), PANES);
    }
}
