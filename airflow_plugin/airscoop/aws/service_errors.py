"""What botocore raises, in airscoop's terms: one function for the answers of every service."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from airscoop import errors
from airscoop.errors import AirscoopError

# The first row whose words are in the code of an answer tells what it means; then its status does.
BY_CODE: tuple[tuple[str, type[AirscoopError]], ...] = (
    ("Expired", errors.CredentialsExpired),
    (
        "AccessDenied|Unauthorized|UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId"
        "|InvalidIdentityToken|Signature|MissingAuthenticationToken|OptInRequired",
        errors.AccessDenied,
    ),
    ("OperationTimeout|RequestTimeout", errors.TimedOut),
    (
        "Throttl|Throughput|TooManyRequests|^RequestLimitExceeded|^LimitExceeded|SlowDown|Conflict"
        "|InProgress|Internal(Server|Service|Failure)|ServiceUnavailable|ConcurrentModification"
        "|NotReady|Retryable|IDPCommunicationError",
        errors.Throttled,
    ),
    ("NotFound|NoSuch|DoesNotExist", errors.NotFound),
)


@contextlib.contextmanager
def aws_errors(place: str) -> Iterator[None]:
    """Raises what botocore raises as `from_botocore_error` says."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (BotoCoreError, ClientError, ResponseParserError) as error:
        raise from_botocore_error(error, place) from error


def from_botocore_error(error: Exception, place: str) -> AirscoopError:
    """An exception of botocore's as one of airscoop's; `place` begins its message.

    Of a service's answer its code says what kind it is, else its status; the id of the request is
    kept. ConnectionFailed, TimedOut, TlsError, ProtocolError: there was no answer, or none that can
    be read. CredentialsMissing: none, incomplete or over. UsageError: all else, such as an unknown
    profile, a wrong region or configuration.
    """
    from botocore.exceptions import ClientError

    if not isinstance(error, ClientError):
        return _kind_without_answer(error)(f"{place}: {error}{_advice(error)}")
    about = error.response.get("ResponseMetadata", {})
    code, status = error_code(error), int(about.get("HTTPStatusCode", 0))
    message = error.response.get("Error", {}).get("Message", "")
    made = _kind(code, status)(f"{place}: {code}: {message} ({error.operation_name})")
    made.http_status = status or None
    made.request_id = about.get("RequestId")
    return made


# What to do where no service answered, by botocore's class or one that it is derived from.
_ADVICE = {
    "ProfileNotFound": "name a profile that ~/.aws/config has, or unset AWS_PROFILE",
    "ConfigParseError": "mend that file, or name another one in AWS_CONFIG_FILE",
    "InvalidConfigError": "correct it in ~/.aws/config, or in the variables AWS_…",
    "InvalidRegionError": "correct the region, which ~/.aws/config or AWS_DEFAULT_REGION may name",
    "InvalidRetryConfigurationError": "correct the retries in ~/.aws/config, or AWS_MAX_ATTEMPTS",
    "InvalidRetryModeError": "correct retry_mode in ~/.aws/config, or AWS_RETRY_MODE",
    "InvalidMaxRetryAttemptsError": "correct max_attempts in ~/.aws/config, or AWS_MAX_ATTEMPTS",
    "UnsupportedServiceProtocolsError": "install a newer botocore",
    "DataNotFoundError": "unset AWS_DATA_PATH, or install botocore anew",
    "UnknownEndpointError": "correct the region, or name the endpoint",
    "NoRegionError": "set AWS_DEFAULT_REGION, or the region of the profile",
    "CredentialRetrievalError": "run the program of the profile by hand to see what it says",
    "MetadataRetrievalError": "set keys, a profile or a role: the machine's metadata do not answer",
    "NoCredentialsError": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role",
    "PartialCredentialsError": "set the other half of the keys, too",
    "SSOTokenLoadError": "log in by aws sso login",
    "UnauthorizedSSOTokenError": "log in by aws sso login",
    "TokenRetrievalError": "log in by aws sso login",
    "SSOError": "log in by aws sso login",
    "LoginError": "log in by aws login",
}
MEND = "correct ~/.aws/config, or the variables AWS_…"


def _advice(error: Exception) -> str:
    """What to do about an environment in which nothing can be asked; a network mends itself."""
    for kind in type(error).__mro__:
        if kind.__name__ in _ADVICE:
            return f"; {_ADVICE[kind.__name__]}"
    wrong = (errors.UsageError, errors.CredentialsMissing)
    return f"; {MEND}" if _kind_without_answer(error) in wrong else ""


def error_code(error: Any) -> str:
    """The code of a ClientError."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _kind(code: str, status: int) -> type[AirscoopError]:
    for words, kind in BY_CODE:
        if re.search(words, code):
            return kind
    if status in (401, 403):
        return errors.AccessDenied
    if status == 404:
        return errors.NotFound
    return errors.Throttled if status == 429 or status >= 500 else errors.HttpError


def _kind_without_answer(error: Exception) -> type[AirscoopError]:
    from botocore import exceptions
    from botocore.parsers import ResponseParserError

    kinds: tuple[tuple[tuple[type[Exception], ...], type[AirscoopError]], ...] = (
        ((exceptions.ReadTimeoutError, exceptions.ConnectTimeoutError), errors.TimedOut),
        (
            (
                exceptions.ConnectionError,
                exceptions.HTTPClientError,
                exceptions.IncompleteReadError,
            ),
            errors.ConnectionFailed,
        ),
        ((ResponseParserError, exceptions.ChecksumError), errors.ProtocolError),
        (
            (
                exceptions.CredentialRetrievalError,
                exceptions.LoginError,
                exceptions.MetadataRetrievalError,
                exceptions.NoAuthTokenError,
                exceptions.NoCredentialsError,
                exceptions.PartialCredentialsError,
                exceptions.SSOError,
                exceptions.TokenRetrievalError,
            ),
            errors.CredentialsMissing,
        ),
    )
    if isinstance(error, exceptions.SSLError) and "certificate" in str(error).lower():
        return errors.TlsError
    return next((kind for group, kind in kinds if isinstance(error, group)), errors.UsageError)
