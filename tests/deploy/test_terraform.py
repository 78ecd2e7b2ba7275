"""The Terraform files as text: they fit the SQL, the DAG and the engine, and grant no more."""

from __future__ import annotations

import re

import pytest

from support.terraform_files import (
    FILES,
    MODULES,
    ROOT,
    ROOT_MODULE,
    TERRAFORM,
    Block,
    Statement,
    blocks,
    default,
    only,
    resource,
    statements,
    words,
)

SQL = (ROOT / "sql" / "bestsellers" / "schema.sql").read_text(encoding="utf-8")


def actions(policy: str) -> set[str]:
    """All that a policy of the workers grants."""
    block = resource("aws_iam_policy", policy)
    return {action for each in statements(block) for action in each.actions}


def all_statements() -> list[Statement]:
    return [each for block in blocks("resource") for each in statements(block)]


def test_every_policy_statement_is_seen_by_these_tests() -> None:
    assert len(all_statements()) == words("Effect") > 0


def test_every_tag_comes_from_the_variable_tags() -> None:
    (provider,) = blocks("provider")
    assert only(provider.body["default_tags"]) == {"tags": "${var.tags}"}


@pytest.mark.parametrize("block", blocks("resource"), ids=str)
def test_every_resource_is_named_from_variables(block: Block) -> None:
    given = [block.body[name] for name in ("name", "bucket", "role") if name in block.body]
    assert given, f"{block} has no name"
    assert all("${var." in name or name.startswith("${aws_") for name in given), given


def test_no_policy_allows_a_wildcard_action() -> None:
    allowed = [
        action for each in all_statements() if each.effect == "Allow" for action in each.actions
    ]
    assert allowed
    assert [action for action in allowed if "*" in action] == []


def test_no_policy_allows_every_resource_or_principal() -> None:
    for each in all_statements():
        # In an expression, such as a list made of another, a text has its quotes.
        assert not any(text == "*" or '"*"' in text for text in each.resources), each.sid
        if each.effect == "Allow":
            assert not any(text == "*" or '"*"' in text for text in each.principals), each.sid


def test_the_worker_has_exactly_the_s3_actions_that_airscoop_uses() -> None:
    assert actions("worker") == {
        "s3:PutObject",
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:DeleteObject",
    }


def test_every_action_that_the_engine_names_in_its_errors_is_granted() -> None:
    sources = [*(ROOT / "csrc").rglob("*.c")]
    named = {
        action
        for path in sources
        for action in re.findall(r'"(s3:[A-Z]\w+)"', path.read_text(encoding="utf-8"))
    }
    assert "s3:PutObject" in named
    # No system reads older versions: who gives a version_id grants that to himself.
    of_versions = {"s3:GetObjectVersion", "s3:GetObjectVersionTagging"}
    assert named - of_versions <= actions("worker")


def test_every_call_of_the_registry_and_the_publishing_is_granted() -> None:
    registry = (ROOT / "airflow_plugin/airscoop/aws/dynamodb.py").read_text(encoding="utf-8")
    called = set(re.findall(r"self\._client\.(\w+)", registry))
    workers = {"get_item", "query", "put_item", "update_item", "transact_write_items"}
    # Who is on call may read the whole table; no worker does.
    assert called == workers | {"scan"}
    publish = (ROOT / "csrc/publish/publish.c").read_text(encoding="utf-8")
    asked = set(re.findall(r'start_call\(publish, "(\w+)"', publish))
    assert {action for action in actions("exports") if not action.startswith("s3:")} == {
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",  # also in a transaction, whose other half is a
        "dynamodb:ConditionCheckItem",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        *(f"kinesis:{name}" for name in asked),
    }


def test_the_exports_are_only_read_and_nothing_of_them_is_deleted() -> None:
    found = {each.sid: each.actions for each in statements(resource("aws_iam_policy", "exports"))}
    assert found["ReadExports"] == ("s3:GetObject",)
    assert found["ListExports"] == ("s3:ListBucket",)
    assert not any("Delete" in action for action in actions("exports") - {"sqs:DeleteMessage"})


def test_the_registry_has_the_keys_and_the_lifetime_that_the_code_names() -> None:
    table = resource("aws_dynamodb_table")
    assert (table.body["hash_key"], table.body["range_key"]) == ("pk", "sk")
    assert only(table.body["ttl"])["attribute_name"] == "expires"
    lease = (ROOT / "airflow_plugin/airscoop/exports/lease.py").read_text(encoding="utf-8")
    assert '"expires": int(time.time())' in lease


def test_the_worker_deletes_only_where_it_writes() -> None:
    """Stale reject files, and files of an earlier split copy."""
    (deleting,) = (
        each
        for each in statements(resource("aws_iam_policy", "worker"))
        if any("Delete" in action for action in each.actions)
    )
    assert deleting.actions == ("s3:DeleteObject",)
    assert deleting.resources == ("${local.data_arn}/*",)


def test_redshift_writes_no_file() -> None:
    actions = {
        action for each in statements(resource("aws_iam_role_policy")) for action in each.actions
    }
    assert {action for action in actions if action.startswith("s3:")} == {
        "s3:GetObject",
        "s3:ListBucket",
        "s3:GetBucketLocation",
    }


def test_every_variable_of_the_script_is_an_output() -> None:
    wanted = set(re.findall(r"'[^'\n]*\$\{(\w+)\}[^'\n]*'", SQL))
    assert wanted == {"role", "bucket"}
    assert wanted <= {block.labels[0] for block in blocks("output", ROOT_MODULE)}


def test_the_script_names_the_glue_database_that_is_made() -> None:
    assert re.findall(r"^DATABASE '(\w+)'", SQL, re.MULTILINE) == [default("glue_database")]


def test_the_script_and_the_dag_stay_below_the_prefix_that_is_granted() -> None:
    config = ROOT / "dags" / "config" / "bestsellers.yml"
    written = re.findall(r'bucket_dir: "s3://\{\{[^}]+\}\}/([^"]+)"', config.read_text("utf-8"))
    read = re.findall(r"LOCATION 's3://\$\{bucket\}/([^']+)'", SQL)
    assert len(written) == len(read) == 2
    assert all(place.startswith(default("prefix") + "/") for place in [*written, *read])


def test_the_bucket_is_private_and_encrypted() -> None:
    access = resource("aws_s3_bucket_public_access_block")
    switches = ("block_public_acls", "block_public_policy", "ignore_public_acls")
    assert [access.body[name] for name in (*switches, "restrict_public_buckets")] == [True] * 4
    encryption = only(resource("aws_s3_bucket_server_side_encryption_configuration").body["rule"])
    applied = only(encryption["apply_server_side_encryption_by_default"])
    assert applied["sse_algorithm"] == "AES256"


def test_the_bucket_policy_only_refuses_requests_without_tls() -> None:
    (policy,) = statements(resource("aws_s3_bucket_policy"))
    assert (policy.effect, policy.actions) == ("Deny", ("s3:*",))
    assert policy.condition == {"Bool": {"aws:SecureTransport": "false"}}


def test_only_the_given_warehouse_may_assume_the_role() -> None:
    (trust,) = statements(resource("aws_iam_role"))
    assert trust.condition.keys() == {"StringLike"}
    given = trust.condition["StringLike"]["sts:ExternalId"]
    assert given.startswith("arn:") and given.endswith(":dbuser:${var.redshift}/*")


def test_the_bucket_is_not_versioned_and_keeps_no_incomplete_upload() -> None:
    kinds = {block.labels[0] for block in blocks("resource")}
    assert "aws_s3_bucket_versioning" not in kinds
    rule = only(resource("aws_s3_bucket_lifecycle_configuration").body["rule"])
    assert only(rule["abort_incomplete_multipart_upload"])["days_after_initiation"] == 1


def test_no_account_id_and_no_key_stands_in_the_files() -> None:
    for path in [*FILES, TERRAFORM / "README.md", *TERRAFORM.rglob("*.hcl")]:
        text = path.read_text(encoding="utf-8").replace("000000000000", "")
        assert not re.search(r"\b\d{12}\b|\bA[KS]IA[A-Z0-9]{16}\b", text), path.name


def test_the_readme_names_every_output_and_every_variable_without_a_default() -> None:
    readme = (TERRAFORM / "README.md").read_text(encoding="utf-8")
    variables = blocks("variable", ROOT_MODULE)
    required = [block.labels[0] for block in variables if "default" not in block.body]
    assert sorted(required) == ["bucket", "redshift", "region"]
    assert all(f"-var {name}=" in readme for name in required)
    outputs = [block.labels[0] for block in blocks("output", ROOT_MODULE)]
    assert outputs
    assert all(f"output -raw {name}" in readme for name in outputs)


@pytest.mark.parametrize("module", [module for module in MODULES if module != ROOT_MODULE])
def test_a_module_gets_each_of_its_variables_from_that_of_the_same_name(module: str) -> None:
    (call,) = (block for block in blocks("module") if block.labels == (module,))
    given = {name: text for name, text in call.body.items() if name not in ("source", "count")}
    assert call.body["source"] == f"./modules/{module}"
    # Known before the bucket is made, and nothing of the module is made before it.
    assert given.pop("bucket") == "${aws_s3_bucket.data.bucket}"
    assert given == {name: f"${{var.{name}}}" for name in given}
    assert {*given, "bucket"} == {block.labels[0] for block in blocks("variable", module)}
    assert [block.labels for block in blocks("variable", module) if "default" in block.body] == []


def test_the_output_of_a_module_is_the_root_modules_of_the_same_name() -> None:
    own = {block.labels[0]: block.body["value"] for block in blocks("output", ROOT_MODULE)}
    assert own.pop("bucket") == "${aws_s3_bucket.data.bucket}"
    expected = {}
    for call in blocks("module"):
        (module,) = call.labels
        for (name,) in (block.labels for block in blocks("output", module)):
            maybe = f"one(module.{module}[*].{name})" if "count" in call.body else None
            expected[name] = f"${{{maybe or f'module.{module}.{name}'}}}"
    assert own == expected


def test_the_resources_of_snapshot_delta_are_made_only_for_a_tenant() -> None:
    (call,) = (block for block in blocks("module") if block.labels == ("snapshot_delta",))
    assert call.body["count"] == "${length(var.tenants) > 0 ? 1 : 0}"
