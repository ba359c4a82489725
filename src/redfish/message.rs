//! The messages of DMTF's Base registry that this service sends. Ids, texts and resolutions are part of the protocol:
//! clients compare and show them.
//!
//! Source: DSP8011 2025.4, `Base.1.22.1`.

/// The registry with its version, as in a `MessageId`.
pub(super) const BASE: &str = "Base.1.22";
/// Full version of that registry.
pub(super) const BASE_VERSION: &str = "1.22.1";

/// The schema of a message in a response.
pub(super) const MESSAGE_SCHEMA: &str = "Message.v1_3_0";

/// A registry of messages.
pub(super) struct Registry {
    /// The registry with its version, as in a `MessageId`.
    pub id: &'static str,
    pub prefix: &'static str,
    /// As in the name of DMTF's file: `1.22.1`.
    pub version: &'static str,
    pub name: &'static str,
    pub owner: &'static str,
    /// The messages of it that this service sends.
    pub messages: &'static [&'static Entry],
}

/// The messages about requests.
pub(super) static BASE_REGISTRY: Registry = Registry {
    id: BASE,
    prefix: "Base",
    version: BASE_VERSION,
    name: "Base Message Registry",
    owner: "DMTF",
    messages: ALL,
};

/// An entry of a registry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// As in a `MessageId`: `Base.1.22`.
    pub registry: &'static str,
    pub key: &'static str,
    /// `MessageSeverity`.
    pub severity: &'static str,
    /// The text, with `%1` and so on for arguments.
    pub text: &'static str,
    pub resolution: &'static str,
}

impl Entry {
    /// The number of arguments in the text.
    pub(super) fn args(&self) -> usize {
        (1..=9).take_while(|n| self.text.contains(&format!("%{n}"))).count()
    }
}

/// A message about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub entry: &'static Entry,
    /// As many arguments as the text has.
    pub args: Vec<String>,
    /// A JSON pointer to the property that the message is about.
    pub property: Option<String>,
}

impl Message {
    pub(super) fn new<const N: usize>(entry: &'static Entry, args: [&str; N]) -> Self {
        debug_assert_eq!(entry.args(), N, "{}", entry.key);
        Self { entry, args: args.map(str::to_owned).to_vec(), property: None }
    }

    /// Adds a JSON pointer to a property of the request's body.
    #[must_use]
    pub(super) fn about(mut self, pointer: String) -> Self {
        self.property = Some(pointer);
        self
    }

    /// The text with its arguments filled in.
    pub(super) fn text(&self) -> String {
        let mut text = self.entry.text.to_owned();
        // From the last to the first, so that a %1 within an argument stays.
        for (n, arg) in self.args.iter().enumerate().rev() {
            text = text.replacen(&format!("%{}", n + 1), arg, 1);
        }
        text
    }
}

macro_rules! messages {
    ($($name:ident $key:literal $severity:literal $text:literal $resolution:literal)+) => {
        $(pub(super) static $name: Entry =
            Entry { registry: BASE, key: $key, severity: $severity, text: $text, resolution: $resolution };)+
        /// All messages that this service sends: the content of its registry.
        pub(super) static ALL: &[&Entry] = &[$(&$name),+];
    };
}

messages! {
    SUCCESS "Success" "OK"
        "The request completed successfully."
        "None."
    GENERAL_ERROR "GeneralError" "Critical"
        "A general error has occurred.  See Resolution for information on how to resolve the error, or @Message.ExtendedInfo if Resolution is not provided."
        "None."
    MALFORMED_JSON "MalformedJSON" "Critical"
        "The request body submitted was malformed JSON and could not be parsed by the receiving service."
        "Ensure that the request body is valid JSON and resubmit the request."
    UNRECOGNIZED_REQUEST_BODY "UnrecognizedRequestBody" "Warning"
        "The service detected a malformed request body that it was unable to interpret."
        "Correct the request body and resubmit the request if it failed."
    EMPTY_JSON "EmptyJSON" "Warning"
        "The request body submitted contained an empty JSON object and the service is unable to process it."
        "Add properties in the JSON object and resubmit the request."
    PROPERTY_UNKNOWN "PropertyUnknown" "Warning"
        "The property %1 is not in the list of valid properties for the resource."
        "Remove the unknown property from the request body and resubmit the request if the operation failed."
    PROPERTY_NOT_WRITABLE "PropertyNotWritable" "Warning"
        "The property %1 is a read-only property and cannot be assigned a value."
        "Remove the property from the request body and resubmit the request if the operation failed."
    PROPERTY_MISSING "PropertyMissing" "Warning"
        "The property %1 is a required property and must be included in the request."
        "Ensure that the property is in the request body and has a valid value and resubmit the request if the operation failed."
    PROPERTY_VALUE_TYPE_ERROR "PropertyValueTypeError" "Warning"
        "The value '%1' for the property %2 is not a type that the property can accept."
        "Correct the value for the property in the request body and resubmit the request if the operation failed."
    PROPERTY_VALUE_NOT_IN_LIST "PropertyValueNotInList" "Warning"
        "The value '%1' for the property %2 is not in the list of acceptable values."
        "Choose a value from the enumeration list that the implementation can support and resubmit the request if the operation failed."
    PROPERTY_VALUE_FORMAT_ERROR "PropertyValueFormatError" "Warning"
        "The value '%1' for the property %2 is not a format that the property can accept."
        "Correct the value for the property in the request body and resubmit the request if the operation failed."
    PROPERTY_VALUE_OUT_OF_RANGE "PropertyValueOutOfRange" "Warning"
        "The value '%1' for the property %2 is not in the supported range of acceptable values."
        "Correct the value for the property in the request body and resubmit the request if the operation failed."
    PROPERTY_VALUE_CONFLICT "PropertyValueConflict" "Warning"
        "The property '%1' could not be written because its value would conflict with the value of the '%2' property."
        "None."
    STRING_VALUE_TOO_LONG "StringValueTooLong" "Warning"
        "The string '%1' exceeds the length limit %2."
        "Resubmit the request with an appropriate string length."
    ARRAY_SIZE_TOO_LONG "ArraySizeTooLong" "Warning"
        "The array provided for property %1 exceeds the size limit %2."
        "Resubmit the request with an appropriate array size."
    ACTION_PARAMETER_MISSING "ActionParameterMissing" "Critical"
        "The action %1 requires the parameter %2 to be present in the request body."
        "Supply the action with the required parameter in the request body when the request is resubmitted."
    ACTION_PARAMETER_UNKNOWN "ActionParameterUnknown" "Warning"
        "The action %1 was submitted with the invalid parameter %2."
        "Correct the invalid action parameter and resubmit the request if the operation failed."
    ACTION_PARAMETER_VALUE_TYPE_ERROR "ActionParameterValueTypeError" "Warning"
        "The value '%1' for the parameter %2 in the action %3 is not a type that the parameter can accept."
        "Correct the value for the parameter in the request body and resubmit the request if the operation failed."
    ACTION_PARAMETER_VALUE_NOT_IN_LIST "ActionParameterValueNotInList" "Warning"
        "The value '%1' for the parameter %2 in the action %3 is not in the list of acceptable values."
        "Choose a value from the enumeration list that the implementation can support and resubmit the request if the operation failed."
    ACTION_PARAMETER_VALUE_FORMAT_ERROR "ActionParameterValueFormatError" "Warning"
        "The value '%1' for the parameter %2 in the action %3 is not a format that the parameter can accept."
        "Correct the value for the parameter in the request body and resubmit the request if the operation failed."
    RESOURCE_MISSING_AT_URI "ResourceMissingAtURI" "Critical"
        "The resource at the URI '%1' was not found."
        "Place a valid resource at the URI or correct the URI and resubmit the request."
    OPERATION_NOT_ALLOWED "OperationNotAllowed" "Critical"
        "The HTTP method is not allowed on this resource."
        "None."
    NO_VALID_SESSION "NoValidSession" "Critical"
        "There is no valid session established with the implementation."
        "Establish a session before attempting any operations."
    RESOURCE_AT_URI_UNAUTHORIZED "ResourceAtUriUnauthorized" "Critical"
        "While accessing the resource at '%1', the service received an authorization error '%2'."
        "Ensure that the appropriate access is provided for the service in order for it to access the URI."
    INSUFFICIENT_PRIVILEGE "InsufficientPrivilege" "Critical"
        "There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation."
        "Either abandon the operation or change the associated access rights and resubmit the request if the operation failed."
    PASSWORD_CHANGE_REQUIRED "PasswordChangeRequired" "Critical"
        "The password provided for this account must be changed before access is granted.  PATCH the Password property for this account located at the target URI '%1' to complete this process."
        "Change the password for this account using a PATCH to the Password property at the URI provided."
    PROPERTY_VALUE_ERROR "PropertyValueError" "Warning"
        "The value provided for the property %1 is not valid."
        "Correct the value for the property in the request body and resubmit the request if the operation failed."
    ACTION_NOT_SUPPORTED "ActionNotSupported" "Critical"
        "The action %1 is not supported by the resource."
        "Check the Actions property in the resource for the supported actions."
    ACTION_PARAMETER_NOT_SUPPORTED "ActionParameterNotSupported" "Warning"
        "The parameter %1 for the action %2 is not supported on the target resource."
        "Remove the parameter supplied and resubmit the request if the operation failed."
    ACTION_PARAMETER_VALUE_CONFLICT "ActionParameterValueConflict" "Warning"
        "The parameter '%1' with the requested value of '%2' does not meet the constraints of the implementation."
        "None."
    ACTION_PARAMETER_VALUE_ERROR "ActionParameterValueError" "Warning"
        "The value for the parameter %1 in the action %2 is invalid."
        "Correct the value for the parameter in the request body and resubmit the request if the operation failed."
    RESOURCE_ALREADY_EXISTS "ResourceAlreadyExists" "Critical"
        "The requested resource of type %1 with the property %2 with the value '%3' already exists."
        "Do not repeat the create operation as the resource was already created."
    RESOURCE_CANNOT_BE_DELETED "ResourceCannotBeDeleted" "Critical"
        "The delete request failed because the resource requested cannot be deleted."
        "Do not attempt to delete a non-deletable resource."
    RESTRICTED_ROLE "RestrictedRole" "Warning"
        "The operation was not successful because the role '%1' is restricted."
        "No resolution is required.  For standard roles, consider using the role specified in the AlternateRoleId property in the Role resource."
    SESSION_LIMIT_EXCEEDED "SessionLimitExceeded" "Critical"
        "The session establishment failed due to the number of simultaneous sessions exceeding the limit of the implementation."
        "Reduce the number of other sessions before trying to establish the session or increase the limit of simultaneous sessions, if supported."
    SERVICE_TEMPORARILY_UNAVAILABLE "ServiceTemporarilyUnavailable" "Critical"
        "The service is temporarily unavailable.  Retry in %1 seconds."
        "Wait for the indicated retry duration and retry the operation."
    SERVICE_DISABLED "ServiceDisabled" "Warning"
        "The operation failed because the service at %1 is disabled and cannot accept requests."
        "Enable the service and resubmit the request if the operation failed."
    CREATE_LIMIT_REACHED "CreateLimitReachedForResource" "Critical"
        "The create operation failed because the resource has reached the limit of possible resources."
        "Either delete resources and resubmit the request if the operation failed or do not resubmit the request."
    PRECONDITION_FAILED "PreconditionFailed" "Critical"
        "The ETag supplied did not match the ETag required to change this resource."
        "Try the operation again using the appropriate ETag."
    PRECONDITION_REQUIRED "PreconditionRequired" "Critical"
        "A precondition header or annotation is required to change this resource."
        "Try the operation again using an If-Match or If-None-Match header and appropriate ETag."
    NO_OPERATION "NoOperation" "Warning"
        "The request body submitted contain no data to act upon and no changes to the resource took place."
        "Add properties in the JSON object and resubmit the request."
    RESOURCE_IN_USE "ResourceInUse" "Warning"
        "The change to the requested resource failed because the resource is in use or in transition."
        "Remove the condition and resubmit the request if the operation failed."
    RESOURCE_IN_STANDBY "ResourceInStandby" "Critical"
        "The request could not be performed because the resource is in standby."
        "Ensure that the resource is in the correct power state and resubmit the request."
    QUERY_NOT_SUPPORTED_ON_RESOURCE "QueryNotSupportedOnResource" "Warning"
        "Querying is not supported on the requested resource."
        "Remove the query parameters and resubmit the request if the operation failed."
    QUERY_NOT_SUPPORTED_ON_OPERATION "QueryNotSupportedOnOperation" "Warning"
        "Querying is not supported with the requested operation."
        "Remove the query parameters and resubmit the request if the operation failed."
    QUERY_PARAMETER_VALUE_FORMAT_ERROR "QueryParameterValueFormatError" "Warning"
        "The value '%1' for the parameter %2 is not a format that the parameter can accept."
        "Correct the value for the query parameter in the request and resubmit the request if the operation failed."
    QUERY_PARAMETER_VALUE_TYPE_ERROR "QueryParameterValueTypeError" "Warning"
        "The value '%1' for the query parameter %2 is not a type that the parameter can accept."
        "Correct the value for the query parameter in the request and resubmit the request if the operation failed."
    QUERY_PARAMETER_OUT_OF_RANGE "QueryParameterOutOfRange" "Warning"
        "The value '%1' for the query parameter %2 is out of range %3."
        "Reduce the value for the query parameter to a value that is within range, such as a start or count value that is within bounds of the number of resources in a collection or a page number that is within the range of valid pages."
    QUERY_PARAMETER_UNSUPPORTED "QueryParameterUnsupported" "Warning"
        "Query parameter '%1' is not supported."
        "Correct or remove the query parameter and resubmit the request."
    QUERY_COMBINATION_INVALID "QueryCombinationInvalid" "Warning"
        "Two or more query parameters in the request cannot be used together."
        "Remove one or more of the query parameters and resubmit the request if the operation failed."
    INSUFFICIENT_STORAGE "InsufficientStorage" "Critical"
        "Insufficient storage or memory available to complete the request."
        "Increase the free storage space available to the service and resubmit the request."
    INTERNAL_ERROR "InternalError" "Critical"
        "The request failed due to an internal service error.  The service is still operational."
        "Resubmit the request.  If the problem persists, consider resetting the service."
    PAYLOAD_TOO_LARGE "PayloadTooLarge" "Critical"
        "The supplied payload exceeds the maximum size supported by the service."
        "Check that the supplied payload is correct and supported by this service."
    INVALID_URI "InvalidURI" "Critical"
        "The URI %1 was not found."
        "Provide a valid URI and resubmit the request."
    HEADER_INVALID "HeaderInvalid" "Critical"
        "Header '%1' is invalid."
        "Resubmit the request with a valid request header."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_filled_in_once() {
        let message = Message::new(&PROPERTY_VALUE_NOT_IN_LIST, ["%2", "Boot"]);
        assert_eq!(
            message.text(),
            "The value '%2' for the property Boot is not in the list of acceptable values."
        );
    }

    #[test]
    fn every_key_is_listed_once() {
        let mut keys: Vec<_> = ALL.iter().map(|e| e.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ALL.len());
    }
}
