/* The built plugin template, whose file is the first argument, answers in a real host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "host_loop.h"

static const char *template_path;

static void the_template_answers_its_path_and_refuses_others(void **state) {
    (void)state;
    host_loop_t *loop = host_loop_new();
    nr_plugin_t *plugin = host_loop_load(loop, template_path, NULL);
    nr_plugin_info_t info;
    nr_plugin_info(plugin, &info);
    assert_string_equal(info.name, "hello");
    host_loop_assert_answers(plugin, "/hello", "hello, world");

    nr_result_t result = {0};
    assert_int_equal(host_loop_call(plugin, "/other", NULL, &result), NR_E_PLUGIN_HANDLE_FAILED);
    host_loop_unload(loop, plugin, 0);
    host_loop_free(loop);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    template_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_template_answers_its_path_and_refuses_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
