//! What went wrong at AWS, in one line that says what to do.
//!
//! What AWS says beside a code is not repeated: to a wrong signature it answers with what was signed.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use reflector_core::recording::SourceError;

/// How much of a code goes into a line: AWS's are shorter, and others may answer in its place.
const CODE: usize = 60;

/// What was asked of AWS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The permission that it takes.
    pub(crate) permission: &'static str,
    /// On what.
    pub(crate) on: On<'a>,
}

/// What a permission is on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On<'a> {
    /// A queue, by its URL.
    Queue(&'a str),
    /// A bucket, by its name.
    Bucket(&'a str),
    /// What is in a bucket.
    ObjectsOf(&'a str),
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No answer came in time.
    Silent,
    /// Nobody could be asked.
    Unreachable,
    /// It cannot even be asked.
    Unaskable,
    /// There are no credentials.
    NoCredentials,
    /// There may be some, but they could not be fetched.
    CredentialsAway,
    /// They are not believed.
    BadCredentials,
    /// They don't allow it.
    Forbidden,
    /// They don't allow to decrypt it.
    Encrypted,
    /// There is no such queue or bucket.
    NotThere,
    /// There is no such object, or another one has its key.
    Gone,
    /// The object ends before the part of it that was asked for.
    Behind,
    /// The object cannot be read before somebody brings it back.
    Archived,
    /// The bucket is in another region.
    OtherRegion,
    /// Too much is asked of it.
    Busy,
    /// It has a fault.
    Fault,
    /// It is not AWS that answers, nor anything that looks like it.
    Stranger,
    /// It does not like what was asked.
    Request,
}

/// What went wrong.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) kind: Kind,
    /// The code that AWS gave it; empty if there was no answer.
    pub(crate) code: String,
    detail: String,
    source: Box<dyn Error + Send + Sync>,
}

impl Trouble {
    /// What an error means to somebody who asked this.
    pub(crate) fn of<E>(error: SdkError<E>, asked: Asked<'_>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let (kind, code) = (kind(&error), code(&error));
        let status = error.raw_response().map(|raw| raw.status().as_u16().to_string());
        let answered = status.into_iter().chain((!code.is_empty()).then(|| code.clone())).collect::<Vec<_>>();
        Self { kind, detail: detail(kind, &answered.join(" "), asked), code, source: error.into() }
    }
}

impl From<Trouble> for SourceError {
    fn from(trouble: Trouble) -> Self {
        let Trouble { kind, detail, source, .. } = trouble;
        match kind {
            Kind::Silent | Kind::Unreachable | Kind::CredentialsAway | Kind::Busy | Kind::Fault => {
                Self::Unavailable { detail, source: Some(source) }
            }
            _ => Self::Refused { detail },
        }
    }
}

fn kind<E>(error: &SdkError<E>) -> Kind
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => Kind::Silent,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Kind::Silent,
        SdkError::ServiceError(refused) => {
            kind_of(refused.err().code().unwrap_or_default(), refused.raw().status().as_u16())
        }
        SdkError::ResponseError(unread) => kind_of("", unread.raw().status().as_u16()),
        SdkError::DispatchFailure(failure) if failure.is_io() => Kind::Unreachable,
        _ => match beneath::<CredentialsError>(error) {
            Some(CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_)) => {
                Kind::NoCredentials
            }
            Some(_) => Kind::CredentialsAway,
            None if matches!(error, SdkError::DispatchFailure(_)) => Kind::Unreachable,
            None => Kind::Unaskable,
        },
    }
}

/// What an answer with this code and this status means. The codes are those of SQS and S3, which have names for the
/// same thing from several times.
fn kind_of(code: &str, status: u16) -> Kind {
    if matches!(code, "KMS.AccessDeniedException" | "KmsAccessDenied") {
        return Kind::Encrypted;
    }
    match bare(code) {
        "InvalidAddress" | "InvalidBucketName" | "NoSuchBucket" | "NonExistentQueue"
        | "QueueDoesNotExist" => Kind::NotThere,
        "NoSuchKey" | "NoSuchVersion" | "PreconditionFailed" => Kind::Gone,
        "InvalidRange" => Kind::Behind,
        "InvalidObjectState" => Kind::Archived,
        "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "PermanentRedirect"
        | "TemporaryRedirect" => Kind::OtherRegion,
        "AccessDenied" | "AccessDeniedException" | "AllAccessDisabled" => Kind::Forbidden,
        "AuthFailure"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSecurity"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "OptInRequired"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Kind::BadCredentials,
        "KmsThrottled"
        | "OverLimit"
        | "RequestThrottled"
        | "SlowDown"
        | "Throttling"
        | "ThrottlingException" => Kind::Busy,
        code => match status {
            500.. => Kind::Fault,
            408 | 429 => Kind::Busy,
            412 => Kind::Gone,
            416 => Kind::Behind,
            // What the SDK makes of a 404 that says nothing. Neither SQS nor S3 has such a code for what is asked.
            _ if code.is_empty() || code == "NotFound" => Kind::Stranger,
            401 | 403 => Kind::Forbidden,
            _ => Kind::Request,
        },
    }
}

/// A code without the name of its service.
pub(crate) fn bare(code: &str) -> &str {
    code.rsplit(['.', '#']).next().unwrap_or_default()
}

fn detail(kind: Kind, answered: &str, asked: Asked<'_>) -> String {
    let Asked { permission, on } = asked;
    let (service, place) = (on.service(), on.place());
    match kind {
        Kind::Silent => {
            format!("{service} does not answer in time: check the network, and AWS_ENDPOINT_URL if it is set")
        }
        Kind::Unreachable => format!(
            "{service} cannot be reached: check the network, AWS_REGION, and AWS_ENDPOINT_URL if it is set"
        ),
        Kind::Unaskable => format!("{service} cannot be asked for {place}: check its name or URL"),
        Kind::NoCredentials => "no credentials for AWS are found: set AWS_ACCESS_KEY_ID and \
            AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role"
            .to_owned(),
        Kind::CredentialsAway => "the credentials for AWS cannot be fetched now: check what gives them \
            out, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            .to_owned(),
        Kind::BadCredentials => format!(
            "AWS does not believe the credentials ({answered}): check the access key or sign in again, and \
             check this machine's clock"
        ),
        Kind::Forbidden => format!(
            "the permission {permission} on {on} is missing ({answered}): add it to the policy of these \
             credentials, or correct the name"
        ),
        Kind::Encrypted => format!(
            "{on} is encrypted and the permission kms:Decrypt on its key is missing ({answered}): add it to \
             the policy of these credentials"
        ),
        Kind::NotThere => {
            format!("{place} does not exist ({answered}): correct its name or URL, or make it")
        }
        Kind::Gone => format!("an object of {place} is gone, or another one has its key ({answered})"),
        Kind::Behind => format!("an object of {place} has fewer bytes than that ({answered})"),
        Kind::Archived => format!(
            "an object of {place} is archived ({answered}): restore it, and let the bucket's rules archive later"
        ),
        Kind::OtherRegion => {
            format!("{place} is in another region ({answered}): set AWS_REGION to that one")
        }
        Kind::Busy => format!("{service} allows no more for now ({answered})"),
        Kind::Fault => format!("{service} has a fault ({answered})"),
        Kind::Stranger => {
            format!("what answers is not {service} ({answered}): check AWS_ENDPOINT_URL if it is set")
        }
        Kind::Request => format!("{service} refuses {permission} on {on} ({answered})"),
    }
}

impl On<'_> {
    fn service(self) -> &'static str {
        match self {
            Self::Queue(_) => "SQS",
            Self::Bucket(_) | Self::ObjectsOf(_) => "S3",
        }
    }

    fn place(self) -> String {
        match self {
            Self::Queue(url) => format!("the queue {url}"),
            Self::Bucket(name) | Self::ObjectsOf(name) => format!("the bucket {name}"),
        }
    }
}

impl fmt::Display for On<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if matches!(self, Self::ObjectsOf(_)) { "the objects of " } else { "" };
        write!(f, "{of}{}", self.place())
    }
}

/// The code of an answer, if there was one.
fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    let SdkError::ServiceError(refused) = error else { return String::new() };
    let code = refused.err().code().unwrap_or_default();
    code.chars().filter(char::is_ascii_graphic).take(CODE).collect()
}

/// What is beneath an error, of one kind.
fn beneath<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use aws_credential_types::provider::error::CredentialsError;
    use aws_sdk_sqs::config::http::HttpResponse;
    use aws_sdk_sqs::error::{ConnectorError, ErrorMetadata};

    use super::*;

    type Raw = SdkError<ErrorMetadata>;

    const QUEUE: Asked<'_> = Asked { permission: "sqs:DeleteMessage", on: On::Queue("https://sqs/1/q") };
    const BUCKET: Asked<'_> = Asked { permission: "s3:ListBucketVersions", on: On::Bucket("recordings") };
    const OBJECTS: Asked<'_> =
        Asked { permission: "s3:DeleteObjectVersion", on: On::ObjectsOf("recordings") };

    fn response(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), "".into())
    }

    fn answer(status: u16, code: &str) -> Raw {
        // What AWS says beside the code may tell what was signed.
        let said = ErrorMetadata::builder().code(code).message("x-amz-security-token:hunter2").build();
        Raw::service_error(said, response(status))
    }

    fn told(error: Raw, asked: Asked<'_>) -> SourceError {
        let told = SourceError::from(Trouble::of(error, asked));
        let line = told.to_string();
        assert!(!line.contains(['\n', '\r']) && !line.contains("hunter2"), "{line}");
        told
    }

    #[track_caller]
    fn refused(error: Raw, asked: Asked<'_>, all: &[&str]) {
        let SourceError::Refused { detail } = told(error, asked) else { panic!("it is to be tried again") };
        assert!(all.iter().all(|part| detail.contains(part)), "{detail}");
    }

    #[track_caller]
    fn unavailable(error: Raw, all: &[&str]) {
        let SourceError::Unavailable { detail, source } = told(error, QUEUE) else { panic!("it is refused") };
        assert!(all.iter().all(|part| detail.contains(part)), "{detail}");
        assert!(source.is_some(), "what is beneath is kept for whoever looks");
    }

    #[test]
    fn a_permission_that_is_missing_is_named_with_what_it_is_on() {
        for (status, code) in [
            (403, "AccessDenied"),
            (400, "AccessDeniedException"),
            (403, "AllAccessDisabled"),
            (403, "Unheard"),
        ] {
            let all = ["sqs:DeleteMessage on the queue https://sqs/1/q is missing", code, "policy"];
            refused(answer(status, code), QUEUE, &all);
        }
        refused(answer(403, "AccessDenied"), BUCKET, &["s3:ListBucketVersions on the bucket recordings"]);
        let on_objects = "s3:DeleteObjectVersion on the objects of the bucket recordings is missing";
        refused(answer(403, "AccessDenied"), OBJECTS, &[on_objects]);
        for code in ["KMS.AccessDeniedException", "KmsAccessDenied"] {
            refused(answer(400, code), QUEUE, &["kms:Decrypt", "the queue https://sqs/1/q", code]);
        }
    }

    #[test]
    fn what_is_not_there_or_elsewhere_is_named() {
        for code in ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"] {
            refused(answer(400, code), QUEUE, &["the queue https://sqs/1/q does not exist", code]);
        }
        refused(answer(404, "NoSuchBucket"), OBJECTS, &["the bucket recordings does not exist"]);
        refused(answer(301, "PermanentRedirect"), BUCKET, &["another region", "AWS_REGION"]);
        refused(answer(400, "AuthorizationHeaderMalformed"), BUCKET, &["another region", "AWS_REGION"]);
    }

    #[test]
    fn an_object_that_cannot_be_read_is_told_from_one_that_may_not() {
        for (status, code, kind) in [
            (404, "NoSuchKey", Kind::Gone),
            (404, "NoSuchVersion", Kind::Gone),
            (412, "PreconditionFailed", Kind::Gone),
            (412, "", Kind::Gone),
            (416, "InvalidRange", Kind::Behind),
            (416, "", Kind::Behind),
        ] {
            assert_eq!(Trouble::of(answer(status, code), OBJECTS).kind, kind, "{status} {code}");
        }
        refused(
            answer(403, "InvalidObjectState"),
            OBJECTS,
            &["of the bucket recordings is archived", "restore"],
        );
    }

    #[test]
    fn credentials_that_are_not_believed_are_not_repeated() {
        for code in ["InvalidAccessKeyId", "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken"] {
            refused(answer(403, code), BUCKET, &["does not believe the credentials", code, "clock"]);
        }
    }

    #[test]
    fn what_passes_is_to_be_tried_again() {
        for (status, code) in [(500, "InternalError"), (503, "ServiceUnavailable"), (502, "")] {
            unavailable(answer(status, code), &["SQS has a fault", &status.to_string(), code]);
        }
        for (status, code) in [(503, "SlowDown"), (400, "ThrottlingException"), (403, "OverLimit"), (429, "")]
        {
            unavailable(answer(status, code), &["SQS allows no more for now", code]);
        }
        unavailable(Raw::response_error("it is torn", response(500)), &["SQS has a fault (500)"]);
        unavailable(Raw::timeout_error("it took long"), &["does not answer in time"]);
        let connection = |error| Raw::dispatch_failure(error);
        unavailable(connection(ConnectorError::timeout("long".into())), &["does not answer in time"]);
        unavailable(connection(ConnectorError::io("refused".into())), &["SQS cannot be reached"]);
    }

    #[test]
    fn credentials_that_are_missing_are_told_from_those_that_could_not_be_fetched() {
        let failed =
            |error: CredentialsError| Raw::dispatch_failure(ConnectorError::other(error.into(), None));
        refused(failed(CredentialsError::not_loaded("nothing")), QUEUE, &["no credentials", "AWS_PROFILE"]);
        refused(failed(CredentialsError::invalid_configuration("x")), QUEUE, &["no credentials"]);
        unavailable(failed(CredentialsError::provider_error("away")), &["cannot be fetched now"]);
    }

    #[test]
    fn who_is_not_aws_is_not_taken_for_it() {
        for strange in
            [Raw::response_error("a page", response(200)), answer(404, ""), answer(404, "NotFound")]
        {
            refused(strange, QUEUE, &["what answers is not SQS", "AWS_ENDPOINT_URL"]);
        }
        let long = format!("a\nb {}", "c".repeat(1_000));
        let line = told(answer(400, &long), BUCKET).to_string();
        assert!(line.len() < 250, "{line}");
    }
}
