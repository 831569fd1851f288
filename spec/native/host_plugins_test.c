/* plugin.c, inspect.c: several plugins side by side, and what is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_loop.h"
#include "host_support.h"

#define VERSIONED NR_PLUGIN_DIR "/fixture_version_1.so"

static host_loop_t *loop;

static int open_loop(void **state) {
    (void)state;
    loop = host_loop_new();
    return 0;
}

static int close_loop(void **state) {
    (void)state;
    host_loop_free(loop);
    return 0;
}

static void both_generations_are_loaded_side_by_side(void **state) {
    (void)state;
    nr_plugin_info_t info;
    nr_plugin_t *v1 = host_loop_load(loop, NR_PLUGIN_DIR "/echo.so", NULL);
    nr_plugin_t *v2 = host_loop_load(loop, NR_PLUGIN_DIR "/echo_v2.so", NULL);
    nr_plugin_info(v1, &info);
    assert_int_equal(info.abi, 1);
    assert_string_equal(info.own_name, "echo");
    assert_string_equal(info.path, NR_PLUGIN_DIR "/echo.so");
    nr_plugin_info(v2, &info);
    assert_int_equal(info.abi, 2);
    nr_unload_report_t report = host_loop_unload(loop, v1, 0);
    assert_int_equal(report.error, 0);
    report = host_loop_unload(loop, v2, 0);
    assert_int_equal(report.error, 0);
}

static void one_file_under_several_names_is_several_images(void **state) {
    (void)state;
    nr_plugin_info_t a_info;
    nr_plugin_info_t b_info;
    nr_result_t result;
    int user;
    nr_plugin_t *a = host_loop_load(loop, VERSIONED, "a");
    nr_plugin_t *b = host_loop_load(loop, VERSIONED, "b");
    nr_plugin_info(a, &a_info);
    nr_plugin_info(b, &b_info);
    assert_true(a_info.serial != b_info.serial);
    /* Each has variables of its own: b holds nothing that it could release. */
    assert_int_equal(host_loop_call(a, "/hold", &user, &result), NR_PENDING);
    host_loop_assert_answers(b, "/release", "1");
    nr_stats_t stats;
    nr_plugin_stats(a, &stats);
    assert_int_equal(stats.in_flight, 1);
    host_loop_unload(loop, b, 0);
    host_loop_assert_answers(a, "/release", "1"); /* b's end did not disturb it */
    nr_event_t event;
    host_loop_next(loop, &event);
    assert_ptr_equal(event.user, &user);
    nr_result_release(&event.result);
}

static void a_file_with_both_exports_is_loaded_as_the_generation_that_is_asked_for(void **state) {
    (void)state;
    static const char *const answers[] = {"v1", "v1", "v2"};
    for (uint32_t abi = 0; abi <= 2; abi++) {
        nr_load_options_t options = {.abi = abi};
        nr_plugin_t *plugin = NULL;
        nr_plugin_info_t info;
        assert_int_equal(nr_plugin_load(host_loop_worker(loop), NR_PLUGIN_DIR "/fixture_both.so",
                                        &options, &plugin, NULL),
                         0);
        host_loop_assert_answers(plugin, "/any", answers[abi]);
        nr_plugin_info(plugin, &info);
        assert_int_equal(info.abi, abi == 2 ? 2 : 1);
        host_loop_unload(loop, plugin, 0);
    }
}

static void plugins_are_found_by_name_and_listed_as_loaded(void **state) {
    (void)state;
    nr_worker_t *worker = host_loop_worker(loop);
    assert_null(nr_plugin_each(worker, NULL));
    nr_plugin_t *a = host_loop_load(loop, VERSIONED, "a");
    nr_plugin_t *b = host_loop_load(loop, VERSIONED, NULL);
    nr_plugin_t *c = host_loop_load(loop, VERSIONED, "c");
    assert_ptr_equal(nr_plugin_find(worker, "fixture_version", 15), b);
    assert_null(nr_plugin_find(worker, "fixture_version", 14));
    host_loop_unload(loop, b, 0);
    assert_ptr_equal(nr_plugin_each(worker, NULL), a);
    assert_ptr_equal(nr_plugin_each(worker, a), c);
    assert_null(nr_plugin_each(worker, c));
}

static void a_name_that_is_taken_refuses_before_init_runs(void **state) {
    (void)state;
    nr_error_t err;
    nr_plugin_t *none = NULL;
    nr_load_options_t options = {.name = "a"};
    nr_plugin_t *a = host_loop_load(loop, VERSIONED, "a");
    nr_plugin_t *own = host_loop_load(loop, VERSIONED, NULL);
    support_residue_t before = support_residue();
    assert_int_equal(
        nr_plugin_load(host_loop_worker(loop), NR_PLUGIN_DIR "/echo.so", &options, &none, &err),
        NR_E_NAME_TAKEN);
    assert_non_null(strstr(err.message, "'a' is loaded already"));
    assert_int_equal(nr_plugin_load(host_loop_worker(loop), VERSIONED, NULL, &none, NULL),
                     NR_E_NAME_TAKEN);
    support_assert_nothing_left(before);
    assert_null(none);
    host_loop_unload(loop, a, 0);
    host_loop_unload(loop, own, 0);
}

static void a_name_that_is_no_text_is_misuse(void **state) {
    (void)state;
    static const char *const names[] = {"", "a\nb", "\xff"};
    nr_plugin_t *none = NULL;
    for (size_t i = 0; i < 3; i++) {
        nr_load_options_t options = {.name = names[i]};
        assert_int_equal(nr_plugin_load(host_loop_worker(loop), VERSIONED, &options, &none, NULL),
                         NR_E_MISUSE);
    }
    char longest[300];
    memset(longest, 'n', sizeof(longest));
    longest[256] = '\0';
    nr_load_options_t options = {.name = longest};
    assert_int_equal(nr_plugin_load(host_loop_worker(loop), VERSIONED, &options, &none, NULL),
                     NR_E_MISUSE);
    longest[255] = '\0';
    host_loop_load(loop, VERSIONED, longest);
}

static void a_plugin_can_be_loaded_again_and_again(void **state) {
    (void)state;
    host_loop_unload(loop, host_loop_load(loop, VERSIONED, "a"), 0);
    support_residue_t before = support_residue();
    for (int i = 0; i < 20; i++) {
        nr_plugin_t *plugin = host_loop_load(loop, VERSIONED, "a");
        host_loop_assert_answers(plugin, "/version", "1");
        host_loop_unload(loop, plugin, 0);
    }
    support_residue_t now = support_residue();
    assert_int_equal(now.descriptors, before.descriptors);
}

/* ---- Inspect ----------------------------------------------------------------------------- */

static int has(char **texts, size_t len, const char *wanted) {
    for (size_t i = 0; i < len; i++) {
        if (strcmp(texts[i], wanted) == 0) {
            return 1;
        }
    }
    return 0;
}

static void an_inspection_tells_what_a_file_holds(void **state) {
    (void)state;
    nr_inspection_t *inspection = NULL;
    assert_int_equal(nr_inspect(NR_PLUGIN_DIR "/fixture_cancel.so", &inspection, NULL), 0);
    assert_string_equal(inspection->path, NR_PLUGIN_DIR "/fixture_cancel.so");
    assert_int_equal(inspection->abi, 1);
    assert_int_equal(inspection->struct_size, sizeof(NrPluginInfo));
    assert_true(inspection->has_v1);
    assert_false(inspection->has_v2);
    assert_null(inspection->pinned);
    assert_true(has(inspection->symbols, inspection->symbols_len, NR_PLUGIN_SYMBOL_V1));
    assert_true(has(inspection->symbols, inspection->symbols_len, NR_PLUGIN_EXTENSION_SYMBOL));
    assert_false(has(inspection->symbols, inspection->symbols_len, "malloc"));
    for (size_t i = 1; i < inspection->symbols_len; i++) {
        assert_true(strcmp(inspection->symbols[i - 1], inspection->symbols[i]) <= 0);
    }
    assert_true(has(inspection->extensions, inspection->extensions_len, "nylon.cancel/1"));
    nr_inspection_free(inspection);
}

static void an_inspection_starts_nothing(void **state) {
    (void)state;
    nr_inspection_t *inspection = NULL;
    support_residue_t before = support_residue();
    /* Its init would refuse. */
    assert_int_equal(nr_inspect(NR_PLUGIN_DIR "/fixture_load_init_refuses.so", &inspection, NULL),
                     0);
    assert_true(inspection->has_shutdown);
    nr_inspection_free(inspection);
    support_assert_nothing_left(before);
}

static void an_inspection_tells_of_a_v2_plugin_and_of_a_pinned_one(void **state) {
    (void)state;
    nr_inspection_t *inspection = NULL;
    assert_int_equal(nr_inspect(NR_PLUGIN_DIR "/echo_v2.so", &inspection, NULL), 0);
    assert_int_equal(inspection->abi, 2);
    assert_true(inspection->has_v2);
    nr_inspection_free(inspection);
    assert_int_equal(nr_inspect(NR_PLUGIN_DIR "/fixture_pinned.so", &inspection, NULL), 0);
    assert_non_null(inspection->pinned);
    nr_inspection_free(inspection);
    assert_int_equal(nr_inspect("/nowhere.so", &inspection, NULL), NR_E_INVALID_PATH);
    nr_inspection_free(NULL);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    nr_log_set_level(5);
    const struct CMUnitTest tests[] = {
        ON_LOOP(both_generations_are_loaded_side_by_side),
        ON_LOOP(one_file_under_several_names_is_several_images),
        ON_LOOP(a_file_with_both_exports_is_loaded_as_the_generation_that_is_asked_for),
        ON_LOOP(plugins_are_found_by_name_and_listed_as_loaded),
        ON_LOOP(a_name_that_is_taken_refuses_before_init_runs),
        ON_LOOP(a_name_that_is_no_text_is_misuse),
        ON_LOOP(a_plugin_can_be_loaded_again_and_again),
        cmocka_unit_test(an_inspection_tells_what_a_file_holds),
        cmocka_unit_test(an_inspection_starts_nothing),
        cmocka_unit_test(an_inspection_tells_of_a_v2_plugin_and_of_a_pinned_one),
    };
    return cmocka_run_group_tests_name("plugins", tests, NULL, NULL);
}
