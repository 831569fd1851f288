/* plugin.h: finding extensions, answering, logging and the exports, against tables that record what
 * reached them. The real host is tested with real plugins elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <nylon_ring/plugin.h>

static struct {
    uint64_t sid;
    NrStatus status;
    char text[2048];
    unsigned v1_results, v2_results, lines;
} seen;

static void record(uint64_t sid, NrStatus status, const uint8_t *ptr, uint64_t len) {
    assert_true(len < sizeof(seen.text));
    seen.sid = sid;
    seen.status = status;
    memcpy(seen.text, ptr, len);
    seen.text[len] = '\0';
}

static void record_v1(void *host_ctx, uint64_t sid, NrStatus status, NrBytes payload) {
    (void)host_ctx;
    record(sid, status, payload.ptr, payload.len);
    seen.v1_results++;
}

static NrStatus record_v2(void *host_ctx, uint64_t sid, NrStatus status, NrVecU8 payload) {
    (void)host_ctx;
    assert_int_equal(payload.owned, 0);
    assert_null(payload.drop_fn);
    record(sid, status, payload.ptr, payload.len);
    seen.v2_results++;
    return NR_BACKPRESSURE;
}

static void record_log(void *host_ctx, uint64_t sid, uint32_t level, NrStr message) {
    (void)host_ctx;
    record(sid, level, message.ptr, message.len);
    seen.lines++;
}

static const NrHostVTable v1_table = {record_v1};
static const NrHostVTable2 v2_table = {record_v2, NULL, NULL, NULL};
static const NrExtLog log_table = {record_log};

static const void *offer_all(void *host_ctx, const char *id) {
    (void)host_ctx;
    if (strcmp(id, NR_EXT_RESULT) == 0) {
        return &v2_table;
    }
    return strcmp(id, NR_EXT_LOG) == 0 ? &log_table : NULL;
}

static NrHostContext host_context(void) {
    NrHostContext context = {0};
    memcpy(&context.magic, "NYLNRING", 8);
    context.struct_size = sizeof(context);
    context.get_extension = offer_all;
    return context;
}

static int forget(void **state) {
    (void)state;
    memset(&seen, 0, sizeof(seen));
    return 0;
}

static void extensions_are_found_by_their_id(void **state) {
    (void)state;
    NrHostContext context = host_context();
    assert_ptr_equal(nr_find_extension(&context, "nylon.log/1"), &log_table);
    assert_null(nr_find_extension(&context, "nylon.log/2"));
}

static void a_host_of_another_kind_offers_no_extensions(void **state) {
    (void)state;
    assert_null(nr_find_extension(NULL, NR_EXT_LOG));

    NrHostContext foreign = host_context();
    memcpy(&foreign.magic, "GNIRNLYN", 8);
    assert_null(nr_find_extension(&foreign, NR_EXT_LOG));

    NrHostContext small = host_context();
    small.struct_size = offsetof(NrHostContext, get_extension);
    assert_null(nr_find_extension(&small, NR_EXT_LOG));

    NrHostContext silent = host_context();
    silent.get_extension = NULL;
    assert_null(nr_find_extension(&silent, NR_EXT_LOG));
}

static void a_v1_plugin_answers_through_its_own_table(void **state) {
    (void)state;
    NrHostContext context = host_context();
    NrHost host = nr_host_v1(&context, &v1_table);
    nr_answer_str(&host, 7, NR_ERR, "no such file");
    assert_int_equal(seen.v1_results, 1);
    assert_int_equal(seen.v2_results, 0);
    assert_int_equal(seen.sid, 7);
    assert_int_equal(seen.status, NR_ERR);
    assert_string_equal(seen.text, "no such file");
}

static void a_v1_plugin_sees_backpressure_where_the_host_tells_it(void **state) {
    (void)state;
    NrHostContext context = host_context();
    NrHost host = nr_host_v1(&context, &v1_table);
    assert_int_equal(nr_offer(&host, 8, NR_OK, nr_bytes_str("frame")), NR_BACKPRESSURE);
    assert_int_equal(seen.v2_results, 1);
    assert_string_equal(seen.text, "frame");

    NrHost bare = nr_host_v1(NULL, &v1_table);
    assert_int_equal(nr_offer(&bare, 9, NR_OK, nr_bytes_str("frame")), NR_OK);
    assert_int_equal(seen.v1_results, 1);
    assert_int_equal(seen.sid, 9);
}

static void a_v2_plugin_answers_through_its_own_table(void **state) {
    (void)state;
    NrHost host = nr_host_v2(NULL, &v2_table);
    nr_answer(&host, 3, NR_STREAM_END, nr_bytes_str("end"));
    assert_int_equal(seen.v2_results, 1);
    assert_int_equal(seen.status, NR_STREAM_END);
    assert_string_equal(seen.text, "end");
}

static void log_lines_are_formatted_and_cut(void **state) {
    (void)state;
    NrHostContext context = host_context();
    NrHost host = nr_host_v1(&context, &v1_table);
    nr_logf(&host, 5, NR_LOG_WARN, "%d of %s", 3, "nine");
    assert_string_equal(seen.text, "3 of nine");
    assert_int_equal(seen.sid, 5);
    assert_int_equal(seen.status, NR_LOG_WARN);
    nr_logf(&host, 0, NR_LOG_INFO, "%02000d", 1);
    assert_int_equal(strlen(seen.text), 1023);

    NrHost mute = nr_host_v1(NULL, &v1_table);
    nr_logf(&mute, 0, NR_LOG_ERROR, "to nobody");
    assert_int_equal(seen.lines, 2);
}

static int the_ctx;

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx, (void)host_ctx, (void)vtable;
    return NR_OK;
}

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx, (void)sid, (void)request, (void)payload;
    return NR_INVALID;
}

static void cancel(void *ctx, uint64_t sid) {
    (void)ctx, (void)sid;
}

static const NrPluginVTable2 vtable2 = {0};
static const NrExtCancel cancel_table = {cancel};

NR_PLUGIN_EXPORT_V1("sample", "1.2.3", &the_ctx, init, handle, NULL)
NR_PLUGIN_EXPORT_V2("sample two", "2", &vtable2)
NR_PLUGIN_EXPORT_EXTENSIONS({NR_EXT_CANCEL, &cancel_table})

static void the_v1_export_describes_the_plugin(void **state) {
    (void)state;
    const NrPluginInfo *info = nylon_ring_get_plugin_v1();
    assert_int_equal(info->abi_version, 1);
    assert_int_equal(info->struct_size, 56);
    assert_true(nr_str_is(info->name, "sample"));
    assert_true(nr_str_is(info->version, "1.2.3"));
    assert_ptr_equal(info->plugin_ctx, &the_ctx);
    assert_true(info->vtable->init == init);
    assert_true(info->vtable->handle == handle);
    assert_true(info->vtable->shutdown == NULL);
}

static void the_v2_export_describes_the_plugin(void **state) {
    (void)state;
    const NrPluginInfo2 *info = nylon_ring_get_plugin();
    assert_int_equal(info->abi_version, 2);
    assert_int_equal(info->struct_size, 56);
    assert_true(nr_str_is(info->name, "sample two"));
    assert_ptr_equal(info->vtable, &vtable2);
}

static void the_extension_export_offers_its_tables(void **state) {
    (void)state;
    assert_ptr_equal(nylon_ring_get_plugin_extension_v1("nylon.cancel/1"), &cancel_table);
    assert_null(nylon_ring_get_plugin_extension_v1("nylon.duplex/1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(extensions_are_found_by_their_id, forget),
        cmocka_unit_test_setup(a_host_of_another_kind_offers_no_extensions, forget),
        cmocka_unit_test_setup(a_v1_plugin_answers_through_its_own_table, forget),
        cmocka_unit_test_setup(a_v1_plugin_sees_backpressure_where_the_host_tells_it, forget),
        cmocka_unit_test_setup(a_v2_plugin_answers_through_its_own_table, forget),
        cmocka_unit_test_setup(log_lines_are_formatted_and_cut, forget),
        cmocka_unit_test(the_v1_export_describes_the_plugin),
        cmocka_unit_test(the_v2_export_describes_the_plugin),
        cmocka_unit_test(the_extension_export_offers_its_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
