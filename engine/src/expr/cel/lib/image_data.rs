//! Kyverno's `image.GetMetadata`.

use crate::expr::cel::convert::from_decoded;
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::outside::{Answer, Outside};
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    image.GetMetadata(string) -> dyn
    image.getMetadata(string) -> dyn
";

pub(super) fn call(cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
    let [Val::String(image)] = args else { return None };
    Some(metadata(cx.activation.view?, image))
}

/// Facts about an image.
pub(super) fn metadata(view: &dyn Outside, image: &str) -> Res {
    match view.image_data(image) {
        Answer::Data(data) => Ok(from_decoded(&data)),
        Answer::Failed(words) => Err(Error::new(format!("failed to get image data: {words}"))),
        Answer::Unavailable => {
            Err(Error::new(format!("failed to get image data: image data for {image} not found in the context")))
        }
    }
}
