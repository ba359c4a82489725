//! `ServiceRoot`: the first document that a client reads, before it logs in.

use crate::redfish::body::Body;
use crate::redfish::context::ServiceCx;
use crate::redfish::doc::Doc;
use crate::redfish::query::Query;

pub(super) fn get(cx: &ServiceCx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "RootService");
    d.put("Name", "Root Service");
    // Ironic takes `Vendor` as the maker of every system below (`ironic/drivers/modules/redfish/management.py`, `detect_vendor`), so
    // a root with systems of several makers has none.
    let makers = || cx.models.iter().map(|model| &model.manufacturer);
    let maker = makers().next().filter(|first| makers().all(|maker| maker == *first));
    d.put_some("Vendor", maker);
    d.put("Product", cx.own.map_or("fauxmetal", |node| &node.profile().model));
    d.put("RedfishVersion", "1.22.1");
    d.put("UUID", cx.uuid());
    d.object("ProtocolFeaturesSupported", |d| {
        d.object("ExpandQuery", |d| {
            d.put("ExpandAll", true);
            d.put("Levels", true);
            d.put("MaxLevels", Query::MAX_LEVELS);
            d.put("Links", true);
            d.put("NoLinks", true);
        });
        d.put("ExcerptQuery", true);
        d.put("FilterQuery", true);
        d.put("FilterQueryComparisonOperations", true);
        d.put("FilterQueryCompoundOperations", true);
        d.put("IncludeOriginOfConditionQuery", false);
        d.put("MultipleHTTPRequests", true);
        d.put("OnlyMemberQuery", true);
        d.put("SelectQuery", true);
        d.put("TopSkipQuery", true);
        d.object("DeepOperations", |d| {
            d.put("DeepPATCH", true);
            d.put("DeepPOST", false);
            d.put("MaxLevels", Body::MAX_LEVELS);
        });
    });
    d.object("Links", |d| d.link("Sessions", &["/redfish/v1/SessionService/Sessions"]));
}
