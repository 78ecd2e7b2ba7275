"""The Terraform files as text: they fit the SQL, the DAG and the engine, and grant no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TERRAFORM = ROOT / "terraform"
FILES = sorted(TERRAFORM.glob("*.tf"))
SQL = (ROOT / "sql" / "bestsellers" / "schema.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Block:
    """A top-level block: `kind "labels" { body }`."""

    kind: str
    labels: tuple[str, ...]
    body: str

    def value(self, name: str) -> str | None:
        """The expression after `name =` at the block's first level, if it stands on one line."""
        found = re.search(rf"^  {name} += (.+)$", self.body, re.MULTILINE)
        return found[1] if found else None


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy."""

    sid: str
    effect: str
    actions: tuple[str, ...]
    text: str


def blocks(kind: str) -> list[Block]:
    """All blocks of a kind; the form is the one that `terraform fmt` gives."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    found = re.finditer(
        r'^(\w+)((?: "[^"]+")*) \{(?:\}|\n(.*?)^\})', text, re.MULTILINE | re.DOTALL
    )
    return [
        Block(kind=each[1], labels=tuple(re.findall(r'"([^"]+)"', each[2])), body=each[3] or "")
        for each in found
        if each[1] == kind
    ]


def resource(kind: str, name: str | None = None) -> Block:
    """The one resource of a kind, or that with a name."""
    (block,) = (
        block
        for block in blocks("resource")
        if block.labels[0] == kind and name in (None, block.labels[1])
    )
    return block


def actions(policy: str) -> set[str]:
    """All that a policy of the workers grants."""
    block = resource("aws_iam_policy", policy)
    return {action for each in statements(block) for action in each.actions}


def statements(block: Block) -> Iterator[Statement]:
    for found in re.finditer(r"^( +)\{\n(.*?)^\1\}", block.body, re.MULTILINE | re.DOTALL):
        text = found[2]
        action = re.search(r"^ +Action += (\[.*?\]|\".*?\")", text, re.MULTILINE | re.DOTALL)
        sid = re.search(r'^ +Sid += "(\w+)"', text, re.MULTILINE)
        effect = re.search(r'^ +Effect += "(\w+)"', text, re.MULTILINE)
        assert action and sid and effect, f"a statement of {block.labels} is not understood: {text}"
        actions = tuple(re.findall(r'"([^"]+)"', action[1]))
        yield Statement(sid=sid[1], effect=effect[1], actions=actions, text=text)


def all_statements() -> list[Statement]:
    return [each for block in blocks("resource") for each in statements(block)]


def default(variable: str) -> str:
    (block,) = (block for block in blocks("variable") if block.labels == (variable,))
    value = block.value("default")
    assert value is not None, f"the variable {variable} has no default"
    return value.strip('"')


def test_every_policy_statement_is_seen_by_these_tests() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    assert len(all_statements()) == len(re.findall(r"\bEffect\b", text)) > 0


def test_every_tag_comes_from_the_variable_tags() -> None:
    (provider,) = blocks("provider")
    assert re.search(r"default_tags \{\s+tags = var\.tags\s+\}", provider.body)


@pytest.mark.parametrize("block", blocks("resource"), ids=lambda block: ".".join(block.labels))
def test_every_resource_is_named_from_variables(block: Block) -> None:
    names = [block.value(name) for name in ("name", "bucket", "role")]
    given = [name for name in names if name is not None]
    assert given, f"{block.labels} has no name"
    assert all(re.search(r"\bvar\.\w+|^aws_\w+\.", name) for name in given), given


def test_no_policy_allows_a_wildcard_action() -> None:
    allowed = [
        action for each in all_statements() if each.effect == "Allow" for action in each.actions
    ]
    assert allowed
    assert [action for action in allowed if "*" in action] == []


def test_no_policy_allows_every_resource_or_principal() -> None:
    for each in all_statements():
        assert not re.search(r'Resource += \[?"\*"', each.text), each.sid
        if each.effect == "Allow":
            assert not re.search(r'Principal += (\{ AWS = )?"\*"', each.text), each.sid


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
    assert named <= actions("worker")


def test_every_call_of_the_registry_and_the_publishing_is_granted() -> None:
    registry = (ROOT / "airflow_plugin/airscoop/aws/dynamodb.py").read_text(encoding="utf-8")
    called = set(re.findall(r"self\._client\.(\w+)", registry))
    assert called == {"get_item", "query", "put_item", "update_item", "transact_write_items"}
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
    assert (table.value("hash_key"), table.value("range_key")) == ('"pk"', '"sk"')
    assert 'attribute_name = "expires"' in table.body
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
    resources = re.search(r"Resource += (.+)", deleting.text)
    assert resources and resources[1] == '["${local.data_arn}/*"]'


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
    assert wanted <= {block.labels[0] for block in blocks("output")}


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
    assert [access.value(name) for name in (*switches, "restrict_public_buckets")] == ["true"] * 4
    encryption = resource("aws_s3_bucket_server_side_encryption_configuration").body
    assert re.findall(r'sse_algorithm = "(\S+)"', encryption) == ["AES256"]


def test_the_bucket_policy_only_refuses_requests_without_tls() -> None:
    (policy,) = statements(resource("aws_s3_bucket_policy"))
    assert (policy.effect, policy.actions) == ("Deny", ("s3:*",))
    assert 'Condition = { Bool = { "aws:SecureTransport" = "false" } }' in policy.text


def test_only_the_given_warehouse_may_assume_the_role() -> None:
    (trust,) = statements(resource("aws_iam_role"))
    assert re.search(r'"sts:ExternalId" = "arn:[^"]+:dbuser:\$\{var\.redshift\}/\*"', trust.text)


def test_the_bucket_is_not_versioned_and_keeps_no_incomplete_upload() -> None:
    kinds = {block.labels[0] for block in blocks("resource")}
    assert "aws_s3_bucket_versioning" not in kinds
    lifecycle = resource("aws_s3_bucket_lifecycle_configuration").body
    assert re.search(
        r"abort_incomplete_multipart_upload \{\s+days_after_initiation = 1\s", lifecycle
    )


def test_no_account_id_and_no_key_stands_in_the_files() -> None:
    for path in [*FILES, TERRAFORM / "README.md", *TERRAFORM.glob("tests/*.hcl")]:
        text = path.read_text(encoding="utf-8").replace("000000000000", "")
        assert not re.search(r"\b\d{12}\b|\bA[KS]IA[A-Z0-9]{16}\b", text), path.name


def test_the_readme_names_every_output_and_every_variable_without_a_default() -> None:
    readme = (TERRAFORM / "README.md").read_text(encoding="utf-8")
    required = [block.labels[0] for block in blocks("variable") if "\n  default " not in block.body]
    assert sorted(required) == ["bucket", "redshift", "region"]
    assert all(f"-var {name}=" in readme for name in required)
    assert all(f"output -raw {block.labels[0]}" in readme for block in blocks("output"))
