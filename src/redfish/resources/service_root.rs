//! `ServiceRoot`: where every client begins, before it has logged in.

use crate::redfish::doc::Doc;
use crate::redfish::query::Query;
use crate::redfish::resource::Cx;

pub(super) fn get(cx: &Cx<'_>, d: &mut Doc<'_>) {
    d.put("Id", "RootService");
    d.put("Name", "Root Service");
    // No Vendor at a shared root unless a model's overlay has one: Ironic takes it for the maker of every system below
    // (`ironic/drivers/modules/redfish/management.py`, detect_vendor), and systems of several makers may share it.
    match cx.own_node() {
        Some(node) => {
            d.put("Vendor", &node.profile().manufacturer);
            d.put("Product", &node.profile().model);
        }
        None => d.put("Product", "fauxmetal"),
    }
    d.put("RedfishVersion", "1.22.1");
    d.put("UUID", cx.service_uuid());
    d.object("ProtocolFeaturesSupported", |d| {
        d.object("ExpandQuery", |d| {
            d.put("ExpandAll", true);
            d.put("Levels", true);
            d.put("MaxLevels", Query::MAX_LEVELS);
            d.put("Links", true);
            d.put("NoLinks", true);
        });
        d.put("ExcerptQuery", false);
        d.put("FilterQuery", false);
        d.put("OnlyMemberQuery", true);
        d.put("SelectQuery", true);
        d.put("TopSkipQuery", true);
        d.object("DeepOperations", |d| {
            d.put("DeepPATCH", false);
            d.put("DeepPOST", false);
        });
    });
    d.object("Links", |d| d.link("Sessions", &["/redfish/v1/SessionService/Sessions"]));
}
