/* CSV in any dialect becomes CSV as RFC 4180 says, however the text is cut. */
#include "stage_run.h"

struct options {
    struct scoop_csv_dialect dialect;
    size_t max_record_bytes;
    bool replace_invalid;
};

static struct scoop_stage *make(struct stage_run *run, const void *given) {
    const struct options *options = given;
    const struct scoop_record_options records = {.max_record_bytes = options->max_record_bytes,
                                                 .replace_invalid = options->replace_invalid,
                                                 .policy = {stage_run_reject, run}};
    return scoop_csv_clean_new(&options->dialect, &records, &run->counters, &run->error);
}

static struct scoop_stage *make_decode(struct stage_run *run, const void *encoding) {
    return scoop_decode_new(encoding, &run->counters, &run->error);
}

static void expect_of(const struct options *options, const char *text, size_t length,
                      const char *expected, const char *rejects) {
    for (size_t chunk = 0; chunk < 9; chunk++) {
        struct stage_run run;
        struct scoop_error error;
        stage_run(&run, make, options, text, length, chunk);
        assert_int_equal(run.result, 0);
        assert_string_equal(run.rejects.length ? scoop_buf_text(&run.rejects, &error) : "",
                            rejects);
        assert_string_equal(run.out.length ? scoop_buf_text(&run.out, &error) : "", expected);
        assert_int_equal(run.counters.records_in,
                         run.counters.records_out + run.counters.records_rejected);
        stage_run_free(&run);
    }
}

static void expect(struct scoop_csv_dialect dialect, const char *text, const char *expected) {
    const struct options options = {.dialect = dialect};
    expect_of(&options, text, strlen(text), expected, "");
}

static void expect_bad(struct scoop_csv_dialect dialect, const char *text, const char *expected,
                       const char *rejects) {
    const struct options options = {.dialect = dialect};
    expect_of(&options, text, strlen(text), expected, rejects);
}

#define DIALECT(...) ((struct scoop_csv_dialect){__VA_ARGS__})

static void without_a_dialect_values_are_quoted_where_they_must_be(void **state) {
    (void)state;
    expect(DIALECT(0), "k,v\n1,a\n", "k,v\n1,a\n");
    expect(DIALECT(0), "\"k\",\"v\"\r\n1,\"a,\"\"b\"\r\n2,\"\"\r\n3,",
           "k,v\n1,\"a,\"\"b\"\n2,\"\"\n3,\n");
    expect(DIALECT(0), "\xef\xbb\xbfk\r1\r\n\r\n\"2\r3\"", "k\n1\n\"2\r3\"\n");
    expect(DIALECT(0), "\n\nk,v\n\n1,\"a\nb\"\n", "k,v\n1,\"a\nb\"\n");
}

static void delimiters_and_quotes_are_any_character(void **state) {
    (void)state;
    expect(DIALECT(.delimiter = ";"), "k;v\n1;a,b\n2;\"c;\"\"d\"\n",
           "k,v\n1,\"a,b\"\n2,\"c;\"\"d\"\n");
    expect(DIALECT(.delimiter = "\t"), "k\tv\n1\t\n", "k,v\n1,\n");
    expect(DIALECT(.delimiter = "§", .quote = "þ"), "k§v\nþ1þ§þa§bþþþ\n2§\"\n",
           "k,v\n1,\"a§bþ\"\n2,\"\"\"\"\n");
    expect(DIALECT(.quote = "'"), "k,v\n'it''s','a,b'\n\"2\",c\n",
           "k,v\n\"it's\",\"a,b\"\n\"\"\"2\"\"\",c\n");
    expect(DIALECT(.quote = ""), "k,v\n1,\"a\n", "k,v\n1,\"\"\"a\"\n");
}

static void an_escape_makes_the_next_character_data(void **state) {
    const struct scoop_csv_dialect dialect = {.escape = "\\"};
    (void)state;
    expect(dialect, "k,v\n1,\"a\\\"b\"\n2,a\\,b\n3,a\\\nb\n4,\\\\\n",
           "k,v\n1,\"a\"\"b\"\n2,\"a,b\"\n3,\"a\nb\"\n4,\"\\\"\n");
    expect(dialect, "k,v\n1,a\\\r\nb\n2,\"a\\\"\"\n", "k,v\n1,\"a\r\nb\"\n2,\"a\"\"\"\n");
    expect(DIALECT(.escape = "\\", .null_values = "\\N\n"), "k,v\n1,\\N\n2,\"\\N\"\n3,\n",
           "k,v\n1,\n2,\"N\"\n3,\"\"\n");
    expect_bad(dialect, "k,v\n1,a\\", "k,v\n",
               "2@4+4 the text ends behind an escape (byte 4 of the record)|1,a\\\n");
}

static void null_is_what_the_dialect_says_without_quotes(void **state) {
    (void)state;
    expect(DIALECT(.null_values = "NULL\n\n"), "k,NULL\n1,NULL\n2,\"NULL\"\n3,\n4,\"\"\n",
           "k,NULL\n1,\n2,NULL\n3,\n4,\"\"\n");
    expect(DIALECT(.null_values = ""), "k,v\n1,\n", "k,v\n1,\"\"\n");
    expect(DIALECT(.null_values = "-\n", .for_rows = true), "k\n-\n", "k\n\"\"\n");
    expect_bad(
        DIALECT(.null_values = "-\n"), "k\n-\n\"-\"\n", "k\n-\n",
        "2@2+1 NULL is its only value: CSV of one column would have a blank line there, which "
        "is no row; without that text in null_values it stays as it is|-\n");
}

static void rows_are_skipped_and_comments_are_none(void **state) {
    (void)state;
    expect(DIALECT(.skip_rows = 2), "Report, of\r\n\r\nk,v\r\n1,a\r\n", "k,v\n1,a\n");
    expect(DIALECT(.comment = "#"), "# \"a\nk,v\n#\n1,#\n\"#2\",b\n#", "k,v\n1,#\n#2,b\n");
    expect(DIALECT(.comment = "--"), "--\rk\r-1\r--2", "k\n-1\n");
}

static void lines_keep_their_numbers_for_a_reader_of_rows(void **state) {
    (void)state;
    expect(DIALECT(.for_rows = true, .skip_rows = 1, .comment = "#"),
           "x\n#\n\nk,v\r#\r\n1,\"a\nb\"\n\r2,c", "\n\n\nk,v\n\n1,\"a\nb\"\n\n2,c\n");
}

static void a_text_without_a_header_gets_one(void **state) {
    (void)state;
    expect(DIALECT(.no_header = true), "1,a\n2,b\n", "1,a\n2,b\n");
    expect(DIALECT(.no_header = true, .columns = "k,\"v,w\"", .delimiter = ";"), "1;a\n2;b\n",
           "k,\"v,w\"\n1,a\n2,b\n");
    expect(DIALECT(.no_header = true, .columns = "k"), "", "k\n");
    expect_bad(DIALECT(.no_header = true, .columns = "k,v"), "1\n", "k,v\n",
               "1@0+1 the row has 1 values, the header names 2|1\n");
}

static void faults_are_told_and_what_follows_is_read(void **state) {
    (void)state;
    expect_bad(DIALECT(0), "k,v\n1\n2,b,c\n3,c\n", "k,v\n3,c\n",
               "2@4+1 the row has 1 values, the header names 2|1\n"
               "3@6+5 the row has 3 values, the header names 2|2,b,c\n");
    expect_bad(
        DIALECT(0), "k,v\n1,a\"b\r\n2,\"a\"b\n3,c\n", "k,v\n3,c\n",
        "2@4+5 a quote inside a value that does not begin with one (byte 4 of the "
        "record)|1,a\"b\n"
        "3@11+6 text follows the closing quote of a value (byte 6 of the record)|2,\"a\"b\n");
    expect_bad(DIALECT(0), "k,v\n1,\"a\n", "k,v\n",
               "2@4+4 a quoted value is not closed (byte 3 of the record)|1,\"a\n");
    expect_bad(DIALECT(0), "k,v\n1,\xff\n2,b\n", "k,v\n2,b\n",
               "2@4+3 the text is not UTF-8; perhaps its encoding is another, as cp1252 (byte 3 of "
               "the record)|1,\xff\n");
    expect(DIALECT(.delimiter = ","), "k;v\n1;a\n", "k;v\n1;a\n");
}

static void expect_failed(struct scoop_csv_dialect dialect, const char *text,
                          const char *expected) {
    const struct options options = {.dialect = dialect};
    for (size_t chunk = 0; chunk < 5; chunk++) {
        struct stage_run run;
        stage_run(&run, make, &options, text, strlen(text), chunk);
        assert_int_equal(run.result, -1);
        assert_int_equal(run.error.code, SCOOP_BAD_RECORD);
        assert_string_equal(run.error.message, expected);
        assert_int_equal(run.out.length, 0);
        stage_run_free(&run);
    }
}

static void a_bad_header_ends_the_run(void **state) {
    (void)state;
    expect_failed(DIALECT(0), "", "line 1 (byte 0): there is no header row");
    expect_failed(DIALECT(.skip_rows = 9), "k,v\n1", "line 2 (byte 5): there is no header row");
    expect_failed(DIALECT(0), "\nk;v\n1;a\n",
                  "line 2 (byte 1): the header is one column, k;v: is the delimiter ';'?");
    expect_failed(DIALECT(0), "\"k\"x,v\n1,a\n",
                  "line 1 (byte 0): text follows the closing quote of a value (byte 4 of the "
                  "record)");
}

static void a_nul_character_is_refused_or_replaced(void **state) {
    static const char text[] = "k,v\n1,a\0b\n";
    struct options options = {.max_record_bytes = 100};
    (void)state;
    expect_of(&options, text, sizeof text - 1, "k,v\n",
              "2@4+5 a NUL character (byte 4 of the record)|1,a");
    options.replace_invalid = true;
    expect_of(&options, text, sizeof text - 1,
              "k,v\n1,\"a\xef\xbf\xbd"
              "b\"\n",
              "");
}

static void a_long_record_is_bad_and_the_next_line_is_read(void **state) {
    const struct options options = {.max_record_bytes = 6};
    const char *text = "k,v\n1,\"aaaaaaaaaaaa\n2,b\n";
    (void)state;
    struct stage_run run;
    stage_run(&run, make, &options, text, strlen(text), 0);
    assert_int_equal(run.counters.records_rejected, 1);
    assert_int_equal(run.result, 0);
    assert_memory_equal(run.out.data, "k,v\n2,b\n", 8);
    stage_run_free(&run);
}

static void texts_of_other_encodings_become_utf8(void **state) {
    static const struct {
        const char *encoding, *text, *expected;
        size_t length;
    } cases[] = {
        {"latin-1", "k,\xe9\n", "k,é\n", 4},
        {"ISO-8859-1", "\xe9", "é", 1},
        {"cp1252", "\x80\x93", "€“", 2},
        {"windows-1252", "\x80", "€", 1},
        {"utf-16", "\xff\xfek\0,\0\xe9\0", "k,é", 8},
        {"UTF-16", "\xfe\xff\0k\0,\0\xe9", "k,é", 8},
        {"utf_16_be", "\0k\xd8\x3d\xde\x00", "k😀", 6},
        {"utf-8-sig", "\xef\xbb\xbfk", "\xef\xbb\xbfk", 4},
        {"shift_jis", "\x83\x65", "テ", 2},
        {"mac_roman", "\x8e", "é", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t chunk = 0; chunk < 4; chunk++) {
            struct stage_run run;
            struct scoop_error error;
            stage_run(&run, make_decode, cases[i].encoding, cases[i].text, cases[i].length, chunk);
            assert_int_equal(run.result, 0);
            assert_string_equal(scoop_buf_text(&run.out, &error), cases[i].expected);
            stage_run_free(&run);
        }
}

static void what_is_no_character_is_told_with_its_place(void **state) {
    (void)state;
    for (size_t chunk = 0; chunk < 4; chunk++) {
        struct stage_run run;
        stage_run(&run, make_decode, "cp1252", "k\r\n1\n\x81", 6, chunk);
        assert_int_equal(run.error.code, SCOOP_BAD_RECORD);
        assert_string_equal(run.error.message,
                            "line 3 (byte 5): byte 0x81 begins no character of cp1252");
        stage_run_free(&run);
        stage_run(&run, make_decode, "utf-16le", "k\0v", 3, chunk);
        assert_string_equal(run.error.message,
                            "line 1 (byte 2): the text ends inside a character of utf-16le");
        stage_run_free(&run);
    }
}

static void expect_refused(struct scoop_csv_dialect dialect, const char *expected) {
    struct scoop_error error = {0};
    assert_int_equal(scoop_csv_dialect_check(&dialect, &error), -1);
    assert_int_equal(error.code, SCOOP_USAGE);
    assert_non_null(strstr(error.message, expected));
}

static void what_cannot_be_a_dialect_is_refused(void **state) {
    (void)state;
    expect_refused(DIALECT(.delimiter = ""), "the delimiter \"\" is not one character");
    expect_refused(DIALECT(.delimiter = ", "), "the delimiter \", \" is not one character");
    expect_refused(DIALECT(.quote = "\n"), "is not one character");
    expect_refused(DIALECT(.escape = "\\\\"), "the escape \"\\\\\" is not one character");
    expect_refused(DIALECT(.delimiter = "\""), "is the quote, too");
    expect_refused(DIALECT(.escape = ","), "is the escape, too");
    expect_refused(DIALECT(.comment = ""), "comment is what a line begins with");
    expect_refused(DIALECT(.comment = ","), "the comment \",\" is the delimiter, too");
    expect_refused(DIALECT(.columns = "k"), "header=False");
    expect_refused(DIALECT(.encoding = "klingon"), "there is no encoding \"klingon\" here");
    expect_refused(DIALECT(.encoding = "latin1//IGNORE"), "there is no encoding");
}

static void memory_may_be_short_anywhere(void **state) {
    static const char text[] = "x\nk;v\n1;\"a\"\"\n,b\"\n#\n2;NULL\n";
    const struct options options = {
        .dialect = {.delimiter = ";", .skip_rows = 1, .comment = "#", .null_values = "NULL\n"}};
    (void)state;
    stage_run_torture(make, &options, text, sizeof text - 1);
    stage_run_torture(make_decode, "utf-16", "\xff\xfek\0,\0\xe9", 7 + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_dialect_values_are_quoted_where_they_must_be),
        cmocka_unit_test(delimiters_and_quotes_are_any_character),
        cmocka_unit_test(an_escape_makes_the_next_character_data),
        cmocka_unit_test(null_is_what_the_dialect_says_without_quotes),
        cmocka_unit_test(rows_are_skipped_and_comments_are_none),
        cmocka_unit_test(lines_keep_their_numbers_for_a_reader_of_rows),
        cmocka_unit_test(a_text_without_a_header_gets_one),
        cmocka_unit_test(faults_are_told_and_what_follows_is_read),
        cmocka_unit_test(a_bad_header_ends_the_run),
        cmocka_unit_test(a_nul_character_is_refused_or_replaced),
        cmocka_unit_test(a_long_record_is_bad_and_the_next_line_is_read),
        cmocka_unit_test(texts_of_other_encodings_become_utf8),
        cmocka_unit_test(what_is_no_character_is_told_with_its_place),
        cmocka_unit_test(memory_may_be_short_anywhere),
        cmocka_unit_test(what_cannot_be_a_dialect_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
