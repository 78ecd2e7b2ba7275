"""What botocore raises becomes airscoop's errors by one table, whatever the service."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError

from airscoop import errors
from airscoop.aws.service_errors import aws_errors


@pytest.mark.parametrize(
    ("operation", "code", "status", "kind"),
    [
        ("CreateTable", "EntityNotFoundException", 400, errors.NotFound),
        ("CreateTable", "AccessDeniedException", 400, errors.AccessDenied),
        ("CreateTable", "ResourceNumberLimitExceededException", 400, errors.HttpError),
        ("CreateTable", "ConcurrentModificationException", 400, errors.Throttled),
        ("DeleteTable", "OperationTimeoutException", 400, errors.TimedOut),
        ("GetTables", "FederationSourceRetryableException", 400, errors.Throttled),
        ("StartQueryExecution", "InvalidRequestException", 400, errors.HttpError),
        ("StartQueryExecution", "TooManyRequestsException", 400, errors.Throttled),
        ("GetQueryExecution", "InternalServerException", 500, errors.Throttled),
        ("GetItem", "ResourceNotFoundException", 400, errors.NotFound),
        ("PutItem", "ItemCollectionSizeLimitExceededException", 400, errors.HttpError),
        ("PutItem", "ReplicatedWriteConflictException", 400, errors.Throttled),
        ("CreateTable", "LimitExceededException", 400, errors.Throttled),
        ("AssumeRole", "AccessDenied", 403, errors.AccessDenied),
        ("AssumeRole", "ExpiredToken", 403, errors.CredentialsExpired),
        ("AssumeRole", "InvalidClientTokenId", 403, errors.AccessDenied),
        ("AssumeRoleWithWebIdentity", "IDPCommunicationError", 400, errors.Throttled),
        ("AssumeRole", "RegionDisabledException", 403, errors.AccessDenied),
        ("AssumeRole", "SignatureDoesNotMatch", 403, errors.AccessDenied),
        ("GetItem", "", 502, errors.Throttled),
        ("GetItem", "", 429, errors.Throttled),
    ],
)
def test_the_code_of_an_answer_tells_else_its_status(
    operation: str, code: str, status: int, kind: type[errors.AirscoopError]
) -> None:
    answer: Any = {
        "Error": {"Code": code, "Message": "it says why"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RequestId": "r-1"},
    }
    said = f"^here: {code}: it says why \\({operation}\\)$"
    with pytest.raises(kind, match=said) as caught, aws_errors("here"):
        raise exceptions.ClientError(answer, operation)
    assert type(caught.value) is kind
    assert (caught.value.http_status, caught.value.request_id) == (status, "r-1")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), errors.ConnectionFailed),
        (exceptions.ConnectionClosedError(endpoint_url="https://x"), errors.ConnectionFailed),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), errors.TimedOut),
        (exceptions.ConnectTimeoutError(endpoint_url="https://x"), errors.TimedOut),
        (
            exceptions.SSLError(endpoint_url="https://x", error="CERTIFICATE_VERIFY_FAILED"),
            errors.TlsError,
        ),
        (
            exceptions.SSLError(endpoint_url="https://x", error="UNEXPECTED_EOF"),
            errors.ConnectionFailed,
        ),
        (ResponseParserError("<html> is no JSON"), errors.ProtocolError),
        (exceptions.NoCredentialsError(), errors.CredentialsMissing),
        (exceptions.NoRegionError(), errors.UsageError),
        (exceptions.ParamValidationError(report="too long"), errors.UsageError),
    ],
)
def test_without_an_answer_the_exception_tells(
    error: Exception, kind: type[errors.AirscoopError]
) -> None:
    with pytest.raises(kind, match=r"^here: ") as caught, aws_errors("here"):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
