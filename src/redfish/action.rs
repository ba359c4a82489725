//! The actions of a resource, and the parameters that their documents describe.

use super::doc::Doc;
use super::resource::{ModelOf, Owner, ReadBody};

/// The schema of the resource that describes the parameters of an action.
pub(super) const ACTION_INFO_SCHEMA: &str = "ActionInfo.v1_6_0";

/// An action of a resource.
pub(super) struct Action<O: Owner> {
    /// As in `#ComputerSystem.Reset`.
    pub key: &'static str,
    /// The parameters that a client may send.
    pub parameters: &'static [Parameter<O>],
    /// The values of `@Redfish.OperationApplyTime` that a client may send. Empty: the action has no such parameter.
    pub apply_times: &'static [&'static str],
    /// Reads the body of the POST.
    pub run: ReadBody<O>,
}

/// A parameter of an action.
pub(super) struct Parameter<O: Owner> {
    pub name: &'static str,
    kind: &'static str,
    required: fn(&ModelOf<'_, O>) -> bool,
    /// Writes the allowable values as the property with that name.
    allowed: Option<Allowed<O>>,
    /// The most elements of an array.
    most: Option<usize>,
    /// Whether the action takes it. Others show nothing of it.
    taken: fn(&ModelOf<'_, O>) -> bool,
    /// The value is the ETag of the collection with this name below the resource. With another ETag, the action is refused.
    pub etag_of: Option<&'static str>,
}

/// Writes the allowable values of a parameter as the property with that name.
type Allowed<O> = fn(&ModelOf<'_, O>, &str, &mut Doc<'_>);

impl<O: Owner> Parameter<O> {
    const fn new(name: &'static str, kind: &'static str) -> Self {
        Self { name, kind, required: |_| false, allowed: None, most: None, taken: |_| true, etag_of: None }
    }

    pub(super) const fn text(name: &'static str) -> Self {
        Self::new(name, "String")
    }

    pub(super) const fn flag(name: &'static str) -> Self {
        Self::new(name, "Boolean")
    }

    pub(super) const fn number(name: &'static str) -> Self {
        Self::new(name, "Number")
    }

    pub(super) const fn object(name: &'static str) -> Self {
        Self::new(name, "Object")
    }

    /// The ETag of a collection below the resource.
    pub(super) const fn etag_of(name: &'static str, collection: &'static str) -> Self {
        Self { etag_of: Some(collection), ..Self::text(name) }
    }

    /// An array of at most `most` texts.
    pub(super) const fn texts(name: &'static str, most: usize) -> Self {
        Self { most: Some(most), ..Self::new(name, "StringArray") }
    }

    /// An array of at most `most` links.
    pub(super) const fn links(name: &'static str, most: usize) -> Self {
        Self { most: Some(most), ..Self::new(name, "ObjectArray") }
    }

    /// One of the words that `allowed` writes.
    pub(super) const fn word(name: &'static str, allowed: Allowed<O>) -> Self {
        Self { allowed: Some(allowed), ..Self::new(name, "String") }
    }

    /// Restricts it to the words that `allowed` writes.
    pub(super) const fn with(self, allowed: Allowed<O>) -> Self {
        Self { allowed: Some(allowed), ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self { required: |_| true, ..self }
    }

    pub(super) const fn required_if(self, required: fn(&ModelOf<'_, O>) -> bool) -> Self {
        Self { required, ..self }
    }

    /// Restricts it to the resources for which `taken` is true.
    pub(super) const fn taken_if(self, taken: fn(&ModelOf<'_, O>) -> bool) -> Self {
        Self { taken, ..self }
    }

    /// `ResetType@Redfish.AllowableValues` and its like, beside the action's target.
    fn annotate(&self, model: &ModelOf<'_, O>, d: &mut Doc<'_>) {
        if let Some(allowed) = self.allowed {
            allowed(model, &format!("{}@Redfish.AllowableValues", self.name), d);
        }
    }

    /// An element of `Parameters` of an `ActionInfo`.
    fn describe(&self, model: &ModelOf<'_, O>, d: &mut Doc<'_>) {
        d.put("Name", self.name);
        d.put("Required", (self.required)(model));
        d.put("DataType", self.kind);
        if let Some(allowed) = self.allowed {
            allowed(model, "AllowableValues", d);
        }
        d.put_some("ArraySizeMaximum", self.most);
    }
}

impl<O: Owner> Action<O> {
    /// As in `ComputerSystem.Reset`.
    pub(super) fn name(&self) -> &'static str {
        self.key.trim_start_matches('#')
    }

    /// The last word of the path of its `ActionInfo`, as in `ResetActionInfo`. `None`: it has no parameters to describe.
    pub(super) fn info(&self) -> Option<String> {
        (!self.parameters.is_empty()).then(|| format!("{}ActionInfo", self.word()))
    }

    /// The last word of its name, as in `Reset`.
    pub(super) fn word(&self) -> &'static str {
        self.key.rsplit('.').next().unwrap_or(self.key)
    }

    fn taken(&self, model: &ModelOf<'_, O>) -> impl Iterator<Item = &'static Parameter<O>> {
        self.parameters.iter().filter(|parameter| (parameter.taken)(model))
    }

    /// Writes the action as the document of its resource at `uri` shows it. `describes`: the model has `ActionInfo`.
    pub(super) fn offer(&self, model: &ModelOf<'_, O>, describes: bool, d: &mut Doc<'_>) {
        let uri = O::uri(model);
        d.join("target", &[uri, "/Actions/", self.name()]);
        self.taken(model).for_each(|parameter| parameter.annotate(model, d));
        if !self.apply_times.is_empty() {
            d.object("@Redfish.OperationApplyTimeSupport", |d| {
                d.put("@odata.type", "#Settings.v1_5_0.OperationApplyTimeSupport");
                d.put("SupportedValues", self.apply_times);
            });
        }
        if let Some(info) = self.info().filter(|_| describes) {
            d.join("@Redfish.ActionInfo", &[uri, "/", &info]);
        }
    }

    /// Writes the properties of its `ActionInfo`.
    pub(super) fn describe(&self, model: &ModelOf<'_, O>, d: &mut Doc<'_>) {
        d.join("Id", &[self.word(), "ActionInfo"]);
        d.join("Name", &["Parameters of ", self.name()]);
        d.array("Parameters", |d| {
            for parameter in self.taken(model) {
                d.item_object(|d| parameter.describe(model, d));
            }
        });
    }
}
