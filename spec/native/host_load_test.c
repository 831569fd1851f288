/* loader.c, image.c: plugins that can not be loaded, each refused for its reason, nothing left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host_loop.h"
#include "host_support.h"

static host_loop_t *loop;

static int open_loop(void **state) {
    (void)state;
    nr_log_set_level(5);
    loop = host_loop_new();
    return 0;
}

static int close_loop(void **state) {
    (void)state;
    host_loop_free(loop);
    return 0;
}

static void load(const char *name, uint32_t abi, int code, NrStatus status, const char *words) {
    char *folder = support_folder_new();
    char *built = support_path(NR_PLUGIN_DIR, name);
    char *path = support_copy(built, folder, name);
    nr_load_options_t options = {.abi = abi};
    nr_plugin_t *plugin = NULL;
    nr_error_t err;
    support_residue_t before = support_residue();
    int rc = nr_plugin_load(host_loop_worker(loop), path, &options, &plugin, &err);
    if (rc != code || err.code != code || err.status != status ||
        strstr(err.message, words) == NULL) {
        fail_msg("%s: %s, \"%s\"", name, nr_error_code(rc), err.message);
    }
    assert_non_null(strstr(err.message, path)); /* which file it is about */
    assert_null(plugin);
    assert_null(nr_plugin_each(host_loop_worker(loop), NULL));
    support_assert_nothing_left(before);
    assert_int_equal(support_entries(folder), 1);
    free(path);
    free(built);
    support_folder_remove(folder);
}

static void every_fault_has_its_code_and_names_cause_and_cure(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int code;
        const char *words;
    } cases[] = {
        {"fixture_load_no_export.so", NR_E_MISSING_SYMBOL,
         "exports neither nylon_ring_get_plugin_v1 nor nylon_ring_get_plugin: it is no plugin"},
        {"fixture_load_null_info.so", NR_E_NULL_PLUGIN_INFO,
         "nylon_ring_get_plugin_v1 returned NULL"},
        {"fixture_load_wrong_version.so", NR_E_INCOMPATIBLE_ABI_VERSION,
         "says ABI version 2 where its symbol stands for 1"},
        {"fixture_load_small_info.so", NR_E_INCOMPATIBLE_INFO_SIZE, "8 bytes, 56 are needed"},
        {"fixture_load_bad_name.so", NR_E_INVALID_PLUGIN_INFO, "the name of "},
        {"fixture_load_null_name.so", NR_E_INVALID_PLUGIN_INFO, "is a NULL pointer with a length"},
        {"fixture_load_bad_version.so", NR_E_INVALID_PLUGIN_INFO, "the version of "},
        {"fixture_load_null_version.so", NR_E_INVALID_PLUGIN_INFO, "the version of "},
        {"fixture_load_null_table.so", NR_E_NULL_PLUGIN_VTABLE, "has no function table"},
        {"fixture_load_no_init.so", NR_E_MISSING_REQUIRED_FUNCTIONS, "has no init: a plugin must"},
        {"fixture_load_no_handle.so", NR_E_MISSING_REQUIRED_FUNCTIONS, "has no handle: a plugin"},
        {"fixture_load_undefined_symbol.so", NR_E_LOAD_FAILED,
         "'nr_fixture_symbol_that_nobody_has'"},
        {"fixture_load_missing_library.so", NR_E_LOAD_FAILED, "'libnr_fixture_absent.so'"},
        {"fixture_load_v2_null_info.so", NR_E_NULL_PLUGIN_INFO,
         "nylon_ring_get_plugin returned NULL"},
        {"fixture_load_v2_wrong_version.so", NR_E_INCOMPATIBLE_ABI_VERSION,
         "says ABI version 1 where its symbol stands for 2"},
        {"fixture_load_v2_small_info.so", NR_E_INCOMPATIBLE_INFO_SIZE, "8 bytes, 56 are needed"},
        {"fixture_load_v2_null_table.so", NR_E_NULL_PLUGIN_VTABLE, "has no function table"},
        {"fixture_load_v2_no_init.so", NR_E_MISSING_REQUIRED_FUNCTIONS, "has no init"},
        {"fixture_load_v2_no_handle.so", NR_E_MISSING_REQUIRED_FUNCTIONS, "has no handle"},
        {"fixture_load_v2_only_resolve.so", NR_E_MISSING_REQUIRED_FUNCTIONS,
         "has resolve_entry without handle_by_id"},
        {"fixture_load_v2_only_by_id.so", NR_E_MISSING_REQUIRED_FUNCTIONS,
         "has handle_by_id without resolve_entry"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        load(cases[i].name, 0, cases[i].code, NR_OK, cases[i].words);
    }
}

static void a_refused_start_tells_the_plugins_status(void **state) {
    (void)state;
    load("fixture_load_init_refuses.so", 0, NR_E_PLUGIN_INIT_FAILED, NR_UNSUPPORTED,
         "its init answered Unsupported (3)");
    load("fixture_load_v2_init_refuses.so", 0, NR_E_PLUGIN_INIT_FAILED, NR_UNSUPPORTED,
         "its init answered Unsupported (3)");
}

static void the_same_files_without_a_fault_are_loaded(void **state) {
    (void)state;
    host_loop_load(loop, NR_PLUGIN_DIR "/fixture_load_none.so", "v1");
    host_loop_load(loop, NR_PLUGIN_DIR "/fixture_load_v2_none.so", "v2");
}

static void a_generation_that_is_not_there_names_the_other(void **state) {
    (void)state;
    load("echo.so", 2, NR_E_MISSING_SYMBOL, NR_OK,
         "does not export nylon_ring_get_plugin, but nylon_ring_get_plugin_v1: load it with abi = "
         "1");
    load("echo_v2.so", 1, NR_E_MISSING_SYMBOL, NR_OK, "load it with abi = 2");
    load("fixture_load_no_export.so", 2, NR_E_MISSING_SYMBOL, NR_OK, "it is no plugin");
}

static void an_unknown_generation_is_misuse(void **state) {
    (void)state;
    nr_load_options_t options = {.abi = 3};
    nr_plugin_t *plugin = NULL;
    assert_int_equal(
        nr_plugin_load(host_loop_worker(loop), NR_PLUGIN_DIR "/echo.so", &options, &plugin, NULL),
        NR_E_MISUSE);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_LOOP(every_fault_has_its_code_and_names_cause_and_cure),
        ON_LOOP(a_refused_start_tells_the_plugins_status),
        ON_LOOP(the_same_files_without_a_fault_are_loaded),
        ON_LOOP(a_generation_that_is_not_there_names_the_other),
        ON_LOOP(an_unknown_generation_is_misuse),
    };
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
