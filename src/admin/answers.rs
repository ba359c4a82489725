//! The errors that several operations of the control API have, for its document.

use utoipa::ToResponse;

use super::api::Problem;

/// Declares an error that several operations have.
macro_rules! problems {
    ($($name:ident: $text:literal;)+) => {
        $(
            #[derive(ToResponse)]
            #[response(description = $text, content_type = "application/problem+json")]
            #[expect(dead_code, reason = "it describes an answer in the document")]
            pub(super) struct $name(Problem);
        )+
    };
}

problems! {
    Wrong: "A parameter or a member of the body is wrong; nothing was changed";
    Missing: "There is no such node; nothing was changed";
    AllRefused: "Every selected node has refused; nothing was changed, and the member `result` has the reasons";
    NotNow: "The clock does not allow it now; nothing was changed, and `detail` has the reason";
    Full: "There is no room for so many nodes, or another node has an identity; nothing was changed";
    NoRule: "There is no such rule; nothing was changed";
    RuleExists: "There is a rule of this name, or no room for another one; nothing was changed";
    TooLarge: "The body has more than 1 MiB";
    NotJson: "The Content-Type is not application/json";
    Busy: "The disk of the simulator is full or fails, or the server is at a limit; try again later";
}
