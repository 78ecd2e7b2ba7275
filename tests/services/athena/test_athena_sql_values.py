"""What Athena answers for an expression, by the documentation of Trino and of Athena."""

from __future__ import annotations

import pytest

from support.athena_engine import Athena

VALUES = {
    "integer division drops the fraction": ("5/2", "2"),
    "integer division goes towards zero": ("-7/2", "-3"),
    "the remainder has the dividend's sign": ("-7%2", "-1"),
    "a decimal quotient has the greater scale": ("1.0/3", "0.3"),
    "a decimal quotient is rounded half up": ("5.0/8", "0.6"),
    "a decimal product has both scales": ("1.5*2.25", "3.375"),
    "a decimal sum has the greater scale": ("cast(1 as decimal(5,2)) + 0.5", "1.50"),
    "a decimal remainder": ("5.5 % 2", "1.5"),
    "a double divided by zero is infinite": ("1e0/0", "Infinity"),
    "zero by zero of doubles is no number": ("0e0/0", "NaN"),
    "NaN is equal to nothing": ("nan() = nan()", "false"),
    "NaN differs from itself": ("nan() <> nan()", "true"),
    "NaN is not greater than a number": ("nan() > 1e0", "false"),
    "NaN from a text": ("cast('NaN' as double)", "NaN"),
    "a double as Java prints it": ("1e10", "1.0E10"),
    "a small double as Java prints it": ("1e-5", "1.0E-5"),
    "a plain double as Java prints it": ("1234567e0", "1234567.0"),
    "a real keeps its own digits": ("cast(0.1 as real)", "0.1"),
    "a timestamp has three digits": ("timestamp '2020-01-02 03:04:05'", "2020-01-02 03:04:05.000"),
    "an array": ("array[1, null, 2]", "[1, null, 2]"),
    "a row without names": ("row(1, 'x')", "{field0=1, field1=x}"),
    "a row with names": ("cast(row(1, 'x') as row(a integer, b varchar))", "{a=1, b=x}"),
    "a map": ("map(array['a','b'], array[1,2])", "{a=1, b=2}"),
    "bytes as hexadecimal pairs": ("x'00ff'", "00 ff"),
    "a boolean": ("1 < 2", "true"),
    "NULL": ("null", None),
    "|| with NULL is NULL": ("'a' || null", None),
    "concat with NULL is NULL": ("concat('a', null)", None),
    "concat_ws leaves NULL out": ("concat_ws(',', 'a', null, 'b')", "a,b"),
    "greatest with NULL is NULL": ("greatest(1, null)", None),
    "least with NULL is NULL": ("least(null, 2)", None),
    "coalesce": ("coalesce(null, 2)", "2"),
    "nullif": ("nullif(1, 1)", None),
    "IN with NULL is NULL where nothing is equal": ("3 in (1, null)", None),
    "NOT IN a subquery with NULL is NULL": ("3 not in (select null)", None),
    "IS DISTINCT FROM knows NULL": ("null is distinct from 1", "true"),
    "a quantified comparison": ("5 > all (values 1, 2)", "true"),
    "rows are compared one by one": ("(1, 2) in ((1, 2), (3, 4))", "true"),
    "LIKE minds the case": ("'a' like 'A'", "false"),
    "LIKE with an escape": ("'a_b' like 'a!_b' escape '!'", "true"),
    "texts are ordered by code points": ("'Z' < 'a'", "true"),
    "a cast to varchar(n) cuts": ("cast('abc' as varchar(2))", "ab"),
    "a char is padded": ("cast('ab' as char(4)) ", "ab  "),
    "a char as varchar keeps its padding": ("cast(cast('a' as char(3)) as varchar) || '|'", "a  |"),
    "a double as bigint is rounded half up": ("cast(2.5e0 as bigint)", "3"),
    "a negative double as integer is rounded away from zero": ("cast(-2.5e0 as integer)", "-3"),
    "a decimal as integer is rounded half up": ("cast(2.5 as integer)", "3"),
    "a double as varchar": ("cast(1.5e0 as varchar)", "1.5E0"),
    "a decimal as varchar keeps its zeros": ("cast(1.50 as varchar)", "1.50"),
    "a boolean of a text": ("cast('T' as boolean)", "true"),
    "a date of a text": ("cast('2020-02-29' as date)", "2020-02-29"),
    "a timestamp of a date's text": ("cast('2020-01-02' as timestamp)", "2020-01-02 00:00:00.000"),
    "a timestamp is rounded to three digits": (
        "cast('2020-01-01 00:00:00.1239' as timestamp)",
        "2020-01-01 00:00:00.124",
    ),
    "try_cast of no number is NULL": ("try_cast('5.0' as integer)", None),
    "try_cast of a text with a space is NULL": ("try_cast(' 5' as integer)", None),
    "try_cast of an underscore is NULL": ("try_cast('1_000' as integer)", None),
    "TRY of a division by zero is NULL": ("try(1/0)", None),
    "TRY of a bad cast is NULL": ("try(cast('x' as bigint))", None),
    "substr from zero is empty": ("substr('abc', 0)", ""),
    "substr from before the beginning is empty": ("substr('abc', -5)", ""),
    "substr from the end": ("substr('abc', -2)", "bc"),
    "substr with a length": ("substr('abc', 2, 1)", "b"),
    "split": ("split('a,b,', ',')", "[a, b, ]"),
    "split with a limit": ("split('a,b,c', ',', 2)", "[a, b,c]"),
    "split_part beyond the last is NULL": ("split_part('a-b', '-', 3)", None),
    "split_part of an empty part": ("split_part('a-', '-', 2)", ""),
    "strpos of nothing is 0": ("strpos('abc', 'd')", "0"),
    "strpos from the end": ("strpos('abcb', 'b', -1)", "4"),
    "lpad": ("lpad('a', 4, 'xy')", "xyxa"),
    "rpad cuts": ("rpad('abc', 2, 'x')", "ab"),
    "translate": ("translate('abcd', 'ac', 'z')", "zbd"),
    "sha256 of bytes, in capitals": (
        "to_hex(sha256(to_utf8('a')))",
        "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB",
    ),
    "md5 of bytes": ("to_hex(md5(to_utf8('a')))", "0CC175B9C0F1B6A831C399E269772661"),
    "round half away from zero": ("round(-2.5e0)", "-3.0"),
    "round a decimal": ("round(2.555, 2)", "2.560"),
    "ceil of a decimal": ("ceil(1.2)", "2"),
    "element_at from the end": ("element_at(array[1,2], -1)", "2"),
    "element_at beyond the end is NULL": ("element_at(array[1,2], 5)", None),
    "element_at of no key is NULL": ("element_at(map(array['a'], array[1]), 'b')", None),
    "cardinality counts NULL": ("cardinality(array[1, null])", "2"),
    "contains is NULL where only NULL may be it": ("contains(array[1, null], 2)", None),
    "array_distinct keeps the order and one NULL": (
        "array_distinct(array[2, 1, null, 2, null])",
        "[2, 1, null]",
    ),
    "array_sort puts NULL last": ("array_sort(array[3, null, 1])", "[1, 3, null]"),
    "array_join leaves NULL out": ("array_join(array[1, null, 2], '-')", "1-2"),
    "array_join with a text for NULL": ("array_join(array['a', null], ',', '?')", "a,?"),
    "slice from the end": ("slice(array[1,2,3,4], -3, 2)", "[2, 3]"),
    "sequence": ("sequence(5, 1, -2)", "[5, 3, 1]"),
    "flatten": ("flatten(array[array[1], array[2, 3]])", "[1, 2, 3]"),
    "an array takes an element": ("array[1] || 2", "[1, 2]"),
    "zip fills with NULL": (
        "zip(array[1, 2], array['a'])",
        "[{field0=1, field1=a}, {field0=2, field1=null}]",
    ),
    "arrays_overlap is NULL where only NULL may": (
        "arrays_overlap(array[1], array[2, null])",
        None,
    ),
    "transform": ("transform(array[1, null], x -> coalesce(x, 0) + 1)", "[2, 1]"),
    "filter drops what is NULL": ("filter(array[5, -6, null, 7], x -> x > 0)", "[5, 7]"),
    "reduce with NULL": ("reduce(array[5, 20, null, 50], 0, (s, x) -> s + x, s -> s)", None),
    "reduce with a row as state": (
        "reduce(array[5, 6, 10, 20], cast(row(0.0, 0) as row(sum double, count integer)), "
        "(s, x) -> cast(row(x + s.sum, s.count + 1) as row(sum double, count integer)), "
        "s -> if(s.count = 0, null, s.sum / s.count))",
        "10.25",
    ),
    "zip_with": ("zip_with(array[1, 2], array[3, 4], (x, y) -> x + y)", "[4, 6]"),
    "any_match": ("any_match(array[1, 2], x -> x > 1)", "true"),
    "all_match with NULL": ("all_match(array[1, null], x -> x > 0)", None),
    "none_match": ("none_match(array[1, 2], x -> x > 5)", "true"),
    "map_filter": (
        "map_filter(map(array[10,20,30], array['a',null,'c']), (k, v) -> v is not null)",
        "{10=a, 30=c}",
    ),
    "transform_values": ("transform_values(map(array[1], array[10]), (k, v) -> v + k)", "{1=11}"),
    "map_concat: the last wins": (
        "map_concat(map(array[1], array[2]), map(array[1], array[3]))",
        "{1=3}",
    ),
    "regexp_like finds within": (r"regexp_like('1a 2b 14m', '\d+b')", "true"),
    "regexp_extract of a group": (r"regexp_extract('1a 2b 14m', '(\d+)([a-z]+)', 2)", "a"),
    "regexp_extract of nothing is NULL": (r"regexp_extract('x', '\d')", None),
    "regexp_replace with groups": (
        r"regexp_replace('1a 2b 14m', '(\d+)([ab]) ', '3c$2 ')",
        "3ca 3cb 14m",
    ),
    "regexp_split keeps an empty end": (
        r"regexp_split('1a 2b 14m', '\s*[a-z]+\s*')",
        "[1, 2, 14, ]",
    ),
    "json_extract_scalar keeps the digits": (
        """json_extract_scalar('{"a":{"b":[1,2.50,"x"]}}', '$.a.b[1]')""",
        "2.50",
    ),
    "json_extract_scalar of an object is NULL": (
        """json_extract_scalar('{"a":{}}', '$.a')""",
        None,
    ),
    "json_extract": ("""json_extract('{"a":{"b":[1, 2]}}', '$.a')""", '{"b":[1,2]}'),
    "CAST AS JSON of a text quotes it": ("""json_format(cast('x"y' as json))""", '"x\\"y"'),
    "CAST AS JSON of a row is an array": ("json_format(cast(row(1, 'a') as json))", '[1,"a"]'),
    "JSON as an array": ("cast(json '[1,2]' as array(bigint))", "[1, 2]"),
    "JSON as a row, by name": (
        """cast(json_parse('{"b":"z","a":1}') as row(a integer, b varchar))""",
        "{a=1, b=z}",
    ),
    "json_array_length": ("json_array_length('[1,2,3]')", "3"),
    "date_parse by MySQL's pattern": (
        "date_parse('2020-01-02 03:04:05', '%Y-%m-%d %H:%i:%s')",
        "2020-01-02 03:04:05.000",
    ),
    "date_format by MySQL's pattern": (
        "date_format(timestamp '2020-01-02 15:04:05', '%d/%b/%Y %r')",
        "02/Jan/2020 03:04:05 PM",
    ),
    "parse_datetime by Joda's pattern": (
        "parse_datetime('2020/01/02', 'yyyy/MM/dd')",
        "2020-01-02 00:00:00.000 UTC",
    ),
    "format_datetime by Joda's pattern": (
        "format_datetime(timestamp '2020-01-02 03:04:05', 'yyyy-MM-dd''T''HH:mm')",
        "2020-01-02T03:04",
    ),
    "a month later than the last of January": (
        "date '2020-01-31' + interval '1' month",
        "2020-02-29",
    ),
    "date_add keeps a date": ("date_add('month', 1, date '2020-01-31')", "2020-02-29"),
    "date_diff counts whole units": (
        "date_diff('day', timestamp '2020-01-01 23:00:00', timestamp '2020-01-02 22:00:00')",
        "0",
    ),
    "date_diff backwards": ("date_diff('day', date '2020-03-01', date '2020-01-01')", "-60"),
    "date_trunc of a week is Monday": ("date_trunc('week', date '2001-08-22')", "2001-08-20"),
    "day_of_week: Sunday is 7": ("day_of_week(date '2020-01-05')", "7"),
    "from_unixtime": ("from_unixtime(0)", "1970-01-01 00:00:00.000 UTC"),
    "AT TIME ZONE": (
        "timestamp '2012-10-31 01:00 UTC' at time zone 'America/Los_Angeles'",
        "2012-10-30 18:00:00.000 America/Los_Angeles",
    ),
    "from_iso8601_timestamp keeps the offset": (
        "from_iso8601_timestamp('2020-05-11T11:15:05.055+01:00')",
        "2020-05-11 11:15:05.055 +01:00",
    ),
    "a subtraction of dates": ("date '2020-01-02' - date '2020-01-01'", "1 00:00:00.000"),
    "url_encode": ("url_encode('a b&c')", "a+b%26c"),
    "EXTRACT": ("extract(month from date '2020-01-02')", "1"),
    "POSITION": ("position('b' in 'abc')", "2"),
    "the cube root of a cube": ("cbrt(27)", "3.0"),
    "SUBSTRING FROM": ("substring('abcdef' FROM 2 FOR 3)", "bcd"),
    "upper keeps a sign that would become two": ("upper('straße')", "STRAßE"),
    "levenshtein_distance counts signs, not bytes": ("levenshtein_distance('é', 'e')", "1"),
    "TRIM of signs": ("trim(both 'x' from 'xax')", "a"),
}


@pytest.mark.parametrize("rule", VALUES)
def test_a_value_is_as_the_documentation_says(athena: Athena, rule: str) -> None:
    expression, expected = VALUES[rule]
    assert athena.value(expression) == expected


TYPES = {
    "1": "integer",
    "3000000000": "bigint",
    "1.50": "decimal(3,2)",
    "0.1": "decimal(1,1)",
    "1e0": "double",
    "'abc'": "varchar(3)",
    "5 / 2": "integer",
    "1 + 3000000000": "bigint",
    "1.5 + 2.25": "decimal(4,2)",
    "1.5 * 2.25": "decimal(5,3)",
    "1.0 / 3": "decimal(2,1)",
    "1 + 1e0": "double",
    "count(*)": "bigint",
    "sum(1)": "bigint",
    "sum(1.5)": "decimal(38,1)",
    "avg(1)": "double",
    "avg(1.5)": "decimal(2,1)",
    "'a' || 'b'": "varchar",
    "length('a')": "bigint",
    "array[1, 1.2]": "array(decimal(11,1))",
    "row(1, 'a')": "row(integer, varchar(1))",
    "map(array['a'], array[1e0])": "map(varchar(1), double)",
    "now()": "timestamp(3) with time zone",
    "date '2020-01-01'": "date",
    "null": "unknown",
    "json_parse('1')": "json",
    "to_utf8('a')": "varbinary",
}


@pytest.mark.parametrize("expression", TYPES)
def test_a_type_is_as_trino_derives_it(athena: Athena, expression: str) -> None:
    assert athena.type(expression) == TYPES[expression]


def test_column_infos_have_athenas_types_precisions_and_names(athena: Athena) -> None:
    answer = athena.run(
        "SELECT 1 AS A, 'x', 1.50 AS \"B c\", cast(1 as real) r, true, date '2020-01-01'"
    )
    assert [(c.name, c.type, c.precision, c.scale) for c in answer.columns] == [
        ("a", "integer", 10, 0),
        ("_col1", "varchar", 1, 0),
        ("b c", "decimal", 3, 2),
        ("r", "float", 17, 0),
        ("_col4", "boolean", 0, 0),
        ("_col5", "date", 0, 0),
    ]
    assert list(answer.rows) == [("1", "x", "1.50", "1.0", "true", "2020-01-01")]
