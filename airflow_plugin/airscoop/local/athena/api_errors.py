"""What the API answers when it refuses a request, in Athena's words."""

from __future__ import annotations


class ApiError(Exception):
    """A refused request: the exception's name on the wire, and Athena's own code besides."""

    def __init__(
        self, message: str, *, code: str = "InvalidRequestException", detail: str = "INVALID_INPUT"
    ) -> None:
        super().__init__(message)
        self.code, self.detail = code, detail

    def body(self) -> dict[str, str]:
        fields = {"__type": self.code, "Message": str(self)}
        if self.code == "InvalidRequestException":
            fields["AthenaErrorCode"] = self.detail
        return fields


def no_output_location() -> ApiError:
    return ApiError(
        "No output location provided. An output location is required either through the Workgroup "
        "result configuration setting or as an API input."
    )


def no_such_query(query_id: str) -> ApiError:
    return ApiError(f"QueryExecution {query_id} was not found", detail="QUERY_EXECUTION_NOT_FOUND")


def no_results() -> ApiError:
    return ApiError("Could not find results", detail="RESULT_NOT_FOUND")
