/* The gunzip stage: every way gzip data can be whole or broken. */
#include "stage_run.h"

#include <yajl/yajl_tree.h>
#include <zlib.h>

#include "vectors.h"

static struct scoop_stage *make(struct stage_run *run, const void *options) {
    return scoop_gunzip_new(options, &run->counters, &run->error);
}

static size_t decode_base64(const char *text, unsigned char *out) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = 0;
    unsigned bits = 0;
    int count = 0;
    for (; *text != 0 && *text != '='; text++) {
        bits = bits << 6 | (unsigned)(strchr(letters, *text) - letters);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[length++] = (unsigned char)(bits >> count);
        }
    }
    return length;
}

/* Appends one member; returns its length. */
static size_t add_member(struct scoop_buf *buf, const void *text, size_t length) {
    unsigned char out[4096];
    struct scoop_error error;
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text,
                  .avail_in = (uInt)length,
                  .next_out = out,
                  .avail_out = sizeof out};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t size = sizeof out - z.avail_out;
    deflateEnd(&z);
    assert_int_equal(scoop_buf_append(buf, out, size, &error), 0);
    return size;
}

static const char *field(yajl_val object, const char *name) {
    const char *path[] = {name, NULL};
    yajl_val value = yajl_tree_get(object, path, yajl_t_string);
    return value == NULL ? NULL : YAJL_GET_STRING(value);
}

static void check_vector(yajl_val test) {
    unsigned char data[4096];
    unsigned char expected[4096];
    size_t length = decode_base64(field(test, "gzip_b64"), data);
    bool good = strcmp(field(test, "python_gzip"), "ok") == 0;
    for (size_t chunk = 0; chunk < 20; chunk++) {
        struct stage_run run;
        stage_run(&run, make, NULL, data, length, chunk);
        if (good) {
            size_t size = decode_base64(field(test, "output_b64"), expected);
            assert_int_equal(run.result, 0);
            assert_int_equal(run.out.length, size);
            assert_memory_equal(stage_run_text(&run.out), expected, size);
        } else {
            assert_int_equal(run.result, -1);
        }
        stage_run_free(&run);
    }
}

static void every_case_of_gzip_json(void **state) {
    (void)state;
    char path[VECTORS_PATH_SIZE];
    const char *root = getenv("AIRSCOOP_ROOT");
    size_t length;
    snprintf(path, sizeof path, "%s/tests/data/gzip.json", root != NULL ? root : ".");
    char *text = vectors_read(path, &length);
    assert_non_null(text);
    yajl_val tree = yajl_tree_parse(text, NULL, 0);
    const char *cases_path[] = {"cases", NULL};
    yajl_val cases = yajl_tree_get(tree, cases_path, yajl_t_array);
    assert_int_equal(cases->u.array.len, 8);
    for (size_t i = 0; i < cases->u.array.len; i++)
        check_vector(cases->u.array.values[i]);
    yajl_tree_free(tree);
    free(text);
}

/* Three members, zero bytes after the first and the last; fills where each begins and ends. */
static void three_members(struct scoop_buf *buf, size_t begins[3], size_t ends[3]) {
    static const char *const texts[] = {"{\"a\":", "", "1}\n"};
    struct scoop_error error;
    scoop_buf_init(buf, 4096);
    for (size_t i = 0; i < 3; i++) {
        begins[i] = buf->length;
        add_member(buf, texts[i], strlen(texts[i]));
        ends[i] = buf->length;
        if (i != 1)
            assert_int_equal(scoop_buf_append(buf, "\0\0\0", 3, &error), 0);
    }
}

static void a_cut_inside_a_member_is_truncated_and_elsewhere_not(void **state) {
    (void)state;
    struct scoop_buf buf;
    size_t begins[3];
    size_t ends[3];
    three_members(&buf, begins, ends);
    for (size_t cut = 0; cut <= buf.length; cut++) {
        bool inside = false;
        for (size_t i = 0; i < 3; i++)
            inside |= cut > begins[i] && cut < ends[i];
        for (size_t chunk = 0; chunk < 3; chunk++) {
            struct stage_run run;
            stage_run(&run, make, NULL, buf.data, cut, chunk);
            assert_int_equal(run.result, inside ? -1 : 0);
            assert_int_equal(run.error.code, inside ? SCOOP_TRUNCATED : SCOOP_OK);
            stage_run_free(&run);
        }
    }
    scoop_buf_free(&buf);
}

static void a_line_may_span_members(void **state) {
    (void)state;
    struct scoop_buf buf;
    size_t begins[3];
    size_t ends[3];
    struct stage_run run;
    three_members(&buf, begins, ends);
    stage_run(&run, make, NULL, buf.data, buf.length, 0);
    assert_string_equal(stage_run_text(&run.out), "{\"a\":1}\n");
    assert_int_equal(run.counters.gzip_members, 3);
    assert_int_equal(run.counters.text_bytes, 8);
    stage_run_free(&run);
    scoop_buf_free(&buf);
}

static void no_bytes_are_no_members(void **state) {
    (void)state;
    struct stage_run run;
    stage_run(&run, make, NULL, "", 0, 0);
    assert_int_equal(run.result, 0);
    assert_int_equal(run.counters.gzip_members, 0);
    stage_run_free(&run);
}

/* Runs one member of "hello\n" with a byte changed or added. */
static void expect_fault(size_t at, unsigned char byte, enum scoop_code code, const char *message) {
    for (size_t chunk = 0; chunk < 3; chunk++) {
        struct scoop_buf buf;
        struct stage_run run;
        struct scoop_error error;
        scoop_buf_init(&buf, 4096);
        size_t length = add_member(&buf, "hello\n", 6);
        if (at >= length)
            assert_int_equal(scoop_buf_append(&buf, &byte, 1, &error), 0);
        else
            buf.data[at] ^= byte;
        stage_run(&run, make, NULL, buf.data, buf.length, chunk);
        assert_int_equal(run.result, -1);
        assert_int_equal(run.error.code, code);
        assert_non_null(strstr(run.error.message, message));
        stage_run_free(&run);
        scoop_buf_free(&buf);
    }
}

static void each_fault_has_its_code_and_place(void **state) {
    (void)state;
    expect_fault(0, 1, SCOOP_CORRUPT, "byte 0 is 0x1e");
    expect_fault(1, 1, SCOOP_CORRUPT, "not gzip data");
    expect_fault(2, 1, SCOOP_CORRUPT, "unknown compression method");
    expect_fault(3, 0x80, SCOOP_CORRUPT, "unknown header flags");
    expect_fault(10, 7, SCOOP_CORRUPT, "damaged at byte 1");
    expect_fault(18, 1, SCOOP_CORRUPT, "CRC-32");
    expect_fault(22, 1, SCOOP_CORRUPT, "the length in the trailer");
    expect_fault(99, 'x', SCOOP_TRAILING_GARBAGE, "byte 26, after gzip member 1");
}

static void zeros_alone_are_not_gzip(void **state) {
    (void)state;
    struct stage_run run;
    stage_run(&run, make, NULL, "\0\0", 2, 0);
    assert_int_equal(run.error.code, SCOOP_CORRUPT);
    stage_run_free(&run);
}

static void trailing_garbage_can_be_ignored(void **state) {
    (void)state;
    const struct scoop_gunzip_options options = {.ignore_trailing_garbage = true};
    static const char *const garbage[] = {"junk", "\x1fjunk", "\x1f\x1f\x8b", "\x1f", ""};
    for (size_t i = 0; i < 5; i++)
        for (size_t chunk = 0; chunk < 3; chunk++) {
            struct scoop_buf buf;
            struct scoop_error error;
            struct stage_run run;
            scoop_buf_init(&buf, 4096);
            add_member(&buf, "hello\n", 6);
            assert_int_equal(scoop_buf_append_text(&buf, garbage[i], &error), 0);
            stage_run(&run, make, &options, buf.data, buf.length, chunk);
            assert_int_equal(run.result, 0);
            assert_string_equal(stage_run_text(&run.out), "hello\n");
            assert_int_equal(run.counters.garbage_bytes, strlen(garbage[i]));
            stage_run_free(&run);
            scoop_buf_free(&buf);
        }
}

static void padding_is_no_garbage(void **state) {
    (void)state;
    const struct scoop_gunzip_options options = {.ignore_trailing_garbage = true};
    static const char padded[] = "\0\0\0\0xy";
    for (size_t length = 1; length <= 6; length++) {
        struct scoop_buf buf;
        struct scoop_error error;
        struct stage_run run;
        scoop_buf_init(&buf, 4096);
        add_member(&buf, "hello\n", 6);
        assert_int_equal(scoop_buf_append(&buf, padded, length, &error), 0);
        stage_run(&run, make, &options, buf.data, buf.length, 1);
        assert_int_equal(run.result, 0);
        assert_int_equal(run.counters.garbage_bytes, length > 4 ? length - 4 : 0);
        stage_run_free(&run);
        scoop_buf_free(&buf);
    }
}

static void gzip_inside_of_gzip_is_noticed(void **state) {
    static const struct {
        const char *text;
        size_t length;
        bool noticed;
    } texts[] = {
        {"\x1f\x8b\x08\x00\0\0\0\0\0\x03", 10, true},
        {"\x1f\x8b\x08\x00\0\0\0\0\0\x03 and on", 17, true},
        {"\x1f\x8b\x08\x00\0\0\0\0\0", 9, false},
        {"\x1f\x8b\x07\x00\0\0\0\0\0\x03", 10, false},
        {"no, not at all", 14, false},
    };
    (void)state;
    for (size_t i = 0; i < 5; i++)
        for (size_t chunk = 0; chunk < 3; chunk++) {
            struct scoop_buf buf;
            struct stage_run run;
            scoop_buf_init(&buf, 4096);
            add_member(&buf, texts[i].text, texts[i].length);
            stage_run(&run, make, NULL, buf.data, buf.length, chunk);
            assert_int_equal(run.result, 0);
            assert_int_equal(run.counters.gzip_inside, texts[i].noticed);
            stage_run_free(&run);
            scoop_buf_free(&buf);
        }
}

enum { BOMB_BYTES = 3 * 1024 * 1024 };

/* A member of zeros only. */
static size_t make_bomb(struct scoop_buf *buf) {
    unsigned char *zeros = calloc(1, BOMB_BYTES);
    assert_non_null(zeros);
    scoop_buf_init(buf, 8192);
    size_t length = add_member(buf, zeros, BOMB_BYTES);
    free(zeros);
    return length;
}

static void inflation_is_capped_by_ratio_and_by_size(void **state) {
    (void)state;
    const struct scoop_gunzip_options ratio = {.max_ratio = 100};
    const struct scoop_gunzip_options size = {.max_output_bytes = BOMB_BYTES - 1};
    const struct scoop_gunzip_options exact = {.max_output_bytes = BOMB_BYTES};
    const struct scoop_gunzip_options *const options[] = {&ratio, &size, &exact, NULL};
    struct scoop_buf buf;
    make_bomb(&buf);
    for (size_t i = 0; i < 4; i++)
        for (size_t chunk = 0; chunk < 3; chunk++) {
            struct stage_run run;
            stage_run(&run, make, options[i], buf.data, buf.length, chunk);
            assert_int_equal(run.error.code, i < 2 ? SCOOP_INFLATION : SCOOP_OK);
            if (i >= 2)
                assert_int_equal(run.out.length, BOMB_BYTES);
            else
                assert_true(run.out.length < BOMB_BYTES);
            stage_run_free(&run);
        }
    scoop_buf_free(&buf);
}

static void a_write_stops_after_a_step_of_output(void **state) {
    (void)state;
    struct stage_run run = {.sink = {.type = &stage_run_sink}};
    struct scoop_buf buf;
    size_t at = 0;
    make_bomb(&buf);
    scoop_buf_init(&run.out, BOMB_BYTES);
    struct scoop_stage *stage = make(&run, NULL);
    stage->next = &run.sink;
    while (at < buf.length) {
        size_t before = run.out.length;
        size_t consumed = 0;
        assert_int_equal(
            stage->type->write(stage, buf.data + at, buf.length - at, &consumed, &run.error), 0);
        at += consumed;
        assert_true(run.out.length - before <= 2 * SCOOP_STEP_BYTES);
        assert_true(at == buf.length || run.out.length - before >= SCOOP_STEP_BYTES);
    }
    assert_int_equal(run.out.length, BOMB_BYTES);
    scoop_stage_free_chain(stage);
    scoop_buf_free(&run.out);
    scoop_buf_free(&buf);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    struct scoop_buf buf;
    size_t begins[3];
    size_t ends[3];
    three_members(&buf, begins, ends);
    stage_run_torture(make, NULL, buf.data, buf.length);
    scoop_buf_free(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_of_gzip_json),
        cmocka_unit_test(a_cut_inside_a_member_is_truncated_and_elsewhere_not),
        cmocka_unit_test(a_line_may_span_members),
        cmocka_unit_test(no_bytes_are_no_members),
        cmocka_unit_test(each_fault_has_its_code_and_place),
        cmocka_unit_test(zeros_alone_are_not_gzip),
        cmocka_unit_test(trailing_garbage_can_be_ignored),
        cmocka_unit_test(padding_is_no_garbage),
        cmocka_unit_test(gzip_inside_of_gzip_is_noticed),
        cmocka_unit_test(inflation_is_capped_by_ratio_and_by_size),
        cmocka_unit_test(a_write_stops_after_a_step_of_output),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("gunzip", tests, NULL, NULL);
}
